import type { StoredEntry } from "./store-ports.ts";
import { isWithin } from "./stored-path.ts";

/** What became of an entry between two points. */
export interface StoredChange {
  readonly path: string;
  /** `kind`: a file became a directory or the like. `attributes`: mode, owner or time alone. */
  readonly change: "added" | "removed" | "content" | "attributes" | "kind";
  readonly before?: StoredEntry;
  readonly after?: StoredEntry;
}

/** Numbers of changes, and bytes of files. */
export interface DiffSum {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/**
 * What differs between two listings, by path. Of a directory whose time alone differs nothing is said: that only
 * tells that something in it has changed, which is said itself. `content` are paths whose content is known to differ;
 * without it, files of the same size and time are taken for the same.
 */
export function diffOf(
  before: Iterable<StoredEntry>,
  after: Iterable<StoredEntry>,
  { below = "/", content }: { readonly below?: string; readonly content?: ReadonlySet<string> } = {},
): { readonly changes: readonly StoredChange[]; readonly sum: DiffSum } {
  const sum = { added: 0, removed: 0, changed: 0, bytesBefore: 0, bytesAfter: 0 };
  const changes: StoredChange[] = [];
  for (const { was, is } of pairsOf(within(before, below), within(after, below))) {
    sum.bytesBefore += was?.size ?? 0;
    sum.bytesAfter += is?.size ?? 0;
    const path = (is ?? was)?.path ?? "";
    const change = was === undefined ? "added" : is === undefined ? "removed" : changeOf(was, is, content);
    if (change === undefined) continue;
    sum[change === "added" || change === "removed" ? change : "changed"] += 1;
    changes.push({ path, change, ...(was && { before: was }), ...(is && { after: is }) });
  }
  return { changes: changes.sort((a, b) => inTreeOrder(a.path, b.path)), sum };
}

function* within(entries: Iterable<StoredEntry>, below: string): Generator<StoredEntry, undefined> {
  for (const entry of entries) if (isWithin(entry.path, below)) yield entry;
}

/**
 * Each entry with that of the same path in the other listing. Both mostly go the same way, so that few wait for their
 * like; whatever the order, all find it.
 */
function* pairsOf(
  before: Iterator<StoredEntry, undefined>,
  after: Iterator<StoredEntry, undefined>,
): Generator<{ readonly was?: StoredEntry; readonly is?: StoredEntry }> {
  const waiting = { was: new Map<string, StoredEntry>(), is: new Map<string, StoredEntry>() };
  let was = before.next().value;
  let is = after.next().value;
  while (was !== undefined || is !== undefined) {
    if (was !== undefined && was.path === is?.path) {
      yield { was, is };
      was = before.next().value;
      is = after.next().value;
    } else if (was !== undefined && (is === undefined || inTreeOrder(was.path, is.path) < 0)) {
      const like = taken(waiting.is, was.path);
      if (like === undefined) waiting.was.set(was.path, was);
      else yield { was, is: like };
      was = before.next().value;
    } else if (is !== undefined) {
      const like = taken(waiting.was, is.path);
      if (like === undefined) waiting.is.set(is.path, is);
      else yield { was: like, is };
      is = after.next().value;
    }
  }
  for (const alone of waiting.was.values()) yield { was: alone };
  for (const alone of waiting.is.values()) yield { is: alone };
}

function taken(waiting: Map<string, StoredEntry>, path: string): StoredEntry | undefined {
  const found = waiting.get(path);
  waiting.delete(path);
  return found;
}

function changeOf(
  was: StoredEntry,
  is: StoredEntry,
  content: ReadonlySet<string> | undefined,
): StoredChange["change"] | undefined {
  if (was.type !== is.type) return "kind";
  const isFile = is.type === "file";
  const sameTime = was.mtime?.getTime() === is.mtime?.getTime();
  const isOther = content === undefined ? was.size !== is.size || !sameTime : content.has(is.path);
  if (isFile && isOther) return "content";
  const sameOwner = was.mode === is.mode && was.uid === is.uid && was.gid === is.gid;
  if (!sameOwner || was.linkTarget !== is.linkTarget) return "attributes";
  return sameTime || is.type === "dir" ? undefined : "attributes";
}

/** A directory right before what is in it. */
export function inTreeOrder(a: string, b: string): number {
  const [one, other] = [a.replaceAll("/", "\0"), b.replaceAll("/", "\0")];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** What was added or removed as a whole, said once. */
export interface ToldChange extends StoredChange {
  /** How many entries below it became the same. */
  readonly below: number;
}

/** The same changes for people: what came or went with its directory is counted there. */
export function toldChanges(changes: readonly StoredChange[]): readonly ToldChange[] {
  const told: (StoredChange & { below: number })[] = [];
  for (const change of changes) {
    const last = told.at(-1);
    const isWhole =
      last !== undefined && last.change === change.change && /^(added|removed)$/.test(last.change);
    const top = last?.after ?? last?.before;
    if (isWhole && top?.type === "dir" && isWithin(change.path, last.path)) last.below += 1;
    else told.push({ ...change, below: 0 });
  }
  return told;
}
