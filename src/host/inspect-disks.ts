import { readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import type { BlockDevice, BlockDevices } from "../core/block-device.ts";
import { devicesOf } from "../core/map-mounts.ts";
import { isWithin, type MountEntry } from "../core/mount-table.ts";
import type { DiskUse, FstabLine, MountNote, MountUser } from "../core/replace-ports.ts";
import { madeFrom, mountsOn } from "../core/resting.ts";
import { type HostRoots, numberAt } from "./block-devices.ts";
import { holdersOf } from "./mount-holders.ts";
import { presentDevices } from "./present-devices.ts";
import { patience, probe } from "./probe-signatures.ts";

type Reason = DiskUse["obstacles"][number];

/** What rests on the disks and who uses it. Writes nothing, and asks the disks themselves for their UUIDs alone. */
export async function inspectDisks(
  disks: ReadonlyMap<string, string>,
  wanted: boolean,
  roots: HostRoots,
  signal: AbortSignal,
): Promise<DiskUse> {
  const own = new Map<string, string>();
  for (const [disk, volume] of disks) {
    const number = await numberAt(disk, roots.sys);
    if (number !== undefined) own.set(number, volume);
  }
  const { entries, all } = await presentDevices(roots, signal);
  const numbers = new Set(own.keys());
  const on = mountsOn(numbers, entries, all).toReversed();
  const flags = await flagsOf(roots.mountinfo);
  const obstacles = [...stackedOn(numbers, all), ...(await swapOn(numbers, all, roots))];
  const mounts: MountNote[] = [];
  for (const entry of on) {
    const found = placeOn(entry, own, all);
    if ("found" in found) {
      obstacles.push(found);
      continue;
    }
    const bind = bindOf(entry, on);
    if (bind === "nowhere")
      obstacles.push({
        found: `${entry.path} shows ${entry.root} of a filesystem that is mounted nowhere else`,
        remedy: `umount ${entry.path}, and mount it again afterwards`,
      });
    const device = all.devices.find((one) => one.number === found.number);
    const uuid = device && (await uuidOf(path.join(roots.dev, device.name), signal));
    mounts.push({
      where: entry.path,
      type: entry.filesystem,
      volume: found.volume,
      ...(found.partition === undefined ? {} : { partition: found.partition }),
      options: optionsOf(entry, flags.get(entry.id) ?? []),
      ...(bind === undefined || bind === "nowhere" ? {} : { bind }),
      ...(uuid === undefined ? {} : { uuid }),
    });
  }
  const users = wanted ? await usersOf(on, numbers, all, roots) : [];
  return { mounts, users, fstab: await fstabOf(mounts), obstacles };
}

/** The volume and partition that a filesystem is on; why it cannot be told where it is on more than that. */
function placeOn(
  entry: MountEntry,
  own: ReadonlyMap<string, string>,
  all: BlockDevices,
): { number: string; volume: string; partition?: number } | Reason {
  const places = devicesOf(entry, all).map((number) => {
    const device = all.devices.find((one) => one.number === number);
    const disk = device?.partOf ?? number;
    const volume = own.get(disk);
    const parent = all.devices.find((one) => one.number === disk);
    const digits = device?.partOf === undefined ? undefined : partitionNumber(device, parent);
    return { number, name: device?.name ?? number, volume, partition: digits };
  });
  const foreign = places.filter(({ volume }) => volume === undefined);
  const [first] = places;
  if (foreign.length > 0 || first?.volume === undefined)
    return {
      found: `${entry.path} rests on ${foreign.map(({ name }) => name).join(", ") || "nothing known"} as well`,
      remedy: "all volumes below it must be swapped together: name them all, or none",
    };
  const { number, volume, partition } = first;
  return { number, volume, ...(partition === undefined ? {} : { partition }) };
}

/** `nvme1n1p2` of `nvme1n1`, `xvdf2` of `xvdf`. */
function partitionNumber({ name }: BlockDevice, parent: BlockDevice | undefined): number | undefined {
  const end = /^p?(\d+)$/.exec(name.slice(parent?.name.length ?? name.length))?.[1];
  return end === undefined ? undefined : Number(end);
}

/** What is put together of disks has names and keys that only its own tools know. */
function stackedOn(numbers: ReadonlySet<string>, all: BlockDevices): Reason[] {
  return madeFrom(numbers, all.devices).flatMap(({ mapped, level, name }) => {
    if (mapped?.uuid.startsWith("LVM-") === true)
      return {
        found: `the logical volume ${mapped.name} rests on it, and a group would be here twice for a moment`,
        remedy:
          "by hand: umount, vgchange -an GROUP, aws ec2 detach-volume each, attach the copies that `ec2-backup restore volumes` makes elsewhere, vgchange -ay GROUP, mount",
      };
    if (level !== undefined)
      return {
        found: `the array ${name} (${level}) rests on it`,
        remedy: `by hand: umount, mdadm --stop /dev/${name}, exchange all its volumes, mdadm --assemble --scan, mount`,
      };
    if (mapped !== undefined)
      return {
        found: `${mapped.name} (${mapped.uuid.split("-")[0] ?? "mapped"}) rests on it`,
        remedy: `take it apart first (cryptsetup close ${mapped.name}, dmsetup remove ${mapped.name}); it is not put together again by itself`,
      };
    return [];
  });
}

async function swapOn(numbers: ReadonlySet<string>, all: BlockDevices, roots: HostRoots): Promise<Reason[]> {
  const lines = (await text(path.join(roots.proc, "swaps"))).split("\n").slice(1);
  const reasons: Reason[] = [];
  for (const [source] of lines.map((line) => line.split(/\s+/))) {
    if (source === undefined || !source.startsWith("/dev/")) continue;
    const number = await numberAt(source, roots.sys);
    const disk = all.devices.find((one) => one.number === number)?.partOf ?? number;
    if (disk !== undefined && numbers.has(disk))
      reasons.push({ found: `${source} is swap space in use`, remedy: `swapoff ${source}` });
  }
  return reasons;
}

/** A mount of a part of the filesystem that another place shows as a whole; btrfs mounts subvolumes by an option. */
function bindOf(entry: MountEntry, on: readonly MountEntry[]): string | "nowhere" | undefined {
  const subvolume = entry.options.find((one) => one.startsWith("subvol="))?.slice("subvol=".length) ?? "/";
  if (entry.root === subvolume) return undefined;
  const same = on.filter((one) => one !== entry && one.superblock === entry.superblock);
  const base = same.find((one) => isWithin(entry.root, one.root) && one.root !== entry.root);
  if (base === undefined) return "nowhere";
  return path.join(base.path, entry.root.slice(base.root === "/" ? 0 : base.root.length));
}

/** What mount(8) does not take back of what the kernel shows. */
const notTaken = /^(seclabel|subvolid=.*)$/;

function optionsOf(entry: MountEntry, flags: readonly string[]): readonly string[] {
  // Read-only as a mount or as a filesystem: either way it was not to be written to.
  const rest = entry.options.filter((one) => !notTaken.test(one) && one !== "rw" && one !== "ro");
  const first = flags.includes("ro") || entry.options.includes("ro") ? "ro" : "rw";
  return [...new Set([first, ...flags.filter((one) => one !== "rw" && one !== "ro"), ...rest])];
}

/** The options of each mount that are its own, such as `noexec`, by its id. */
async function flagsOf(mountinfo: string): Promise<ReadonlyMap<number, readonly string[]>> {
  const lines = (await text(mountinfo)).split("\n").map((line) => line.split(" "));
  return new Map(lines.map((words) => [Number(words[0]), (words[5] ?? "").split(",")]));
}

async function uuidOf(device: string, signal: AbortSignal): Promise<string | undefined> {
  return (await probe(device, patience.others, signal).catch(() => undefined))?.uuid;
}

async function usersOf(
  on: readonly MountEntry[],
  numbers: ReadonlySet<string>,
  all: BlockDevices,
  roots: HostRoots,
): Promise<readonly MountUser[]> {
  const ours = new Set(on.map((entry) => `the mount ${entry.path} below it`));
  const users: MountUser[] = [];
  for (const { path: where } of on)
    for (const who of await holdersOf(where, roots)) {
      if (ours.has(who)) continue;
      const service = await serviceOf(/\(process (\d+)/.exec(who)?.[1], roots);
      users.push({ where, who, ...(service === undefined ? {} : { service }) });
    }
  const parts = madeFrom(numbers, all.devices).map(({ number }) => number);
  const names = all.devices
    .filter(({ number }) => numbers.has(number) || parts.includes(number))
    .map(({ name }) => path.join(roots.dev, name));
  return [...users, ...(await openDevices(names, roots))];
}

/** Who has a disk itself open, as a database on a raw disk has. */
async function openDevices(names: readonly string[], roots: HostRoots): Promise<MountUser[]> {
  const users: MountUser[] = [];
  for (const pid of (await readdir(roots.proc).catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const place = path.join(roots.proc, pid);
    for (const fd of await readdir(path.join(place, "fd")).catch(() => [])) {
      const target = await readlink(path.join(place, "fd", fd)).catch(() => "");
      if (!names.includes(target)) continue;
      const name = (await text(path.join(place, "comm"))).trim();
      const service = await serviceOf(pid, roots);
      users.push({
        where: target,
        who: `${name} (process ${pid}, has it open)`,
        ...(service === undefined ? {} : { service }),
      });
    }
  }
  return users;
}

/** The unit of systemd that a process is in, by its control group. */
async function serviceOf(pid: string | undefined, { proc }: HostRoots): Promise<string | undefined> {
  if (pid === undefined) return undefined;
  return /\/([^/\n]+\.service)(?:\/|$)/m.exec(await text(path.join(proc, pid, "cgroup")))?.[1];
}

async function fstabOf(mounts: readonly MountNote[]): Promise<readonly FstabLine[]> {
  const lines = (await text("/etc/fstab")).split("\n").map((line) => line.trim().split(/\s+/));
  return lines.flatMap(([spec = "", where = ""]) =>
    spec.startsWith("#") || !mounts.some((one) => one.where === where) ? [] : [{ where, spec }],
  );
}

function text(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
