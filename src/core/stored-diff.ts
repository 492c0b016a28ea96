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
  const old = new Map<string, StoredEntry>();
  const sum = { added: 0, removed: 0, changed: 0, bytesBefore: 0, bytesAfter: 0 };
  for (const entry of before) {
    if (!isWithin(entry.path, below)) continue;
    old.set(entry.path, entry);
    sum.bytesBefore += entry.size ?? 0;
  }
  const changes: StoredChange[] = [];
  for (const entry of after) {
    if (!isWithin(entry.path, below)) continue;
    sum.bytesAfter += entry.size ?? 0;
    const was = old.get(entry.path);
    old.delete(entry.path);
    const change = was === undefined ? "added" : changeOf(was, entry, content);
    if (change !== undefined)
      changes.push({ path: entry.path, change, ...(was && { before: was }), after: entry });
  }
  for (const [path, entry] of old) changes.push({ path, change: "removed", before: entry });
  for (const { change } of changes)
    sum[change === "added" ? "added" : change === "removed" ? "removed" : "changed"] += 1;
  return { changes: changes.sort((a, b) => inTreeOrder(a.path, b.path)), sum };
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
