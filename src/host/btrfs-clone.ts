import { access } from "node:fs/promises";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import type { Obstacle, Signature } from "../core/signature.ts";
import { told } from "./ask-program.ts";
import type { HostRoots } from "./block-devices.ts";
import { patience } from "./probe-signatures.ts";

interface Seen {
  readonly signatures: readonly Signature[];
  readonly others: readonly Signature[];
}

/** Numbers of a btrfs superblock, as `btrfs inspect-internal dump-super` prints them. */
interface Superblock {
  readonly devices: number;
  /** Whether there is a log that was not replayed. */
  readonly dirty: boolean;
}

export async function btrfsSuperblock(device: string, signal: AbortSignal): Promise<Superblock> {
  const text = await told("btrfs", ["inspect-internal", "dump-super", device], {
    timeout: patience.probe,
    signal,
  });
  const of = (name: string): number => Number(new RegExp(`^${name}\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return { devices: of("num_devices"), dirty: of("log_root") !== 0 };
}

/**
 * Why a btrfs cannot be mounted beside what is here. The kernel tells btrfs filesystems apart by their UUID alone:
 * were devices of two clones mixed, both would be destroyed. A single device is let in beside its mounted
 * original by kernels that give it a temporary UUID (6.7 and later).
 */
export async function btrfsObstacle(
  { path: at, uuid }: Signature,
  { signatures, others }: Seen,
  { sys }: HostRoots,
  signal: AbortSignal,
): Promise<Obstacle | undefined> {
  const own = signatures.filter((one) => one.type === "btrfs" && one.uuid === uuid);
  const { devices } = await btrfsSuperblock(at, signal);
  const subs = new Set(own.map((one) => one.uuidSub));
  if (subs.size < own.length)
    return {
      found: `${own.map((one) => one.path).join(" and ")} are clones of one device of the btrfs ${uuid}`,
      remedy: "attach the volumes of one point only",
    };
  if (own.length < devices)
    return {
      found: `the btrfs ${uuid} has ${devices} devices, of which ${own.length} are here`,
      remedy: "restore all its volumes from the same point",
    };
  const twin = others.find((one) => one.type === "btrfs" && one.uuid === uuid);
  if (twin === undefined) return undefined;
  if (devices === 1 && (await isThere(path.join(sys, "fs", "btrfs", "features", "temp_fsid"))))
    return undefined;
  return {
    found: `it has the UUID ${uuid} of the btrfs on ${twin.path}, and the kernel would take one for the other`,
    remedy: `give the clone a UUID of its own where the original is not attached: btrfstune -m ${at}`,
  };
}

/** Sees the given devices alone, as btrfstune looks for the others of a filesystem by itself. */
const alone = `set -e
new=$1; shift; devices=; for one; do devices="$devices $one"; done
mount --make-rprivate /
mount -t tmpfs -o mode=700 tmpfs "$new"
mkdir "$new/dev"; cp -a /dev/null /dev/zero $devices "$new/dev/"
mount --bind "$new/dev" /dev
exec btrfstune -f -m "$1"`;

/**
 * Gives a btrfs on these devices, all of its devices, a UUID of its own. Writes to them. The tool looks for the
 * other devices of the filesystem by its UUID, and would find those of the original: it is run where /dev has
 * the clones alone.
 */
export async function separateBtrfs(
  devices: readonly string[],
  uuid: string,
  signal: AbortSignal,
): Promise<string> {
  const options = { timeout: patience.tool, signal };
  if (devices.some((one) => !/^\/dev\/[\w-]+$/.test(one)))
    throw new BackupError({ kind: "unexpected", doing: "separate a btrfs", found: devices.join(" ") });
  await told("btrfs", ["device", "scan", "--forget", ...devices], options).catch(() => undefined);
  await told("unshare", ["--mount", "sh", "-c", alone, "sh", "/mnt", ...devices], options);
  await told("btrfs", ["device", "scan", ...devices], options);
  return `btrfs ${uuid} on ${devices.join(", ")} got a UUID of its own`;
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
