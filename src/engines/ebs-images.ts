import type { Connection } from "../aws/connection.ts";
import { locksOf } from "../aws/holds.ts";
import {
  createImage,
  deregisterImage,
  type ImageRequest,
  imagesNamed,
  imagesOn,
  imagesTagged,
  rehearseImage,
  sharesOf,
} from "../aws/job-images.ts";
import { BackupError } from "../core/errors.ts";
import { type ImageOwner, isBroken, isOwnImage, withImages } from "../core/image-due.ts";
import type { FoundImage, ImageEngine, ImageOrder } from "../core/image-ports.ts";
import type { UserDataFacts } from "../core/machine-recipe.ts";
import { descriptionOf, tagKeys, tagsOf } from "../core/point-tags.ts";
import type { Engine, Removal } from "../core/ports.ts";
import type { Hold, RecoveryPoint } from "../core/recovery-point.ts";
import { birthOf, removeMembers, type UserDataSource } from "./ebs.ts";

/** Images of an instance and the snapshots that EC2 makes for them: one CreateImage call makes a whole point. */
export function ebsImages(
  connection: Connection,
  engine: Pick<Engine, "find">,
  version: string,
  userData: UserDataSource,
): ImageEngine {
  return {
    find: (pointId, signal) => engine.find(pointId, signal),
    list: (series, signal) => imagesTagged(connection, tagKeys.series, [series], tagKeys.image, signal),
    async identify(points, signal) {
      const ids = points.map(({ id }) => id);
      const found = await imagesTagged(connection, tagKeys.point, ids, tagKeys.image, signal);
      const ours = found.filter((image) => points.some((point) => isOf(image, point)));
      return withImages(points, ours);
    },
    named: (name, signal) => imagesNamed(connection, name, signal),
    async make(order) {
      const request = requestOf(order, version, await userData(order.order.job.recordUserData === true));
      return createImage(connection, request, order.order.job.waits.capture);
    },
    rehearse: (order, signal) =>
      rehearseImage(connection, requestOf(order, version, undefined), order.order.job.waits.capture, signal),
    withHolds: (points, signal) => withHolds(connection, points, signal),
    remove: (point) => remove(connection, point),
  };
}

function requestOf(
  { order, name, pointId, period, captured, without }: ImageOrder,
  version: string,
  userData: UserDataFacts | undefined,
): ImageRequest {
  const { job, instance } = order;
  const { tags } = tagsOf({ ...birthOf(order, userData), pointId, captured, version, image: period });
  const description = descriptionOf(instance, job.name);
  return { instanceId: instance.id, name, description, tags, without };
}

function ownerOf({ instanceArn, job }: RecoveryPoint): ImageOwner {
  return { instanceArn, instanceId: instanceArn.slice(instanceArn.lastIndexOf("/") + 1), job };
}

/** Made by the point's job on its instance, for this very point. */
function isOf(image: FoundImage, point: RecoveryPoint): boolean {
  return image.tags[tagKeys.point] === point.id && isOwnImage(image, ownerOf(point));
}

/** What outside a point holds it. Its own image does not, unless somebody else may count on that. */
async function withHolds(
  connection: Connection,
  points: readonly RecoveryPoint[],
  signal: AbortSignal,
): Promise<RecoveryPoint[]> {
  const ids = points.flatMap(({ snapshots }) => snapshots.map(({ id }) => id));
  const users = await imagesOn(connection, ids, signal);
  const pointIds = points.map(({ id }) => id);
  const tagged = await imagesTagged(connection, tagKeys.point, pointIds, tagKeys.image, signal);
  const locks = ids.length === 0 ? undefined : await locksOf(connection, ids, signal);
  const held: RecoveryPoint[] = [];
  for (const point of points) {
    const own = tagged.find((image) => isOf(image, point));
    const holds = point.snapshots.flatMap(({ id }): Hold[] => {
      const others = users.filter((image) => image.id !== own?.id && image.snapshots.includes(id));
      const lock = locks?.get(id);
      return [
        ...others.map((image): Hold => ({ by: "ami", detail: `${id} is used by ${image.id}` })),
        ...(lock === undefined ? [] : [{ by: "lock" as const, detail: `${id} is locked (${lock})` }]),
      ];
    });
    const kept = own && (keptFor(own) ?? (await sharedWith(connection, own, signal)));
    held.push({
      ...point,
      ...(own && point.image && { image: { ...point.image, id: own.id, state: own.state } }),
      holds: [...point.holds, ...holds, ...(kept ? [{ by: "ami" as const, detail: kept }] : [])],
    });
  }
  return held;
}

/** Why an image of ours stays all the same: somebody has said so, or it is not made yet. */
function keptFor(image: FoundImage): string | undefined {
  const { id, state, protection } = image;
  if (protection !== undefined) return `${id} is protected from deregistration (${protection})`;
  if (image.public) return `${id} is public`;
  return state === "available" || isBroken(state) ? undefined : `${id} is ${state}`;
}

async function sharedWith(
  connection: Connection,
  { id, state }: FoundImage,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (isBroken(state)) return undefined;
  try {
    const shares = await sharesOf(connection, id, signal);
    return shares === 0 ? undefined : `${id} is shared: ${shares} others may launch it`;
  } catch (error) {
    // Gone in this moment: then it is shared with nobody.
    if (error instanceof BackupError && error.kind === "not-found") return undefined;
    throw error;
  }
}

/**
 * Takes the image of a point away, and then its snapshots, which no other image may use. That it is the point's own is
 * looked at right before; while it cannot be taken away, all stays. Of one that is gone already the snapshots are left.
 */
async function* remove(connection: Connection, point: RecoveryPoint): AsyncIterable<Removal> {
  const unstoppable = new AbortController().signal;
  let own: FoundImage[];
  try {
    const tagged = await imagesTagged(connection, tagKeys.point, [point.id], tagKeys.image, unstoppable);
    own = tagged.filter((image) => isOf(image, point));
  } catch (error) {
    yield* stayed(point, error);
    return;
  }
  for (const image of own) {
    const kept = keptFor(image);
    if (kept !== undefined) {
      yield* stayed(point, refusal(image, kept));
      return;
    }
    try {
      await deregisterImage(connection, image.id);
      yield { snapshotId: image.id, volumeId: "", image: true, outcome: "removed" };
    } catch (error) {
      if (!isGone(error)) {
        yield* stayed(point, error, image.id);
        return;
      }
      yield { snapshotId: image.id, volumeId: "", image: true, outcome: "was-gone" };
    }
  }
  yield* removeMembers(connection, point);
}

function refusal({ id }: FoundImage, found: string): BackupError {
  return new BackupError({ kind: "refused", doing: `deregister ${id}`, found, code: "ImageHeld" });
}

function isGone(error: unknown): boolean {
  if (!(error instanceof BackupError)) return false;
  return error.kind === "not-found" || error.code === "InvalidAMIID.Unavailable";
}

function* stayed(point: RecoveryPoint, error: unknown, image?: string): Iterable<Removal> {
  if (!(error instanceof BackupError)) throw error;
  const outcome = error.kind === "refused" ? "held" : "failed";
  const id = image ?? point.image?.id ?? "its image";
  yield { snapshotId: id, volumeId: "", image: true, outcome, failure: error };
  for (const one of point.snapshots) yield { snapshotId: one.id, volumeId: one.volumeId, outcome: "left" };
}
