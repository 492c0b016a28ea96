import { bytesNeeded, contentOf, type DirectoryCount, type DirectoryOrder, sizeOfNew } from "./directory.ts";
import type { DiskHolds } from "./directory-ports.ts";
import { BackupError } from "./errors.ts";
import type { VolumeState } from "./restore-ports.ts";

/** What is to be done with which volume. */
export interface DirectoryPlan {
  readonly order: DirectoryOrder;
  readonly count: DirectoryCount;
  /** The one that is there; absent: a new one of {@link sizeGiB} is made. */
  readonly volume?: VolumeState;
  readonly sizeGiB: number;
}

const gib = 2 ** 30;

/** Where the disk will be; a volume can be attached in its own zone only. */
export interface Ground {
  /** Absent where an instance is started wherever the volume is. */
  readonly zone?: string;
  readonly instance?: string;
  readonly force: boolean;
}

/** Refuses, before anything is made, what cannot come to a good end. */
export function planDirectory(
  order: DirectoryOrder,
  count: DirectoryCount,
  volume: VolumeState | undefined,
  ground: Ground,
): DirectoryPlan {
  refuseFilters(order);
  if (volume === undefined) return { order, count, sizeGiB: sizeOfNew(order.method, count, order.directory) };
  refuseVolume(volume, `back up ${order.directory} onto ${volume.id}`, ground);
  refuseOther(order, volume, ground.force);
  refuseSmall(order, count, volume);
  return { order, count, volume, sizeGiB: volume.sizeGiB };
}

function refuseFilters({ method, local, remote, directory }: DirectoryOrder): void {
  if (method !== "rsync" || (local === undefined && remote === undefined)) return;
  throw new BackupError({
    kind: "usage",
    doing: `back up ${directory}`,
    found: "rsync has no stream that a filter could be put into",
    remedy: "leave out -l and -r, or use -m dd",
  });
}

/** Refuses a volume that cannot be attached there. */
export function refuseVolume(
  volume: VolumeState,
  doing: string,
  { zone, instance }: Omit<Ground, "force">,
): void {
  const { id, state, attachments } = volume;
  const living = attachments.filter(({ state }) => state !== "detached");
  const [other] = living;
  if (other !== undefined)
    throw new BackupError({
      kind: "refused",
      doing,
      found: `it is in use: attached to ${other.instance}${other.instance === instance ? ", this instance," : ""} as ${other.device}`,
      remedy: `unmount and detach it first: aws ec2 detach-volume --volume-id ${id}`,
      code: "VolumeInUse",
    });
  if (zone !== undefined && volume.zone !== zone)
    throw new BackupError({
      kind: "refused",
      doing,
      found: `it is in the zone ${volume.zone}, and this instance in ${zone}`,
      remedy:
        "take a volume of this zone, or none, so that one is made; or add --elsewhere, which starts an instance in its zone",
      code: "InvalidVolume.ZoneMismatch",
    });
  if (state !== "available")
    throw new BackupError({
      kind: "refused",
      doing,
      found: `it is ${state}`,
      remedy: "wait until it is available",
    });
}

function refuseOther(order: DirectoryOrder, volume: VolumeState, force: boolean): void {
  if (force) return;
  const content = contentOf(volume.tags);
  const doing = `back up ${order.directory} onto ${volume.id}`;
  if (content !== undefined && content.method !== order.method)
    throw new BackupError({
      kind: "refused",
      doing,
      found: `it holds a directory by -m ${content.method}, and -m ${order.method} is asked for`,
      remedy: `use -m ${content.method}, or take another volume; --force gives up what it holds`,
    });
  if (content === undefined && volume.snapshot !== undefined)
    throw new BackupError({
      kind: "refused",
      doing,
      found: `it was made of ${volume.snapshot}, so it holds data that is not of this command`,
      remedy: "take another volume; --force gives up what it holds",
    });
}

/** What filters make of the data nobody knows before. */
function refuseSmall(order: DirectoryOrder, count: DirectoryCount, volume: VolumeState): void {
  if (order.local !== undefined || order.remote !== undefined) return;
  const needed = bytesNeeded(order.method, count);
  // A filesystem has some of the disk for itself.
  const usable = volume.sizeGiB * gib * (order.method === "dd" ? 1 : 0.95);
  if (needed <= usable) return;
  throw new BackupError({
    kind: "refused",
    doing: `back up ${order.directory} onto ${volume.id}`,
    found: `the volume is too small: it has ${volume.sizeGiB} GiB, and the data takes ${inGiB(needed)} GiB`,
    remedy: "take a larger one, or none, so that one is made",
    code: "TooSmall",
  });
}

function inGiB(bytes: number): string {
  return (bytes / gib).toFixed(bytes < 10 * gib ? 2 : 0);
}

/**
 * Whether a filesystem must be made for rsync, once the disk has been looked at. Refuses, unless forced, what would
 * overwrite data that is not of this command.
 */
export function judgeHolds(
  { order, volume }: DirectoryPlan,
  holds: DiskHolds,
  force: boolean,
): { readonly fresh: boolean } {
  const content = volume === undefined ? undefined : contentOf(volume.tags);
  const known = content?.method === order.method;
  if (order.method === "dd") {
    if (known || force || holds.kind === "nothing") return { fresh: true };
    throw foreign(order, volume, holds);
  }
  if (holds.kind === "nothing") return { fresh: true };
  const kept = holds.kind === "filesystem" && holds.marker && ["ext4", "xfs"].includes(holds.type);
  // Tags can be lost; the filesystem says by itself whose it is.
  if (kept && content?.method !== "dd") return { fresh: false };
  // It was being made when it was stopped.
  if (known && (content.state === "new" || content.state === "writing")) return { fresh: true };
  if (force) return { fresh: true };
  throw foreign(order, volume, holds);
}

function foreign(order: DirectoryOrder, volume: VolumeState | undefined, holds: DiskHolds): BackupError {
  const what = holds.kind === "filesystem" ? `a filesystem (${holds.type})` : "data";
  return new BackupError({
    kind: "refused",
    doing: `back up ${order.directory} onto ${volume?.id ?? "a new volume"}`,
    found: `it holds ${what} that is not of this command`,
    remedy: "take another volume, or none, so that one is made; --force gives up what it holds",
    code: "HoldsData",
  });
}
