import type { Connection } from "../aws/connection.ts";
import { imagesUsing, locksOf } from "../aws/holds.ts";
import { sideBySide } from "../aws/side-by-side.ts";
import {
  createSnapshots,
  deleteSnapshot,
  listSnapshots,
  rehearseSnapshots,
  type SetRequest,
} from "../aws/snapshots.ts";
import { tagResources } from "../aws/tag-resources.ts";
import { warm } from "../aws/warm.ts";
import { BackupError } from "../core/errors.ts";
import type { Tags } from "../core/instance.ts";
import { listingOf } from "../core/listing.ts";
import type { UserDataFacts } from "../core/machine-recipe.ts";
import { descriptionOf, marksOf, pointsOf, tagKeys, tagsOf } from "../core/point-tags.ts";
import type { CaptureOrder, Engine, Prepared, Removal } from "../core/ports.ts";
import { type Hold, type RecoveryPoint, rootFirst, type Snapshot } from "../core/recovery-point.ts";

/** The user data of this instance; `whole`: with its content. Absent where it cannot be read. */
export type UserDataSource = (whole: boolean) => Promise<UserDataFacts | undefined>;

/** EBS snapshots: one CreateSnapshots call makes a whole point. */
export function ebsEngine(
  connection: Connection,
  version: string,
  userData: UserDataSource = () => Promise.resolve(undefined),
): Engine {
  return {
    async prepare(order) {
      const { copy, recordUserData } = order.job;
      const copies = copy && (await import("../core/copy-target.ts")).copyTagOf(copy);
      return prepare(connection, version, order, await userData(recordUserData === true), copies);
    },
    async find(pointId, signal) {
      const { snapshots, asOf } = await listSnapshots(
        connection,
        { key: tagKeys.point, value: pointId },
        signal,
      );
      return pointsOf(snapshots, asOf).find((point) => point.id === pointId);
    },
    async list(scope, signal) {
      const tag =
        "series" in scope
          ? { key: tagKeys.series, value: scope.series }
          : { key: tagKeys.instance, value: scope.instanceArn };
      const { snapshots, asOf } = await listSnapshots(connection, tag, signal);
      // Not left to the filter alone: what is listed may be removed.
      const ours = snapshots.filter((one) => one.tags[tag.key] === tag.value);
      return listingOf(ours, asOf);
    },
    mark: (point, marks, signal) =>
      tagResources(
        connection,
        point.snapshots.map(({ id }) => id),
        marksOf(marks),
        signal,
      ),
    withHolds: (points, signal) => withOutsideHolds(connection, points, signal),
    remove: (point) => removeMembers(connection, point),
  };
}

function prepare(
  connection: Connection,
  version: string,
  order: CaptureOrder,
  userData: UserDataFacts | undefined,
  copies: Tags = {},
): Prepared {
  const { job, instance, scope } = order;
  const birth = (pointId: string, captured: Date) =>
    tagsOf({ ...birthOf(order, userData), pointId, captured, version, copies });
  const requestOf = (pointId: string, captured: Date): SetRequest => {
    const { tags, copyVolumeTags } = birth(pointId, captured);
    return {
      instanceId: instance.id,
      description: descriptionOf(instance, job.name),
      excludeRoot: scope.excludeRoot,
      excludeDataVolumeIds: scope.excludeDataVolumeIds,
      copyVolumeTags,
      tags,
    };
  };
  const volumes = scope.expected.map(({ id }) => id);
  return {
    dropped: birth("", new Date(0)).dropped,
    async capture(pointId, captured, within = job.waits.capture, answered) {
      const request = requestOf(pointId, captured);
      const deadline = Math.min(within, job.waits.capture);
      const snapshots = await createSnapshots(connection, request, deadline, answered);
      return pointOf(pointId, snapshots, request.tags, captured);
    },
    rehearse: (pointId, captured, signal) =>
      rehearseSnapshots(connection, requestOf(pointId, captured), job.waits.capture, signal),
    warm: (signal) => warm(connection, volumes, signal),
  };
}

/** What an order says of the point that is born of it. */
export function birthOf(order: CaptureOrder, userData: UserDataFacts | undefined) {
  const { job, instance, scope, runId, asOf } = order;
  const mounts = order.mounts?.();
  return {
    runId,
    job,
    instance,
    ...(asOf === undefined ? {} : { asOf }),
    volumes: scope.expected,
    ...(mounts === undefined ? {} : { mounts }),
    ...(userData && { userData }),
  };
}

/** The point that an answer of CreateSnapshots describes, which need not repeat the tags. */
function pointOf(
  pointId: string,
  snapshots: Snapshot[],
  tags: Record<string, string> | Snapshot["tags"],
  captured: Date,
) {
  const tagged = snapshots.map((one) => ({ ...one, tags: { ...one.tags, ...tags } }));
  const point = pointsOf(tagged, captured).find((one) => one.id === pointId);
  if (point !== undefined) return point;
  throw new BackupError({
    kind: "unexpected",
    doing: "read the created point",
    found: "no member has its id",
  });
}

/** What outside a point holds it: images that use its snapshots, and locks. */
export async function withOutsideHolds(
  connection: Connection,
  points: readonly RecoveryPoint[],
  signal: AbortSignal,
): Promise<RecoveryPoint[]> {
  const ids = points.flatMap((point) => point.snapshots.map((one) => one.id));
  if (ids.length === 0) return [...points];
  const [images, locks] = await sideBySide(
    signal,
    (asking) => imagesUsing(connection, ids, asking),
    (asking) => locksOf(connection, ids, asking),
  );
  return points.map((point) => {
    const holds = point.snapshots.flatMap(({ id }): Hold[] => {
      const image = images.get(id);
      const lock = locks?.get(id);
      return [
        ...(image === undefined ? [] : [{ by: "ami" as const, detail: `${id} is used by ${image}` }]),
        ...(lock === undefined ? [] : [{ by: "lock" as const, detail: `${id} is locked (${lock})` }]),
      ];
    });
    return holds.length === 0 ? point : { ...point, holds: [...point.holds, ...holds] };
  });
}

/** Requests at a time: few enough not to use up what an account may ask for at once. */
const removedAtOnce = 4;

/**
 * Removes a point, the root volume first and alone, since an image is likeliest to hold that one: while that
 * is refused the set stays whole. The others follow a few at a time, until one of them is refused. Being told
 * to stop does not end it half-way.
 */
export async function* removeMembers(connection: Connection, point: RecoveryPoint): AsyncIterable<Removal> {
  const [first, ...others] = rootFirst(point);
  const groups = first === undefined ? [] : [[first]];
  while (others.length > 0) groups.push(others.splice(0, removedAtOnce));
  let stopped = false;
  for (const group of groups) {
    const removals = group.map(async ({ id, volumeId }): Promise<Removal> => {
      const member = { snapshotId: id, volumeId };
      return stopped ? { ...member, outcome: "left" } : { ...member, ...(await removeOne(connection, id)) };
    });
    const ended = await Promise.allSettled(removals);
    for (const one of ended) {
      // Each has been asked for by now: a defect in one hides what became of no other.
      if (one.status === "fulfilled") yield one.value;
      stopped ||= one.status === "rejected" || ["held", "failed"].includes(one.value.outcome);
    }
    for (const one of ended) if (one.status === "rejected") throw one.reason;
  }
}

export async function removeOne(
  connection: Connection,
  id: string,
  signal?: AbortSignal,
): Promise<Pick<Removal, "outcome" | "failure">> {
  try {
    await deleteSnapshot(connection, id, signal);
    return { outcome: "removed" };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    if (error.kind === "not-found") return { outcome: "was-gone" };
    // A lock, an image or AWS Backup: EC2 does not document the code of each, but all are client errors.
    return { outcome: error.kind === "refused" ? "held" : "failed", failure: error };
  }
}
