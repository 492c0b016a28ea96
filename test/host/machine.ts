import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import type { HostRoots } from "../../src/host/block-devices.ts";
import { folder } from "./places.ts";

/** A block device as sysfs shows it. */
export interface Shown {
  readonly number: string;
  /** Where it is below /sys/devices, its name last: `pci0/nvme/nvme1/nvme1n1`. */
  readonly at: string;
  readonly slaves?: readonly string[];
  /** Further files, by their path in its directory. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What a machine shows of itself. */
export interface Shows {
  readonly mountinfo: readonly string[];
  readonly devices: readonly Shown[];
  /** Links below /dev, by their path there. */
  readonly links?: Readonly<Record<string, string>>;
  /** Members of btrfs filesystems by uuid, and the ids of devices that are missing. */
  readonly btrfs?: Readonly<
    Record<string, { readonly members: readonly string[]; readonly missing?: number }>
  >;
  /** What lsblk answers; absent = there is no lsblk. */
  readonly lsblk?: string;
  /** Files of the machine itself. */
  readonly files?: readonly string[];
}

/** Builds the accounts of a machine in a directory that goes with the test. */
export async function machine(shows: Shows): Promise<HostRoots> {
  const root = await folder();
  const sys = path.join(root, "sys");
  for (const directory of ["sys/block", "sys/dev/block", "sys/class/block", "sys/fs", "dev/disk/by-id"]) {
    await mkdir(path.join(root, directory), { recursive: true });
  }
  const places = new Map(shows.devices.map((device) => [path.basename(device.at), device]));
  for (const device of shows.devices) await show(device, sys, places);
  for (const [link, target] of Object.entries(shows.links ?? {})) {
    await mkdir(path.dirname(path.join(root, "dev", link)), { recursive: true });
    await symlink(target, path.join(root, "dev", link));
  }
  for (const [uuid, { members, missing }] of Object.entries(shows.btrfs ?? {})) {
    const at = path.join(sys, "fs", "btrfs", uuid);
    await mkdir(path.join(at, "devices"), { recursive: true });
    for (const name of members) {
      await symlink(path.join(sys, "devices", places.get(name)?.at ?? ""), path.join(at, "devices", name));
    }
    for (let id = 1; id <= members.length + (missing ?? 0); id++) {
      await write(path.join(at, "devinfo", String(id), "missing"), id > members.length ? "1" : "0");
    }
  }
  for (const file of shows.files ?? []) await write(path.join(root, file), "");
  const lsblk = path.join(root, "lsblk");
  if (shows.lsblk !== undefined) await writeFile(lsblk, shows.lsblk, { mode: 0o755 });
  await writeFile(path.join(root, "mountinfo"), shows.mountinfo.map((line) => `${line}\n`).join(""));
  return {
    sys,
    dev: path.join(root, "dev"),
    mountinfo: path.join(root, "mountinfo"),
    proc: path.join(root, "proc"),
    lsblk,
    lsblkDeadline: 2_000,
  };
}

async function show(device: Shown, sys: string, places: ReadonlyMap<string, Shown>): Promise<void> {
  const directory = path.join(sys, "devices", device.at);
  const name = path.basename(device.at);
  await write(path.join(directory, "dev"), device.number);
  for (const [file, text] of Object.entries(device.files ?? {}))
    await write(path.join(directory, file), text);
  await mkdir(path.join(directory, "slaves"), { recursive: true });
  for (const slave of device.slaves ?? []) {
    await symlink(
      path.join(sys, "devices", places.get(slave)?.at ?? ""),
      path.join(directory, "slaves", slave),
    );
  }
  await symlink(directory, path.join(sys, "dev", "block", device.number));
  await symlink(directory, path.join(sys, "class", "block", name));
  if (device.files?.["partition"] === undefined) await symlink(directory, path.join(sys, "block", name));
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${text}\n`);
}

/** An NVMe disk of EBS, with partitions if any are wanted. */
export function nvme(
  index: number,
  serial: string,
  partitions = 0,
  model = "Amazon Elastic Block Store",
): Shown[] {
  const at = `pci0000:00/0000:00:${(index + 4).toString(16)}.0/nvme/nvme${index}/nvme${index}n1`;
  const disk = {
    number: `259:${index * 10}`,
    at,
    files: { "device/serial": `${serial}  `, "device/model": `${model}      ` },
  };
  const parts = Array.from({ length: partitions }, (_, part) => ({
    number: `259:${index * 10 + part + 1}`,
    at: `${at}/nvme${index}n1p${part + 1}`,
    files: { partition: String(part + 1) },
  }));
  return [disk, ...parts];
}

/** A disk of the Xen hypervisor. */
export function xen(name: string, number: string, partitions = 0): Shown[] {
  const at = `vbd-${number.replace(":", "-")}/block/${name}`;
  const [major, minor] = number.split(":").map(Number);
  const parts = Array.from({ length: partitions }, (_, part) => ({
    number: `${major}:${(minor ?? 0) + part + 1}`,
    at: `${at}/${name}${part + 1}`,
    files: { partition: String(part + 1) },
  }));
  return [{ number, at, files: { "device/devtype": "vbd" } }, ...parts];
}

/** A line of mountinfo, mounted on the root of id 1. */
export function line(
  id: number,
  number: string,
  path: string,
  filesystem: string,
  source: string,
  options = "rw",
): string {
  const parent = path === "/" ? 0 : 1;
  return `${id} ${parent} ${number} / ${path} rw,relatime shared:${id} - ${filesystem} ${source} ${options}`;
}
