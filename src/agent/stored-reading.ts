import { BackupError, sentenceOf } from "../core/errors.ts";
import type { EntryKind, FileEntry } from "../core/file-ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { Store, StoredEntry } from "../core/store-ports.ts";
import { isWithin, nameOf, parentOf, placeText, plainPath, type StoredPlace } from "../core/stored-path.ts";
import type { ListingKey } from "../host/listing-cache.ts";
import { realPlace } from "../host/restore-target.ts";
import { listedIn, type StoredSession, standsIn } from "./stored-session.ts";

/** A point that can be read: the repository that holds it, and its snapshot there. */
export interface Reading {
  readonly store: Store;
  readonly point: RecoveryPoint;
  readonly snapshot: string;
}

/** What there is not; a mirror has not got it either. */
const noSuchPath = "NoSuchPath";

/**
 * Does something with a point in its repository, or once more in the mirror where the repository has gone away
 * meanwhile. What is written to a pipe cannot be written twice: `once` says so.
 */
export async function reading<T>(
  point: RecoveryPoint,
  session: StoredSession,
  { once = false, signal }: { readonly once?: boolean; readonly signal: AbortSignal },
  act: (reading: Reading) => Promise<T>,
): Promise<T> {
  const name = point.stored?.repository ?? "";
  try {
    return await act(await readingOf(name, point, session, signal));
  } catch (error) {
    const mirror = session.repositories.find((one) => one.name === name)?.mirror?.to;
    if (!isGone(error) || once || mirror === undefined || mirror === name) throw error;
    session.options.log("warn", standsIn(name, mirror, error));
    const found = await listedIn(mirror, session, signal).catch((second: unknown) => {
      session.options.log("warn", sentenceOf(second instanceof BackupError ? second : error));
      throw error;
    });
    const copy = found.find(({ id }) => id === point.id);
    if (copy === undefined) throw error;
    return act(await readingOf(mirror, copy, session, signal));
  }
}

async function readingOf(
  name: string,
  point: RecoveryPoint,
  session: StoredSession,
  signal: AbortSignal,
): Promise<Reading> {
  const [member] = point.snapshots;
  if (member === undefined)
    throw new BackupError({
      kind: "not-found",
      doing: `read the point ${point.id}`,
      found: "it has no snapshot",
    });
  return { store: await session.store(name, signal), point, snapshot: member.id };
}

/** Whether it is the repository that failed, and not what was asked of it or this host. */
function isGone(error: unknown): error is BackupError {
  if (!(error instanceof BackupError) || error.code === noSuchPath) return false;
  return ["unreachable", "not-found", "denied", "locked", "unexpected"].includes(error.kind);
}

/** The entries of a snapshot whose path is wanted, from this host if they are kept here, and else keeps all of them. */
export async function entriesWanted(
  from: Reading,
  isWanted: (path: string) => boolean,
  session: StoredSession,
  signal: AbortSignal,
): Promise<readonly StoredEntry[]> {
  const kept = await session.cache.read(keyOf(from), isWanted);
  if (kept !== undefined) return kept;
  const entries: StoredEntry[] = [];
  for await (const entry of keptEntries(from, session, signal)) if (isWanted(entry.path)) entries.push(entry);
  return entries;
}

/** By what a snapshot's listing is kept on this host. */
export function keyOf({ store, snapshot }: Reading): ListingKey {
  return { repository: store.config.url, snapshot };
}

/** Passes on all entries of a snapshot as its repository lists them, and keeps them on this host. */
export async function* keptEntries(
  from: Reading,
  session: StoredSession,
  signal: AbortSignal,
): AsyncGenerator<StoredEntry> {
  const { store, snapshot, point } = from;
  const { options, cache } = session;
  const key = keyOf(from);
  const listed = store.list(snapshot, { path: "/", recursive: true }, signal);
  const told = (why: string): void =>
    options.log(
      "info",
      `the listing of ${point.id} is not kept on this host, and read again each time: ${why}`,
    );
  let count = 0;
  for await (const entry of cache.keep(key, listed, told)) {
    count += 1;
    if (count % 5_000 === 0)
      options.tell({ percent: 0, doing: `listing ${point.id.slice(0, 13)}, ${count} entries so far` });
    yield entry;
  }
}

/** What lies at a path of a snapshot. */
export interface FoundPlace {
  readonly path: string;
  /** Absent for the top of the snapshot, of which nothing is known. */
  readonly entry?: StoredEntry;
  /** What a directory holds, sorted by name. */
  readonly children: readonly StoredEntry[];
}

/** Looks for a place in a point. Throws `not-found`. */
export async function lookAt(
  place: StoredPlace,
  reading: Reading,
  session: StoredSession,
  signal: AbortSignal,
): Promise<FoundPlace> {
  const { store, point, snapshot } = reading;
  const names = await namesOf(place, point);
  const isNear = (path: string) => names.includes(path) || names.includes(parentOf(path));
  const kept = await session.cache.read(keyOf(reading), isNear);
  for (const path of names) {
    const listed = kept ?? store.list(snapshot, { path, recursive: false, itself: true }, signal);
    let entry: StoredEntry | undefined;
    const children: StoredEntry[] = [];
    for await (const one of listed) {
      if (one.path === path) entry = one;
      else if (parentOf(one.path) === path) children.push(one);
    }
    if (entry === undefined && path !== "/") continue;
    const sorted = children.toSorted((a, b) => (nameOf(a.path) < nameOf(b.path) ? -1 : 1));
    return { path, ...(entry && { entry }), children: sorted };
  }
  throw new BackupError({
    kind: "not-found",
    code: noSuchPath,
    doing: `find ${placeText(place)} in the point ${point.id}`,
    found: "it is not there: it was left out, or was not there at that time",
    remedy: `ec2-backup restore find --all '${nameOf(placeText(place))}' tells in which points it is`,
  });
}

/** How a place may be called in the snapshot, the likeliest first. */
async function namesOf(place: StoredPlace, { stored }: RecoveryPoint): Promise<readonly string[]> {
  if (place.in === "files") {
    if (place.path === "/") return ["/"];
    // A link that leads there on this host is most likely no link in the snapshot.
    return [...new Set([place.path, await realPlace(place.path)])];
  }
  const [top = "/"] = (stored?.paths ?? []).map(plainPath);
  if (place.path === "/") return [(stored?.paths ?? []).length > 1 ? "/" : top];
  return [...new Set([top, parentOf(top), "/"].map((one) => plainPath(`${one}${place.path}`)))];
}

/** An entry and all below it. */
export async function treeAt(
  path: string,
  from: Reading,
  session: StoredSession,
  signal: AbortSignal,
): Promise<readonly StoredEntry[]> {
  const kept = await session.cache.read(keyOf(from), (one) => isWithin(one, path));
  if (kept !== undefined) return kept;
  const entries: StoredEntry[] = [];
  for await (const one of from.store.list(from.snapshot, { path, recursive: true, itself: true }, signal))
    if (isWithin(one.path, path)) entries.push(one);
  return entries;
}

const kinds: Readonly<Record<StoredEntry["type"], EntryKind>> = {
  file: "file",
  dir: "directory",
  symlink: "link",
  fifo: "pipe",
  socket: "socket",
  dev: "block device",
  chardev: "character device",
  irregular: "file",
};

/** The same entry as listings of volumes show it. */
export function fileEntry({ path, type, mode, uid, gid, size, mtime, linkTarget }: StoredEntry): FileEntry {
  return {
    name: nameOf(path),
    kind: kinds[type],
    mode: (mode ?? 0) & 0o7777,
    uid: uid ?? 0,
    gid: gid ?? 0,
    size: size ?? 0,
    changed: mtime ?? new Date(0),
    ...(linkTarget === undefined ? {} : { target: linkTarget }),
  };
}
