import type { BlockDevice, BlockDevices } from "./block-device.ts";
import { devicesOf, restsOnDisks } from "./map-mounts.ts";
import { holderOf, type MountEntry } from "./mount-table.ts";

/** Numbers of all devices that a device is made of, itself included: partitions' disks, members, files of loops. */
export function madeOfAll(
  number: string,
  { devices }: BlockDevices,
  found: Set<string> = new Set(),
): ReadonlySet<string> {
  if (found.has(number)) return found;
  found.add(number);
  const device = devices.find((one) => one.number === number);
  for (const below of [...(device?.madeOf ?? []), ...(device?.partOf === undefined ? [] : [device.partOf])])
    madeOfAll(below, { devices, pools: [], sources: new Map() }, found);
  return found;
}

/** The mounts that rest on any of the disks (by number), the last mounted first: the order in which they can go. */
export function mountsOn(
  disks: ReadonlySet<string>,
  entries: readonly MountEntry[],
  all: BlockDevices,
): readonly MountEntry[] {
  const rests = (entry: MountEntry, passed: ReadonlySet<MountEntry>): boolean => {
    if (passed.has(entry) || !restsOnDisks(entry)) return false;
    return devicesOf(entry, all).some((number) =>
      [...madeOfAll(number, all)].some((one) => disks.has(one) || fileRests(one, passed, entry)),
    );
  };
  const fileRests = (number: string, passed: ReadonlySet<MountEntry>, entry: MountEntry): boolean => {
    const file = all.devices.find((device) => device.number === number)?.file;
    const holder = file === undefined ? undefined : holderOf(file.replace(/ \(deleted\)$/, ""), entries);
    // The files of the disks themselves, where those are loop devices, are below and not above.
    return holder !== undefined && rests(holder, new Set([...passed, entry]));
  };
  return entries.filter((entry) => rests(entry, new Set())).toReversed();
}

/** Devices that are made of the given ones, the lowest first: what is taken apart goes in reverse. */
export function madeFrom(
  disks: ReadonlySet<string>,
  devices: readonly BlockDevice[],
): readonly BlockDevice[] {
  const above: BlockDevice[] = [];
  const known = new Set(disks);
  for (let grown = true; grown; ) {
    grown = false;
    for (const device of devices) {
      if (known.has(device.number)) continue;
      const below = [...device.madeOf, ...(device.partOf === undefined ? [] : [device.partOf])];
      if (!below.some((one) => known.has(one))) continue;
      known.add(device.number);
      above.push(device);
      grown = true;
    }
  }
  return above;
}
