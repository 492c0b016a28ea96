import { failureOf } from "../core/errors.ts";
import type { Volume } from "../core/instance.ts";
import type { MappedMount, MountMap } from "../core/mount-map.ts";
import { askPowershell, type PowershellManners } from "./powershell.ts";

/**
 * One command for all, since each start of PowerShell costs half a second. `Get-Disk`, `Get-Partition` and
 * `Get-Volume` are those of the module Storage, which Windows has since Server 2012.
 */
const script =
  "$d = @(Get-Disk | Select-Object @('Number', 'SerialNumber', 'FriendlyName', 'IsReadOnly')); " +
  "$p = @(Get-Partition | Select-Object @('DiskNumber', 'PartitionNumber', 'AccessPaths')); " +
  "$v = @(Get-Volume | Select-Object @('Path', 'FileSystem')); " +
  "ConvertTo-Json -Compress -Depth 4 @{ disks = $d; partitions = $p; volumes = $v }";

/** A disk as Windows shows it. */
interface Disk {
  readonly number: number;
  readonly serial: string;
  readonly name: string;
  readonly readOnly: boolean;
}

/** Where the files of a partition are reached: `D:\`, `C:\mnt\data\` and its name `\\?\Volume{...}\`. */
interface Partition {
  readonly disk: number;
  readonly number: number;
  readonly paths: readonly string[];
}

/**
 * Which drive letters and folders of Windows rest on which of the volumes. What cannot be told is a doubt of the
 * map, since a backup needs none of this. Never throws.
 */
export async function readWindowsMounts(
  volumes: readonly Volume[],
  manners: PowershellManners,
): Promise<MountMap> {
  try {
    return windowsMounts(await askPowershell(script, "ask for the disks", manners), volumes);
  } catch (error) {
    return { mounts: [], doubts: [`the drive letters cannot be told: ${failureOf(error, "ask").found}`] };
  }
}

/** The map from what the script printed. What is no such answer makes an empty one, with a doubt. */
export function windowsMounts(answer: unknown, volumes: readonly Volume[]): MountMap {
  const { disks, partitions, volumes: filesystems } = mapping(answer);
  const found = list(disks).flatMap(diskOf);
  if (found.length === 0) return { mounts: [], doubts: ["Windows shows no disk"] };
  const names = new Map(list(filesystems).flatMap(filesystemOf));
  const doubts: string[] = [];
  const identities = new Map(found.map((disk) => [disk.number, identify(disk, found, volumes)]));
  for (const { number, serial } of found) {
    const twice = found.find((other) => other.number < number && sameVolume(other.serial, serial));
    if (twice !== undefined)
      doubts.push(`disk ${twice.number} and disk ${number} both say that they are ${volumeIdOf(serial)}`);
  }
  const mounts = list(partitions)
    .flatMap(partitionOf)
    .flatMap((partition) => {
      const disk = found.find(({ number }) => number === partition.disk);
      const name = partition.paths.find(isName);
      const identity = identities.get(partition.disk);
      if (disk === undefined || identity === undefined) return [];
      const filesystem = (name === undefined ? undefined : names.get(name)) ?? "unknown";
      return partition.paths
        .filter((path) => !isName(path))
        .map((path) => mountOf(path, filesystem, partition, disk, name, identity));
    });
  return { mounts: mounts.sort((a, b) => (a.path < b.path ? -1 : 1)), doubts };
}

type Identity = { readonly volume: string } | { readonly because: string };

function mountOf(
  path: string,
  filesystem: string,
  partition: Partition,
  disk: Disk,
  name: string | undefined,
  identity: Identity,
): MappedMount {
  const told = `disk ${disk.number}`;
  return {
    path,
    filesystem,
    superblock: name ?? `${disk.number}:${partition.number}`,
    root: "/",
    readOnly: disk.readOnly,
    stack: [`partition ${partition.number}`, told],
    volumes: "volume" in identity ? [identity.volume] : [],
    unknown: "volume" in identity ? [] : [{ disk: told, because: identity.because }],
  };
}

function identify(
  { number, serial, name }: Disk,
  disks: readonly Disk[],
  volumes: readonly Volume[],
): Identity {
  if (name === "Amazon EC2 NVMe") return { because: "is an instance store, which no snapshot can hold" };
  const id = volumeIdOf(serial);
  if (id === undefined)
    return { because: `says of itself no volume id (serial number ${serial === "" ? "none" : serial})` };
  if (disks.some((other) => other.number !== number && sameVolume(other.serial, serial)))
    return { because: `says that it is ${id}, as another disk does` };
  if (volumes.some((volume) => volume.id === id)) return { volume: id };
  return { because: `is ${id}, which EC2 does not show among this instance's volumes` };
}

/**
 * The volume id in the serial number of a disk. EBS gives NVMe disks `vol0123456789abcdef0` (AWS: "identify NVMe EBS
 * devices"); that Get-Disk shows it as `vol0123456789abcdef0_00000001.`, with the namespace, is well known, but
 * UNVERIFIED by documentation. Disks of Xen have no such number.
 */
export function volumeIdOf(serial: string): string | undefined {
  const digits = /^vol-?([0-9a-f]{17}|[0-9a-f]{8})(?:_0*1\.?)?$/i.exec(serial.trim())?.[1];
  return digits === undefined ? undefined : `vol-${digits.toLowerCase()}`;
}

function sameVolume(a: string, b: string): boolean {
  const id = volumeIdOf(a);
  return id !== undefined && id === volumeIdOf(b);
}

/** The name of a Windows volume that no letter changes. */
function isName(path: string): boolean {
  return path.startsWith("\\\\?\\");
}

function diskOf(value: unknown): Disk[] {
  const { Number: number, SerialNumber: serial, FriendlyName: name, IsReadOnly: readOnly } = mapping(value);
  if (typeof number !== "number") return [];
  return [{ number, serial: text(serial).trim(), name: text(name).trim(), readOnly: readOnly === true }];
}

function partitionOf(value: unknown): Partition[] {
  const { DiskNumber: disk, PartitionNumber: number, AccessPaths: paths } = mapping(value);
  if (typeof disk !== "number" || typeof number !== "number") return [];
  return [
    {
      disk,
      number,
      paths: list(paths)
        .map(text)
        .filter((path) => path !== ""),
    },
  ];
}

function filesystemOf(value: unknown): [string, string][] {
  const { Path: path, FileSystem: filesystem } = mapping(value);
  return text(path) === "" || text(filesystem) === "" ? [] : [[text(path), text(filesystem)]];
}

/** ConvertTo-Json makes of a list with one thing the thing, in some places, and of an empty one nothing. */
function list(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
