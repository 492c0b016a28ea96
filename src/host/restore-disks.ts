import path from "node:path";
import { BackupError } from "../core/errors.ts";
import type { HostDisks } from "../core/restore-ports.ts";
import { told } from "./ask-program.ts";
import { type HostRoots, hostRoots } from "./block-devices.ts";
import { separateBtrfs } from "./btrfs-clone.ts";
import { diskOfVolume } from "./disk-of-volume.ts";
import { blanks, foundFilesystems } from "./found-filesystems.ts";
import { lookAt } from "./look-at-disks.ts";
import { separateGroups } from "./lvm-clone.ts";
import { holdsClone, mountClone, mountedAt } from "./mount-clone.ts";
import { type MountRecord, mountRecords } from "./mount-records.ts";
import { patience } from "./probe-signatures.ts";
import { readDisk } from "./read-disk.ts";
import { releaseDisk, unmountAt } from "./release-disk.ts";

/** The port, and what more the disks of Linux can do. */
export interface RestoreDisks extends HostDisks {
  /**
   * Gives clones of what is here too an identity of their own: LVM groups a new name and new UUIDs, btrfs a new
   * UUID. Writes to the disks, so only for volumes that were made for this; XFS needs none of it. Tells what was
   * done. To be called before {@link filesystems}, and again after an interruption.
   */
  separate(disks: readonly string[], signal: AbortSignal): Promise<readonly string[]>;
  /** Mounts that an earlier process has made and not undone; after a boot only their directories are left. */
  leftovers(): Promise<readonly MountRecord[]>;
  /** Unmounts what an earlier process has left mounted, if it is still that, and takes its directories away. */
  undo(record: MountRecord, signal: AbortSignal): Promise<void>;
}

/** `records` is a directory below the runtime directory; it goes with a boot, as mounts do. */
export function restoreDisks(records: string, some: Partial<HostRoots> = {}): RestoreDisks {
  const roots = { ...hostRoots, ...some };
  const ground = { roots, records: mountRecords(records) };
  return {
    deviceOf: (volume, deadline, signal) => diskOfVolume(volume, deadline, roots, signal),
    filesystems: (disks, signal) => foundFilesystems(disks, roots, signal),
    blanks: (disks, signal) => blanks(disks, roots, signal),
    mount: (what, where, { writable, replay = false }, signal) =>
      mountClone(what, where, { writable, replay }, ground, signal),
    holds: (what, where, signal) => holdsClone(what, where, roots, signal),
    unmount: (where, signal) => unmountAt(path.resolve(where), ground, signal),
    release: (disk, signal) => releaseDisk(disk, ground, signal),
    readAll: (disk, progress, signal) => readDisk(disk, progress, signal),
    separate: (disks, signal) => separate(disks, roots, signal),
    leftovers: () => ground.records.all(),
    undo: async (record, signal) => {
      const there = await mountedAt(record.where, roots);
      if (there !== undefined && there.source !== record.path)
        throw new BackupError({
          kind: "refused",
          doing: `unmount what was left at ${record.where}`,
          found: `${there.source} is mounted there, and not ${record.path}`,
        });
      await unmountAt(record.where, ground, signal);
    },
  };
}

async function separate(
  disks: readonly string[],
  roots: HostRoots,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const look = await lookAt(disks, roots, signal);
  const twins = look.signatures.filter(
    (one) =>
      one.type === "btrfs" && look.others.some((other) => other.type === "btrfs" && other.uuid === one.uuid),
  );
  const hasGroups = look.signatures.some(({ type }) => type === "LVM2_member");
  if (twins.length === 0 && !hasGroups) return [];
  for (const disk of disks) await told("blockdev", ["--setrw", disk], { timeout: patience.tool, signal });
  const notes: string[] = [];
  for (const uuid of new Set(twins.map((one) => one.uuid ?? ""))) {
    const devices = twins.filter((one) => one.uuid === uuid).map((one) => one.path);
    notes.push(await separateBtrfs(devices, uuid, signal));
  }
  return hasGroups ? [...notes, ...(await separateGroups(look, signal))] : notes;
}
