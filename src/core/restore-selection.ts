import { BackupError } from "./errors.ts";
import type { RecoveryPoint, Snapshot } from "./recovery-point.ts";
import { placeOf } from "./restore-devices.ts";

/** A member of a point that is not restored. */
export interface Left {
  readonly volume: string;
  readonly because: string;
}

/** Which members of the point are meant, in the order of its recipe. Throws `usage` or `not-found`. */
export function chosenSnapshots(
  point: RecoveryPoint,
  wish: { readonly volumes: readonly string[]; readonly device?: string },
): { readonly chosen: readonly Snapshot[]; readonly left: readonly Left[] } {
  const order = point.recipe.map(({ volumeId }) => volumeId);
  const members = [...point.snapshots].sort((a, b) => place(order, a) - place(order, b));
  const rootId = point.recipe.find(({ root }) => root === true)?.volumeId;
  const named = wish.volumes.length > 0;
  const wanted = new Set(wish.volumes.map((name) => memberNamed(point, name)));
  const chosen = members.filter(({ volumeId }) => (named ? wanted.has(volumeId) : volumeId !== rootId));
  if (chosen.length === 0) throw onlyRoot(point, rootId);
  if (wish.device !== undefined && chosen.length > 1) throw severalForOneDevice(wish.device, chosen);
  const left = members
    .filter((one) => !chosen.includes(one))
    .map(({ volumeId }) => ({
      volume: volumeId,
      because: named ? "it was not asked for" : "it is the root volume: name it to have a copy of it",
    }));
  const missing = order
    .filter((id) => !members.some(({ volumeId }) => volumeId === id))
    .map((volume) => ({ volume, because: gone }));
  return { chosen, left: [...left, ...missing] };
}

/** A snapshot in the Recycle Bin has no tags that would tell its point. */
const gone =
  "the point lacks its snapshot; one that was deleted may lie in the Recycle Bin: aws ec2 list-snapshots-in-recycle-bin";

function place(order: readonly string[], { volumeId }: Snapshot): number {
  const index = order.indexOf(volumeId);
  return index < 0 ? order.length : index;
}

/** By its id, or by the device that it had. */
function memberNamed(point: RecoveryPoint, name: string): string {
  const byDevice = point.recipe.find(
    ({ device }) =>
      device !== undefined &&
      (device === name || (placeOf(name) !== undefined && placeOf(device) === placeOf(name))),
  )?.volumeId;
  const found = point.snapshots.find(({ id, volumeId }) => [id, volumeId].includes(name))?.volumeId;
  const id = found ?? byDevice;
  if (id !== undefined && point.snapshots.some(({ volumeId }) => volumeId === id)) return id;
  const there = point.snapshots.map(({ volumeId }) => {
    const device = point.recipe.find((one) => one.volumeId === volumeId)?.device;
    return device === undefined ? volumeId : `${volumeId} (${device})`;
  });
  throw new BackupError({
    kind: "not-found",
    doing: `restore ${name}`,
    found: `point ${point.id} has no such volume; it has ${there.join(", ")}`,
    remedy: "other points may have it: `ec2-backup restore list`",
  });
}

function onlyRoot(point: RecoveryPoint, rootId: string | undefined): BackupError {
  return new BackupError({
    kind: "usage",
    doing: `restore point ${point.id}`,
    found: rootId === undefined ? "it has no snapshot" : `it holds the root volume ${rootId} alone`,
    ...(rootId === undefined
      ? {}
      : { remedy: `name it to have a copy of it: ec2-backup restore volumes ${rootId} --point ${point.id}` }),
  });
}

function severalForOneDevice(device: string, chosen: readonly Snapshot[]): BackupError {
  return new BackupError({
    kind: "usage",
    doing: `restore to ${device}`,
    found: `${chosen.length} volumes are to be restored: ${chosen.map(({ volumeId }) => volumeId).join(", ")}`,
    remedy: "name one of them",
  });
}
