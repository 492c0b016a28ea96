import { madeFrom, madeOfAll } from "../core/resting.ts";
import type { Blank, FoundFilesystem } from "../core/restore-ports.ts";
import { isBlank, notMountable, type Obstacle, type Signature } from "../core/signature.ts";
import type { HostRoots } from "./block-devices.ts";
import { btrfsObstacle } from "./btrfs-clone.ts";
import { type Look, lookAt } from "./look-at-disks.ts";
import { activateGroups } from "./lvm-clone.ts";
import { assembleArrays } from "./md-clone.ts";

/**
 * The filesystems on the disks, and what is there in their place. Volume groups and arrays that lie wholly on these
 * disks are put together, read-only and without writing to the disks; what has the name or the UUID of another
 * that is here is told with an obstacle.
 */
export async function foundFilesystems(
  disks: readonly string[],
  roots: HostRoots,
  signal: AbortSignal,
): Promise<readonly FoundFilesystem[]> {
  let look = await lookAt(disks, roots, signal);
  const obstacles = new Map<string, Obstacle>();
  const keep = (found: ReadonlyMap<string, Obstacle>): void => {
    for (const [device, obstacle] of found) obstacles.set(device, obstacle);
  };
  if (look.signatures.some(({ type }) => type === "linux_raid_member")) {
    keep(await assembleArrays(look, roots, signal));
    look = await lookAt(disks, roots, signal);
  }
  if (look.signatures.some(({ type }) => type === "LVM2_member")) {
    keep(await activateGroups(look, roots, signal));
    look = await lookAt(disks, roots, signal);
  }
  const found: FoundFilesystem[] = [];
  const pools = new Set<string>();
  for (const signature of look.signatures) {
    const { type, uuid } = signature;
    if (type === undefined || isCarrier(signature, look, obstacles)) continue;
    if (type === "btrfs" && uuid !== undefined && pools.has(uuid)) continue;
    const obstacle =
      obstacles.get(signature.path) ??
      notMountable(signature) ??
      (type === "btrfs" ? await btrfsObstacle(signature, look, roots, signal) : undefined);
    if (type === "btrfs" && uuid !== undefined) pools.add(uuid);
    found.push(described(signature, look, obstacle));
  }
  return found;
}

/** Where nothing that is known is, though something should be; see the port. */
export async function blanks(
  disks: readonly string[],
  roots: HostRoots,
  signal: AbortSignal,
): Promise<readonly Blank[]> {
  const look = await lookAt(disks, roots, signal);
  const found = look.signatures.filter((one) => isBlank(one) && isTop(one.path, look));
  return found.map((one) => {
    const { path: readable, partition, disks: below } = described(one, look, undefined);
    return { path: readable, ...(partition === undefined ? {} : { partition }), disks: below };
  });
}

/** Nothing is made of it, and it is none of those that LVM keeps for itself: pools, their parts, layers of snapshots. */
function isTop(at: string, look: Look): boolean {
  const ownOfLvm = /^LVM-\w{64}-/.test(look.numberOf.get(at)?.mapped?.uuid ?? "");
  return !ownOfLvm && madeFrom(new Set(numbersOf(at, look)), look.present.all.devices).length === 0;
}

/** A member of something that was put together is no thing of its own: what stands on it is listed. */
function isCarrier(
  { path: at, type }: Signature,
  look: Look,
  obstacles: ReadonlyMap<string, Obstacle>,
): boolean {
  if (type !== "LVM2_member" && type !== "linux_raid_member") return false;
  return !obstacles.has(at) && madeFrom(new Set(numbersOf(at, look)), look.present.all.devices).length > 0;
}

function numbersOf(at: string, look: Look): string[] {
  return [look.numberOf.get(at)?.number ?? []].flat();
}

function described(
  { path: at, type = "", uuid, label }: Signature,
  look: Look,
  obstacle: Obstacle | undefined,
): FoundFilesystem {
  const device = look.numberOf.get(at);
  const members = type === "btrfs" ? look.signatures.filter((one) => one.uuid === uuid) : [{ path: at }];
  const below = new Set(
    members
      .flatMap((one) => numbersOf(one.path, look))
      .flatMap((one) => [...madeOfAll(one, look.present.all)]),
  );
  const partition = device?.partOf === undefined ? undefined : Number(/(\d+)$/.exec(device.name)?.[1]);
  const readable = device?.mapped === undefined ? at : `/dev/mapper/${device.mapped.name}`;
  const unused =
    type === "LVM2_member" || type === "linux_raid_member"
      ? { found: "it is a part of something that cannot be put together", remedy: "look at it with lsblk -f" }
      : undefined;
  const why = obstacle ?? unused;
  return {
    path: readable,
    type,
    ...(uuid === undefined ? {} : { uuid }),
    ...(label === undefined ? {} : { label }),
    ...(partition === undefined ? {} : { partition }),
    disks: [...look.numbers].flatMap(([disk, number]) => (below.has(number) ? [disk] : [])),
    ...(why === undefined ? {} : { obstacle: why }),
  };
}
