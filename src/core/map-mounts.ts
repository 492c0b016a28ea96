import type { BlockDevice, BlockDevices, Identities } from "./block-device.ts";
import { identify } from "./disk-identity.ts";
import type { Volume } from "./instance.ts";
import type { MappedMount, MountMap } from "./mount-map.ts";
import { type HiddenEntry, holderOf, type MountEntry, visible } from "./mount-table.ts";

/** Filesystems that keep their own account of disks, which nothing here can read. */
const opaque: Readonly<Record<string, string>> = {
  zfs: "is kept by ZFS, which does not tell the kernel its disks",
  bcachefs: "is kept by bcachefs, whose disks are not asked for here",
};

/**
 * Tells which volumes each mount rests on, through partitions, LVM, md, dm-crypt, btrfs and loop devices.
 * Only what is proved counts as a volume; everything else is `unknown`, with the reason.
 */
export function mapMounts(
  entries: readonly MountEntry[],
  devices: BlockDevices,
  volumes: readonly Volume[],
  hidden: readonly HiddenEntry[] = [],
): MountMap {
  const identities = identify(devices.devices, volumes);
  const ground: Ground = {
    entries,
    devices,
    identities,
    byNumber: new Map(devices.devices.map((device) => [device.number, device])),
  };
  const seen = visible(entries);
  const mounts = seen.filter(restsOnDisks).map((entry) => mapped(entry, ground));
  const others = seen
    .filter((entry) => !restsOnDisks(entry))
    .map(({ path, filesystem }) => ({ path, filesystem }));
  const unseen = hidden.filter(restsOnDisks).map((entry) => ({ ...mapped(entry, ground), by: entry.by }));
  return { mounts, others, hidden: unseen, doubts: identities.doubts };
}

/** Whether disks of this machine are somewhere below; the others have no block device at all. */
export function restsOnDisks({ filesystem, superblock }: MountEntry): boolean {
  return !superblock.startsWith("0:") || filesystem === "btrfs" || Object.hasOwn(opaque, filesystem);
}

/** Where the kernel shows itself, and what is in memory alone. */
const kernelOwn = /^\/(?:proc|sys|dev)(?:\/|$)/;
const inMemory: ReadonlySet<string> = new Set(["tmpfs", "ramfs", "overlay"]);

/**
 * Whether somebody else answers for the filesystem, such as the server of an NFS. Where that is the root, nothing
 * here works without him.
 */
export function isFar(entry: MountEntry): boolean {
  const { filesystem, path } = entry;
  return !restsOnDisks(entry) && !inMemory.has(filesystem) && path !== "/" && !kernelOwn.test(path);
}

/** Numbers of the devices that a filesystem is directly on, with those of its log and its real-time part. */
export function devicesOf(entry: MountEntry, { pools, sources }: BlockDevices): readonly string[] {
  if (!entry.superblock.startsWith("0:")) {
    const further = sourcesOf(entry).flatMap((source) => sources.get(source) ?? []);
    return [...new Set([entry.superblock, ...further])];
  }
  const source = sources.get(entry.source);
  if (entry.filesystem !== "btrfs" || source === undefined) return [];
  return pools.find((pool) => pool.members.includes(source))?.members ?? [source];
}

/** Paths of devices in a mount's options, beside the device that its superblock names. */
export function sourcesOf(entry: MountEntry): readonly string[] {
  return entry.options.flatMap((option) => /^(?:logdev|rtdev)=(.+)$/.exec(option)?.[1] ?? []);
}

interface Ground {
  readonly entries: readonly MountEntry[];
  readonly devices: BlockDevices;
  readonly identities: Identities;
  readonly byNumber: ReadonlyMap<string, BlockDevice>;
}

/** What a walk from a filesystem down to the disks has found. */
interface Found {
  readonly stack: Set<string>;
  readonly volumes: Set<string>;
  readonly unknown: Map<string, string>;
  readonly loopOn: Set<string>;
  readonly passed: Set<string>;
}

function mapped(entry: MountEntry, ground: Ground): MappedMount {
  const found: Found = {
    stack: new Set(),
    volumes: new Set(),
    unknown: new Map(),
    loopOn: new Set(),
    passed: new Set(),
  };
  walkFilesystem(entry, ground, found);
  const { path, filesystem, superblock, root } = entry;
  return {
    path,
    filesystem,
    superblock,
    root,
    readOnly: entry.options.includes("ro"),
    stack: [...found.stack],
    volumes: [...found.volumes].sort(),
    unknown: [...found.unknown].map(([disk, because]) => ({ disk, because })),
    ...(found.loopOn.size === 0 ? {} : { loopOn: [...found.loopOn] }),
  };
}

function walkFilesystem(entry: MountEntry, ground: Ground, found: Found): void {
  const numbers = devicesOf(entry, ground.devices);
  if (numbers.length === 0) {
    const because = opaque[entry.filesystem] ?? "leads to no block device";
    found.unknown.set(entry.source, because);
  }
  const pool = ground.devices.pools.find((one) => numbers.some((number) => one.members.includes(number)));
  if (pool !== undefined && pool.missing > 0) {
    found.unknown.set(`btrfs ${pool.uuid}`, `lacks ${pool.missing} of its devices`);
  }
  for (const number of numbers) walk(number, ground, found);
}

function walk(number: string, ground: Ground, found: Found): void {
  if (found.passed.has(number)) return;
  found.passed.add(number);
  const device = ground.byNumber.get(number);
  if (device === undefined) {
    found.unknown.set(number, "is no block device that the kernel shows");
    return;
  }
  const parent = device.partOf === undefined ? undefined : ground.byNumber.get(device.partOf);
  // The disk of a partition adds nothing for people, unless it is itself made of others.
  if (!partsOf(number, ground).some((one) => found.passed.has(one)) || device.madeOf.length > 0) {
    found.stack.add(inWords(device));
  }
  const holder = device.file === undefined ? undefined : holderOf(device.file, ground.entries);
  if (holder !== undefined) found.loopOn.add(holder.superblock);
  const own = ground.identities.of.get(number);
  const whole = parent === undefined ? undefined : ground.identities.of.get(parent.number);
  if (own !== undefined && "volume" in own) {
    if (whole === undefined || ("volume" in whole && whole.volume === own.volume))
      found.volumes.add(own.volume);
    else found.unknown.set(device.name, `is not the volume that ${parent?.name} is`);
  } else if (own !== undefined) found.unknown.set(device.name, own.because);
  else if (device.madeOf.length > 0) for (const one of device.madeOf) walk(one, ground, found);
  else if (parent !== undefined) walk(parent.number, ground, found);
  else if (device.file !== undefined) walkFile(device, device.file, ground, found);
  else found.unknown.set(device.name, "tells no volume id");
}

function partsOf(number: string, { devices }: Ground): string[] {
  return devices.devices.filter((device) => device.partOf === number).map((device) => device.number);
}

/** A loop device rests on whatever the filesystem of its file rests on. */
function walkFile(device: BlockDevice, file: string, ground: Ground, found: Found): void {
  const holder = file.endsWith(" (deleted)") ? undefined : holderOf(file, ground.entries);
  if (holder === undefined)
    found.unknown.set(device.name, `has a file that its path leads to no more: ${file}`);
  else if (restsOnDisks(holder)) walkFilesystem(holder, ground, found);
  else found.unknown.set(device.name, `has its file ${file} on ${holder.filesystem}, which has no disk`);
}

function inWords({ name, mapped: dm, level, file }: BlockDevice): string {
  if (dm !== undefined) {
    const kind = /^(LVM|CRYPT|mpath)-/.exec(dm.uuid)?.[1];
    return `${kind === undefined ? "dm" : kind === "mpath" ? "multipath" : kind.toLowerCase()} ${dm.name}`;
  }
  if (level !== undefined) return `${name} ${level}`;
  return file === undefined ? name : `${name} ${file}`;
}
