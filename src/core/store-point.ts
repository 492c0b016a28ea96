import { tagKeys, toldOf } from "./point-tags.ts";
import type { Hold, RecoveryPoint, Snapshot } from "./recovery-point.ts";
import type { StoreClock } from "./store-answers.ts";
import type { StoredSnapshot } from "./store-ports.ts";
import { isOwn, memberOf, ownTags, type StoredSubject, storedKeys } from "./store-tags.ts";

/** Where the snapshots come from. */
export interface StoredOrigin {
  /** The name of the repository. */
  readonly repository: string;
  /** When it got them, where it tells. */
  readonly clock?: StoreClock;
}

/** The code of a failed save that may have left a snapshot all the same, and of one that could not be marked. */
export const mayBeThere = "MayBeThere";

/** The points among the snapshots of a repository. Snapshots of others, without our tags, are nobody's point. */
export function storedPoints(snapshots: readonly StoredSnapshot[], origin: StoredOrigin): RecoveryPoint[] {
  const markers = Map.groupBy(
    snapshots.filter((one) => markedBy(one) !== undefined),
    (one) => markedBy(one) ?? "",
  );
  const sets = Map.groupBy(
    snapshots.filter((one) => markedBy(one) === undefined),
    (one) => ownTags(one.tags)[tagKeys.point] ?? "",
  );
  return [...sets].flatMap(([id, set]) => (id === "" ? [] : (pointOf(id, set, markers, origin) ?? [])));
}

/** Every snapshot that holds what is in a point: what counts, first, and its twins. */
export function copyIdsOf({ snapshots, stored }: RecoveryPoint): readonly string[] {
  return [...snapshots.map(({ id }) => id), ...(stored?.twins ?? [])];
}

/** Every snapshot that goes with a point: its copies and what marks it. */
export function snapshotIdsOf(point: RecoveryPoint): readonly string[] {
  return [...copyIdsOf(point), ...(point.stored?.markers ?? [])];
}

/** The snapshot that a marker speaks of; absent of what is no marker. */
export function markedBy(snapshot: StoredSnapshot): string | undefined {
  return ownTags(snapshot.tags)[storedKeys.partialOf];
}

function pointOf(
  id: string,
  set: readonly StoredSnapshot[],
  markers: ReadonlyMap<string, readonly StoredSnapshot[]>,
  origin: StoredOrigin,
): RecoveryPoint | undefined {
  const isOne = areOneCopy(set);
  // Any of them would do; always the same one counts.
  const [first, ...rest] = isOne ? set.toSorted((a, b) => (a.id < b.id ? -1 : 1)) : set;
  if (first === undefined) return undefined;
  const tags = ownTags(first.tags);
  const subject = subjectOf(tags);
  if (subject === undefined) return undefined;
  const marking = set.flatMap((one) => [
    ...(markers.get(one.id) ?? []),
    ...(one.original === undefined ? [] : (markers.get(one.original) ?? [])),
  ]);
  const received = origin.clock?.received.get(first.id);
  const holds: readonly Hold[] = isOne || rest.length === 0 ? [] : [twofold(set)];
  return {
    id,
    ...toldOf(tags),
    // Nobody can say which of two is the point, so neither may stand for a good one.
    state: marking.length > 0 || holds.length > 0 ? "partial" : "complete",
    captured: first.time,
    snapshots: (isOne ? [first] : set).map((one) => snapshotOf(one, subject, tags)),
    recipe: [{ volumeId: memberOf(subject) }],
    holds,
    stored: {
      repository: origin.repository,
      ...subject,
      source: memberOf(subject),
      paths: first.paths,
      original: first.original ?? first.id,
      tags: first.tags.filter((one) => !isOwn(one)),
      markers: [...new Set(marking.map((one) => one.id))],
      ...(isOne ? { twins: rest.map(({ id: twin }) => twin) } : {}),
      ...(received === undefined ? {} : { received }),
    },
  };
}

/**
 * Whether they are one snapshot that was copied more than once, as two hosts do that mirror at the same time: restic
 * looks only before it begins. Whatever else says that it is this point differs in something or was not copied.
 */
function areOneCopy(set: readonly StoredSnapshot[]): boolean {
  // Not every restic that copies keeps what it says of the size.
  const [first, ...rest] = set.map(({ id: _, bytes: __, ...said }) => said);
  if (rest.length === 0 || first?.original === undefined || first.tree === undefined) return false;
  const text = JSON.stringify(first);
  return rest.every((one) => JSON.stringify(one) === text);
}

function subjectOf(tags: Readonly<Record<string, string>>): StoredSubject | undefined {
  const content = tags[storedKeys.content];
  const dump = tags[storedKeys.dump];
  if (content === "files") return { content };
  return content === "dump" && dump !== undefined
    ? { content, dump, kind: tags[storedKeys.kind] ?? "command" }
    : undefined;
}

function snapshotOf(
  one: StoredSnapshot,
  subject: StoredSubject,
  tags: Readonly<Record<string, string>>,
): Snapshot {
  return {
    id: one.id,
    volumeId: memberOf(subject),
    state: "completed",
    startTime: one.time,
    volumeSizeGiB: 0,
    ...(one.bytes === undefined ? {} : { fullSizeBytes: one.bytes }),
    encrypted: true,
    archived: false,
    tags,
  };
}

function twofold(set: readonly StoredSnapshot[]): Hold {
  const ids = set.map((one) => one.id.slice(0, 8)).join(", ");
  return { by: "mixed", detail: `the snapshots ${ids} all say that they are this point` };
}
