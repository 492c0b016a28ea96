import { BackupError } from "../core/errors.ts";
import { isMixed, type RecoveryPoint } from "../core/recovery-point.ts";
import { choosePoint, matching } from "../core/restore-choice.ts";
import type { PointQuery } from "../core/restore-query.ts";
import type { StoredEntry } from "../core/store-ports.ts";
import type { DiffAnswer, FindAnswer } from "../core/stored-answer.ts";
import { diffOf } from "../core/stored-diff.ts";
import { type FindWish, pathFinder } from "../core/stored-find.ts";
import { listedEntries } from "../core/stored-listing.ts";
import { versionsOf } from "../core/stored-versions.ts";
import { wishOf } from "./restore-points.ts";
import { entriesWanted, keptEntries, keyOf, reading } from "./stored-reading.ts";
import type { StoredFound, StoredSession } from "./stored-session.ts";

/** What `restore find` is asked for. */
export interface FindOrder {
  readonly query: PointQuery;
  readonly find: FindWish;
  /** In all points that were asked for, and not in the newest alone. */
  readonly every: boolean;
}

/** Looks for names in one point of files or in all of them. */
export async function findInStored(
  { query, find, every }: FindOrder,
  found: StoredFound,
  session: StoredSession,
  signal: AbortSignal,
): Promise<FindAnswer> {
  const isMeant = meaning(find);
  const wish = wishOf(query, session.zone, new Date());
  const isNamed = wish.point !== undefined;
  const files = found.points.filter((point) => isNamed || isGoodFiles(point));
  const chosen = choosePoint(files, wish).point;
  const points = every
    ? matching(files, wish).filter((one) => one.instanceArn === chosen.instanceArn)
    : [chosen];
  const hits: { point: RecoveryPoint; entries: readonly StoredEntry[] }[] = [];
  for (const point of points) {
    const entries = await reading(point, session, { signal }, async (from) => {
      const met = await entriesWanted(from, isMeant, session, signal);
      return met.filter(({ type }) => find.type === undefined || type === find.type);
    });
    hits.push({ point, entries });
  }
  return { points, versions: versionsOf(hits), zone: session.zone, ...(wish.at && { at: wish.at }) };
}

function meaning(find: FindWish): (path: string) => boolean {
  try {
    return pathFinder(find);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new BackupError({ kind: "usage", doing: `look for ${find.pattern}`, found });
  }
}

/** What `restore diff` is asked for. */
export interface DiffOrder {
  readonly query: PointQuery;
  /** Ids of points, beginnings of ids, or times. */
  readonly before: string;
  readonly after: string;
  readonly below?: string;
}

/** Compares two points, by what is listed of them. */
export async function diffStored(
  { query, before, after, below }: DiffOrder,
  found: StoredFound,
  session: StoredSession,
  signal: AbortSignal,
): Promise<DiffAnswer> {
  const [one, other] = [pointBy(before, query, found, session), pointBy(after, query, found, session)];
  const content = await changedContent(one, other, session, signal);
  const wish = { ...(below && { below }), ...(content && { content }) };
  const { changes, sum } = await withListing(one, session, signal, (old) =>
    withListing(other, session, signal, (now) => diffOf(old, now, wish)),
  );
  return { before: one, after: other, changes, sum, zone: session.zone, exact: content !== undefined };
}

/** Does something with all entries of a point, made one after the other of what is kept on this host. */
function withListing<T>(
  point: RecoveryPoint,
  session: StoredSession,
  signal: AbortSignal,
  act: (entries: Iterable<StoredEntry>) => T | Promise<T>,
): Promise<T> {
  return reading(point, session, { signal }, async (from) => {
    const known = await session.cache.text(keyOf(from));
    if (known !== undefined) return act(listedEntries(known));
    for await (const _ of keptEntries(from, session, signal));
    const now = await session.cache.text(keyOf(from));
    if (now !== undefined) return act(listedEntries(now));
    // There is no place for it, or it is too long.
    const entries: StoredEntry[] = [];
    for await (const entry of keptEntries(from, session, signal)) entries.push(entry);
    return act(entries);
  });
}

/** Paths whose content differs, where both points are in one repository that can tell. */
async function changedContent(
  one: RecoveryPoint,
  other: RecoveryPoint,
  session: StoredSession,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  const [name, second] = [one.stored?.repository, other.stored?.repository];
  const [a, b] = [one.snapshots[0]?.id, other.snapshots[0]?.id];
  if (name === undefined || name !== second || a === undefined || b === undefined) return undefined;
  const store = await session.store(name, signal);
  if (store.changed === undefined) return undefined;
  // Two snapshots always differ in the same: kept like a listing, of both together.
  const key = { repository: store.config.url, snapshot: `${a}${b}` };
  const kept = await session.cache.read(key);
  if (kept !== undefined) return new Set(kept.map(({ path }) => path));
  try {
    const changed = await store.changed(a, b, signal);
    const paths = new Set<string>();
    for await (const { path } of session.cache.keep(key, asFiles(changed), () => undefined)) paths.add(path);
    return paths;
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind === "interrupted") throw error;
    session.options.log("warn", `only sizes and times are compared: ${error.message}`);
    return undefined;
  }
}

async function* asFiles(paths: readonly string[]): AsyncGenerator<StoredEntry> {
  for (const path of paths) yield { path, type: "file" };
}

function pointBy(
  text: string,
  query: PointQuery,
  { points }: StoredFound,
  { zone }: StoredSession,
): RecoveryPoint {
  const { at: _, point: __, ...rest } = query;
  const isId = /^[0-9a-f-]{8,}$/.test(text) && !/^\d{4}-\d{2}-\d{2}$/.test(text);
  const named = isId ? { point: text } : text === "newest" ? {} : { at: text };
  const wish = wishOf({ ...rest, ...named }, zone, new Date(), "or the id of a point, or newest");
  return choosePoint(isId ? points : points.filter(isGoodFiles), wish).point;
}

/** Nobody is shown by default what is dated with a time that is not believed. */
function isGoodFiles(point: RecoveryPoint): boolean {
  return point.stored?.content === "files" && !isMixed(point);
}
