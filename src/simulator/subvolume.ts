import { execFile } from "node:child_process";
import { stat, statfs } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const btrfs = 0x9123683e;
/** The inode of every subvolume's root. */
const rootInode = 256;

/** Files as they were at one instant, for as long as it is needed. */
export interface Instant {
  /** Where a file of that instant can be read. */
  at(file: string): string;
  end(): Promise<void>;
}

/**
 * The subvolume of btrfs that holds all of the files, by the path of its root; undefined if there is none.
 */
export async function commonSubvolume(files: readonly string[]): Promise<string | undefined> {
  const [first] = files;
  if (first === undefined) return undefined;
  const devices = new Set<number>();
  for (const file of files) {
    if ((await statfs(file)).type !== btrfs) return undefined;
    // Each subvolume has a device number of its own.
    devices.add((await stat(file)).dev);
  }
  if (devices.size > 1) return undefined;
  let path = dirname(first);
  while (path !== "/" && (await stat(path)).ino !== rootInode) path = dirname(path);
  return (await stat(path)).ino === rootInode ? path : undefined;
}

/**
 * Fixes a subvolume: what was written before is in it, nothing that is written later, and of what is written
 * meanwhile nothing without what was flushed before it.
 */
export async function fixSubvolume(subvolume: string, name: string): Promise<Instant> {
  const fixed = join(subvolume, `.ec2-backup-simulator-${name}`);
  await run("btrfs", ["subvolume", "snapshot", "-r", "--", subvolume, fixed]);
  return {
    at: (file) => join(fixed, relative(subvolume, file)),
    end: async () => {
      await run("btrfs", ["subvolume", "delete", "--", fixed]);
    },
  };
}
