import { closeSync, constants, existsSync, openSync, readFileSync } from "node:fs";
import { BackupError } from "../core/errors.ts";
import type { MountEntry } from "../core/mount-table.ts";
import { codeOf } from "./atomic-file.ts";
import { parseMountInfo } from "./mounts.ts";

/** The mounts as they are now, read in one go: Node's threads may all be stuck while something is frozen. */
export function mountTable(): MountEntry[] {
  return parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
}

/** On which superblock an open file really is, whatever its path leads to by now. */
export function superblockOf(descriptor: number): string | undefined {
  const id = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1];
  return mountTable().find((mount) => mount.id === Number(id))?.superblock;
}

/**
 * Opens a mount point and makes sure that it is the superblock that was planned: the descriptor means this
 * filesystem from now on, also when the path is unmounted or something is mounted over it. Whoever opens
 * it closes it. Throws `not-found`.
 */
export function openMount(path: string, superblock: string): number {
  const doing = `open the mount ${path}`;
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    const code = codeOf(error);
    throw new BackupError({ kind: "not-found", doing, found: code, code }, { cause: error });
  }
  const found = superblockOf(descriptor);
  if (found === superblock) return descriptor;
  closeSync(descriptor);
  throw new BackupError({
    kind: "not-found",
    doing,
    found: `it is on the device ${found ?? "of no mount"} now, and was to be on ${superblock}`,
    remedy: "the mounts have changed meanwhile; run again",
  });
}

/** On which superblock a file or directory is. */
export function superblockOfFile(path: string): string | undefined {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    return superblockOf(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Whether there may be a filesystem of that `major:minor`; those without a device of their own cannot be told. */
export function hasDevice(superblock: string): boolean {
  return superblock.startsWith("0:") || existsSync(`/sys/dev/block/${superblock}`);
}

export function closeDescriptors(descriptors: Iterable<number>): void {
  for (const descriptor of descriptors) closeSync(descriptor);
}
