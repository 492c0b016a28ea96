import {
  type BlockDevice,
  type Identities,
  type Identity,
  instanceStoreModel,
  volumeIdOf,
} from "./block-device.ts";
import type { Volume } from "./instance.ts";
import { xenVolumes } from "./xen-names.ts";

/**
 * Tells which volume each disk is, by what the disk says of itself: the serial number that EBS gives it,
 * or a link that was made from that. Names count only for disks of Xen, which have nothing else. What
 * contradicts itself is nothing, since a wrong answer would call data frozen that is not.
 */
export function identify(devices: readonly BlockDevice[], volumes: readonly Volume[]): Identities {
  const told = new Map<string, Identity>();
  const doubts: string[] = [];
  const attached = new Set(volumes.map((volume) => volume.id));
  for (const device of devices) {
    const identity = saidBy(device, attached);
    if (identity !== undefined) told.set(device.number, identity);
  }
  for (const [id, names] of claimedTwice(devices, told)) {
    doubts.push(`${names.join(" and ")} both say that they are ${id}`);
    for (const device of devices) {
      if (volumeOf(told.get(device.number)) !== id) continue;
      told.set(device.number, { because: `says that it is ${id}, as another disk does` });
    }
  }
  const placed = new Set([...told.values()].flatMap((one) => volumeOf(one) ?? []));
  const xen = xenVolumes(
    devices.filter((device) => device.xen && device.partOf === undefined && !told.has(device.number)),
    volumes.filter((volume) => !placed.has(volume.id)),
  );
  for (const [number, identity] of xen.of) told.set(number, identity);
  return { of: told, doubts: [...doubts, ...xen.doubts] };
}

function saidBy(device: BlockDevice, attached: ReadonlySet<string>): Identity | undefined {
  if (device.model === instanceStoreModel)
    return { because: "is an instance store, which no snapshot can hold" };
  const serial = volumeIdOf(device.serial);
  const ids = [...new Set([...(serial === undefined ? [] : [serial]), ...device.links])];
  const [id] = ids;
  if (id === undefined) return undefined;
  if (ids.length > 1) return { because: `says that it is ${ids.join(" and also ")}` };
  if (!attached.has(id))
    return { because: `is ${id}, which EC2 does not show among this instance's volumes` };
  return { volume: id };
}

function volumeOf(identity: Identity | undefined): string | undefined {
  return identity !== undefined && "volume" in identity ? identity.volume : undefined;
}

/** Volume ids that more than one disk has, with the disks' names; a disk and its partitions are one. */
function claimedTwice(
  devices: readonly BlockDevice[],
  told: ReadonlyMap<string, Identity>,
): [string, string[]][] {
  const byNumber = new Map(devices.map((device) => [device.number, device]));
  const claims = new Map<string, Set<string>>();
  for (const device of devices) {
    const id = volumeOf(told.get(device.number));
    if (id === undefined) continue;
    const disk = byNumber.get(device.partOf ?? device.number) ?? device;
    claims.set(id, (claims.get(id) ?? new Set()).add(disk.name));
  }
  return [...claims].filter(([, names]) => names.size > 1).map(([id, names]) => [id, [...names].sort()]);
}
