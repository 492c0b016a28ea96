import { readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { type BlockDevice, type BlockDevices, type BtrfsPool, volumeIdOf } from "../core/block-device.ts";
import { devicesOf, restsOnDisks, sourcesOf } from "../core/map-mounts.ts";
import { holderOf, type MountEntry } from "../core/mount-table.ts";
import { serialsByLsblk } from "./lsblk.ts";

/** Where the kernel's accounts are; other places hold the accounts of other machines. */
export interface HostRoots {
  readonly sys: string;
  readonly dev: string;
  readonly mountinfo: string;
  readonly proc: string;
  /** lsblk(8), asked where sysfs has no serial number; may be absent. */
  readonly lsblk: string;
  /** Milliseconds that lsblk may take. */
  readonly lsblkDeadline: number;
}

export const hostRoots: HostRoots = {
  sys: "/sys",
  dev: "/dev",
  mountinfo: "/proc/self/mountinfo",
  proc: "/proc",
  lsblk: "/usr/bin/lsblk",
  lsblkDeadline: 5_000,
};

/** The devices that the mounts rest on and those named by `also`, all that they are made of, and every disk of the machine. */
export async function readBlockDevices(
  entries: readonly MountEntry[],
  roots: HostRoots,
  signal?: AbortSignal,
  also: readonly string[] = [],
): Promise<BlockDevices> {
  const onDisks = entries.filter(restsOnDisks);
  const [links, pools, sources] = await Promise.all([
    linksById(roots),
    btrfsPools(roots),
    numbersOfSources(onDisks, roots),
  ]);
  const found: BlockDevices = { devices: [], pools, sources };
  const mounted = onDisks.flatMap((entry) => devicesOf(entry, found));
  const wanted = [...mounted, ...also, ...(await diskNumbers(roots))];
  const devices = new Map<string, BlockDevice>();
  // What others alone see covers none of our paths.
  const own = entries.filter((entry) => !("by" in entry));
  // The list grows while it is walked: by what a device is made of, and by what holds the file of a loop device.
  for (const number of wanted) {
    if (devices.has(number)) continue;
    const device = await readDevice(number, links.get(number) ?? [], own, roots);
    if (device === undefined) continue;
    devices.set(number, device);
    wanted.push(...device.madeOf, ...(device.partOf === undefined ? [] : [device.partOf]));
    const holder = device.file === undefined ? undefined : holderOf(device.file, entries);
    if (holder !== undefined && restsOnDisks(holder)) wanted.push(...devicesOf(holder, found));
  }
  return { ...found, devices: await withSerials([...devices.values()], roots, signal) };
}

async function readDevice(
  number: string,
  links: readonly string[],
  entries: readonly MountEntry[],
  { sys, dev }: HostRoots,
): Promise<BlockDevice | undefined> {
  const directory = await realpath(path.join(sys, "dev", "block", number)).catch(() => undefined);
  if (directory === undefined) return undefined;
  const at = (...names: string[]): Promise<string | undefined> => textOf(path.join(directory, ...names));
  const slaves = await readdir(path.join(directory, "slaves")).catch(() => []);
  const madeOf = await Promise.all(slaves.map((slave) => at("slaves", slave, "dev")));
  const partOf = (await at("partition")) === undefined ? undefined : await at("..", "dev");
  const [dmName, dmUuid, level, file] = await Promise.all([
    at("dm", "name"),
    at("dm", "uuid"),
    at("md", "level"),
    at("loop", "backing_file"),
  ]);
  const [model, serial, kind] = await Promise.all([
    at("device", "model"),
    at("device", "serial").then((found) => found ?? at("serial")),
    at("device", "devtype"),
  ]);
  const name = path.basename(directory);
  return {
    number,
    name,
    madeOf: madeOf.flatMap((slave) => slave ?? []).sort(),
    links,
    xen: /^xvd/.test(name) || kind === "vbd",
    ...(partOf === undefined ? {} : { partOf }),
    ...(dmName === undefined ? {} : { mapped: { name: dmName, uuid: dmUuid ?? "" } }),
    ...(level === undefined || level === "" ? {} : { level }),
    ...(file === undefined || file === "" ? {} : { file: await present(file, entries, dev) }),
    ...(model === undefined ? {} : { model }),
    ...(serial === undefined || serial === "" ? {} : { serial }),
  };
}

/**
 * A loop device's file; marked as the kernel marks it where its path leads to it no more. One that is on no disk leads
 * to no volume in any case, and is not looked at: a network filesystem whose server is gone never answers.
 */
async function present(file: string, entries: readonly MountEntry[], dev: string): Promise<string> {
  const on = holderOf(file, entries);
  if (on !== undefined && !restsOnDisks(on)) return file;
  // Where the accounts are another machine's, so is the file: beside its /dev.
  const root = path.dirname(dev);
  const there = await stat(path.join(root, file)).catch(() => undefined);
  return there === undefined && !file.endsWith(" (deleted)") ? `${file} (deleted)` : file;
}

/** Numbers of all whole disks that are hardware, mounted or not: names are judged by all of them. */
async function diskNumbers({ sys }: HostRoots): Promise<string[]> {
  const names = await readdir(path.join(sys, "block")).catch(() => []);
  const hardware = names.filter((name) => !/^(?:loop|ram|zram|dm-|md|sr|fd|nbd)/.test(name));
  const numbers = await Promise.all(hardware.map((name) => textOf(path.join(sys, "block", name, "dev"))));
  return numbers.flatMap((number) => number ?? []);
}

/** Volume ids by device number, as udev's links and those of test benches name them. */
async function linksById({ sys, dev }: HostRoots): Promise<Map<string, string[]>> {
  const directory = path.join(dev, "disk", "by-id");
  const links = new Map<string, string[]>();
  for (const name of (await readdir(directory).catch(() => [])).sort()) {
    const serial = /^nvme-Amazon_Elastic_Block_Store_(vol-?[0-9a-f]+)(?:_\d+|-ns-\d+)?(?:-part\d+)?$/.exec(
      name,
    )?.[1];
    const id = volumeIdOf(serial);
    const number = id === undefined ? undefined : await numberAt(path.join(directory, name), sys);
    if (id === undefined || number === undefined) continue;
    links.set(number, [...new Set([...(links.get(number) ?? []), id])]);
  }
  return links;
}

/** Numbers of the devices that mounts name, where their superblock does not tell them. */
async function numbersOfSources(
  entries: readonly MountEntry[],
  { sys, dev }: HostRoots,
): Promise<Map<string, string>> {
  const named = entries.flatMap((entry) => [entry.source, ...sourcesOf(entry)]);
  const sources = [...new Set(named)].filter((source) => source.startsWith("/dev/"));
  const numbers = await Promise.all(
    sources.map(async (source) => [source, await numberAt(path.join(dev, source.slice(5)), sys)] as const),
  );
  return new Map(numbers.flatMap(([source, number]) => (number === undefined ? [] : [[source, number]])));
}

/** The number of the device that a path below /dev leads to. */
export async function numberAt(file: string, sys: string): Promise<string | undefined> {
  const node = await stat(file).catch(() => undefined);
  if (node?.isBlockDevice()) {
    const major = (node.rdev >>> 8) & 0xfff;
    return `${major}:${(node.rdev & 0xff) | ((node.rdev >>> 12) & 0xfff00)}`;
  }
  const target = await readlink(file).catch(() => file);
  return textOf(path.join(sys, "class", "block", path.basename(target), "dev"));
}

async function btrfsPools({ sys }: HostRoots): Promise<BtrfsPool[]> {
  const directory = path.join(sys, "fs", "btrfs");
  const names = await readdir(directory).catch(() => []);
  const pools = await Promise.all(
    names.map(async (uuid): Promise<BtrfsPool> => {
      const at = path.join(directory, uuid);
      const members = await readdir(path.join(at, "devices")).catch(() => []);
      const numbers = await Promise.all(members.map((name) => textOf(path.join(at, "devices", name, "dev"))));
      const ids = await readdir(path.join(at, "devinfo")).catch(() => []);
      const missing = await Promise.all(ids.map((id) => textOf(path.join(at, "devinfo", id, "missing"))));
      return {
        uuid,
        members: numbers.flatMap((number) => number ?? []).sort(),
        missing: missing.filter((one) => one === "1").length,
      };
    }),
  );
  return pools.filter((pool) => pool.members.length > 0);
}

/** Asks lsblk, which also knows what udev has read, for the serials of disks that sysfs has none of. */
async function withSerials(
  devices: readonly BlockDevice[],
  { lsblk, lsblkDeadline }: HostRoots,
  signal?: AbortSignal,
): Promise<readonly BlockDevice[]> {
  const isMute = (device: BlockDevice): boolean =>
    device.serial === undefined &&
    device.links.length === 0 &&
    !device.xen &&
    device.partOf === undefined &&
    device.madeOf.length === 0 &&
    device.file === undefined;
  if (!devices.some(isMute)) return devices;
  const serials = await serialsByLsblk(lsblk, lsblkDeadline, signal);
  return devices.map((device) => {
    const serial = isMute(device) ? serials.get(device.number) : undefined;
    return serial === undefined ? device : { ...device, serial };
  });
}

async function textOf(file: string): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text?.replace(/\n$/, "").trimEnd();
}
