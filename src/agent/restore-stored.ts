import { BackupError } from "../core/errors.ts";
import type { FilesAct } from "../core/file-ports.ts";
import { besideOf } from "../core/file-target.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { PointQuery } from "../core/restore-query.ts";
import type { StoredEntry } from "../core/store-ports.ts";
import type { StoredAnswer, StoredItem } from "../core/stored-answer.ts";
import { chooseStored, holding } from "../core/stored-choice.ts";
import { placeText, type StoredPlace, storedPlace } from "../core/stored-path.ts";
import { restoreBeside, restoreTarget } from "../host/restore-target.ts";
import { wishOf } from "./restore-points.ts";
import { type FoundPlace, fileEntry, lookAt, type Reading, reading, treeAt } from "./stored-reading.ts";
import { restoreTree } from "./stored-restore.ts";
import type { StoredFound, StoredSession } from "./stored-session.ts";

/** What `restore file`, `ls` and `cat` are asked for. */
export interface StoredOrder {
  readonly query: PointQuery;
  /** Absolute, or `dump/NAME`; one at least. */
  readonly paths: readonly string[];
  readonly act: FilesAct;
  /** Only the plan. */
  readonly planned: boolean;
}

/** Looks for the paths in the stored points that were found. */
export async function lookInStored(
  order: StoredOrder,
  found: StoredFound,
  session: StoredSession,
  signal: AbortSignal,
): Promise<StoredAnswer> {
  const { query, act, planned } = order;
  const places = order.paths.map(placeOf);
  const [first = placeOf("/")] = places;
  const wish = wishOf(query, session.zone, new Date());
  const able = places.slice(1).reduce((points, place) => holding(points, place), found.points);
  const choice = chooseStored(able, first, wish);
  const { stored } = choice.point;
  const base = { choice, zone: session.zone, ...(wish.at && { at: wish.at }), items: [] };
  const answer = { ...base, repository: stored?.repository ?? "" };
  if (act.kind === "cat" && !planned) {
    const { there, from } = await reading(choice.point, session, { signal }, async (from) => ({
      there: await fileAt(first, from, session, signal),
      from,
    }));
    await from.store.dump(from.snapshot, there.path, act.descriptor, signal).catch((error: unknown) => {
      // Whoever read it has had enough.
      if (!(error instanceof BackupError) || !/SIGPIPE/.test(error.found)) throw error;
    });
    return { ...answer, repository: from.store.config.name, written: true };
  }
  return reading(choice.point, session, { signal }, async (from) => {
    const repository = from.store.config.name;
    if (act.kind === "ls") {
      const there = await lookAt(first, from, session, signal);
      const shown = there.entry === undefined || there.entry.type === "dir" ? there.children : [there.entry];
      return { ...answer, repository, entries: shown.map(fileEntry) };
    }
    if (act.kind === "cat") {
      const { path, entry } = await fileAt(first, from, session, signal);
      const item = { asked: placeText(first), path, to: "-", entries: 1, bytes: entry?.size ?? 0 };
      return { ...answer, repository, items: [item] };
    }
    const own = found.own?.includes(from.point.instanceArn) === true;
    const items = await itemsOf(places, { ...act, own, zone: session.zone }, from, session, signal);
    if (planned) return { ...answer, repository, items: items.map(({ listed: _, ...item }) => item) };
    const done: StoredItem[] = [];
    for (const { listed, confined, ...item } of items) {
      const order = { ...item, entries: listed, existing: act.existing, confined };
      done.push({ ...item, copied: await restoreTree(order, from, session, signal) });
    }
    return { ...answer, repository, items: done };
  });
}

function placeOf(text: string): StoredPlace {
  const place = storedPlace(text);
  if (place !== undefined) return place;
  throw new BackupError({
    kind: "usage",
    doing: `restore ${text}`,
    found: "it is neither an absolute path nor dump/NAME",
  });
}

/** The one file that is meant. */
async function fileAt(
  place: StoredPlace,
  from: Reading,
  session: StoredSession,
  signal: AbortSignal,
): Promise<FoundPlace> {
  const there = await lookAt(place, from, session, signal);
  if (there.entry?.type === "file") return there;
  const [only, ...more] = there.children;
  if (place.in === "dump" && only?.type === "file" && more.length === 0)
    return { path: only.path, entry: only, children: [] };
  const kind = there.entry === undefined ? "directory" : fileEntry(there.entry).kind;
  throw new BackupError({
    kind: "usage",
    doing: `read ${placeText(place)}`,
    found: `it is a ${kind}`,
    remedy: kind === "directory" ? "restore ls lists it" : "only files have a content",
  });
}

type Planned = StoredItem & { readonly listed: readonly StoredEntry[]; readonly confined: boolean };

type FileAct = Extract<FilesAct, { readonly kind: "file" }> & {
  /** Whether the point is of this host. */
  readonly own: boolean;
  readonly zone: string;
};

async function itemsOf(
  places: readonly StoredPlace[],
  act: FileAct,
  from: Reading,
  session: StoredSession,
  signal: AbortSignal,
): Promise<readonly Planned[]> {
  const tops: { readonly place: StoredPlace; readonly top: StoredEntry; readonly whole: boolean }[] = [];
  for (const place of places) {
    const there = await lookAt(place, from, session, signal);
    // Of the top of a snapshot nothing is known: what lies in it is brought back.
    const inside = there.entry === undefined;
    for (const top of inside ? there.children : [there.entry]) tops.push({ place, top, whole: !inside });
  }
  const items: Planned[] = [];
  for (const { place, top, whole } of tops) {
    const listed = top.type === "dir" ? await treeAt(top.path, from, session, signal) : [top];
    const isDump = place.in === "dump";
    const name = isDump || !whole ? top.path : placeText(place);
    const to = await targetOf({ place, name, whole, several: tops.length > 1 }, act, from.point);
    items.push({
      asked: placeText(place),
      path: top.path,
      to,
      entries: listed.length,
      bytes: listed.reduce((sum, { size = 0 }) => sum + size, 0),
      listed,
      confined: isDump && top.type === "file",
    });
  }
  const twice = items.find(({ to }, index) => items.findIndex((one) => one.to === to) < index);
  if (twice === undefined) return items;
  throw new BackupError({
    kind: "usage",
    doing: `restore ${twice.asked}`,
    found: `${twice.to} would be written twice`,
    remedy: "restore them one by one, each --to a place of its own",
  });
}

/** Where a copy goes, by the same rules as one of a volume. */
async function targetOf(
  top: {
    readonly place: StoredPlace;
    readonly name: string;
    readonly whole: boolean;
    readonly several: boolean;
  },
  { to, existing, own, zone }: FileAct,
  point: RecoveryPoint,
): Promise<string> {
  const { place, name, whole, several } = top;
  if (to !== undefined) return restoreTarget(several && !to.endsWith("/") ? `${to}/` : to, name, existing);
  const isFile = place.in === "files" && whole;
  const beside = own && isFile ? besideOf(name, point.captured, zone) : undefined;
  if (beside !== undefined) return restoreBeside(beside, name, existing);
  const found = !own
    ? `the point is of another machine, ${point.instanceArn}`
    : place.in === "dump"
      ? "a dump has no place of its own"
      : "nothing lies beside /";
  throw new BackupError({
    kind: "usage",
    doing: `restore ${placeText(place)}`,
    found,
    remedy: "say where to: --to",
  });
}
