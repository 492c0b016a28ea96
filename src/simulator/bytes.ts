import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { constants, copyFileSync, readdirSync, rmSync } from "node:fs";
import { copyFile, mkdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Backing, backingOf } from "./backing-file.ts";
import { commonSubvolume, fixSubvolume } from "./subvolume.ts";

const run = promisify(execFile);

/** A volume's file, and the snapshot that gets its bytes. */
interface Capture {
  readonly source: string;
  readonly snapshot: string;
}

/** The bytes of one snapshot. */
export interface Captured {
  /** Where the copy is. */
  readonly file: string;
  /** How many bytes it really takes. */
  readonly bytes: number;
  /**
   * Whether all copies of the set are of one instant, as those of EBS are: all files lie in one subvolume of
   * btrfs, or there is one file that could be cloned. Else each was read while others may have written.
   */
  readonly pointInTime: boolean;
}

/** Where the bytes of snapshots are kept. */
export interface ByteStore {
  /** Copies the files as they are now, keeping their holes; all of them or none. In the order of the captures. */
  capture(captures: readonly Capture[]): Promise<Captured[]>;
  /**
   * Makes the file of a new volume.
   * @param snapshot the file it begins with; null: it is empty.
   * @param length in bytes; at least that of the snapshot's file. @returns where it is.
   */
  create(volume: string, snapshot: string | null, length: number): Promise<string>;
  /** Whether volumes that begin empty get a file too. */
  readonly keepsEmpty: boolean;
  /** Forgets a copy; nothing happens when there is none. */
  drop(file: string | null): Promise<void>;
  /** Forgets all copies. */
  clear(): void;
}

/** @param directory where copies go, and `volumes` where new volumes' files; made when the first one is. */
export function createByteStore(directory: string, volumes: string, keepsEmpty = false): ByteStore {
  return {
    keepsEmpty,
    async capture(captures) {
      if (captures.length === 0) return [];
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const targets = captures.map(({ snapshot }) => join(directory, `${snapshot}.img`));
      try {
        const backings = await Promise.all(captures.map(({ source }) => backingOf(source)));
        const pointInTime = await copyAll(backings, targets);
        return await Promise.all(
          targets.map(async (file) => ({ file, bytes: (await stat(file)).blocks * 512, pointInTime })),
        );
      } catch (error) {
        for (const target of targets) await rm(target, { force: true });
        throw error;
      }
    },
    async create(volume, snapshot, length) {
      await mkdir(volumes, { recursive: true, mode: 0o700 });
      const file = join(volumes, `${volume}.img`);
      try {
        if (snapshot === null) await writeFile(file, "");
        else await copySparse({ path: snapshot, device: false }, file);
        if ((await stat(file)).size < length) await truncate(file, length);
        return file;
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },
    async drop(file) {
      if (file !== null) await rm(file, { force: true });
    },
    clear() {
      for (const place of [directory, volumes]) {
        for (const name of namesIn(place))
          if (/^(snap|vol)-[0-9a-f]+\.img$/.test(name)) rmSync(join(place, name), { force: true });
      }
    },
  };
}

/** @returns whether all copies are of one instant. */
async function copyAll(backings: readonly Backing[], targets: readonly string[]): Promise<boolean> {
  if (!backings.some(({ device }) => device)) {
    if (await copyOfOneInstant(backings, targets)) return true;
    if (cloneAll(backings, targets)) return targets.length === 1;
  }
  await Promise.all(backings.map((backing, index) => copySparse(backing, targets[index] ?? "")));
  return false;
}

/** The way of choice: one snapshot of the subvolume fixes all of its files at once. */
async function copyOfOneInstant(backings: readonly Backing[], targets: readonly string[]): Promise<boolean> {
  const files = backings.map(({ path }) => path);
  const subvolume = await commonSubvolume(files);
  if (subvolume === undefined) return false;
  // Only root may, and only where btrfs-progs are installed.
  const instant = await fixSubvolume(subvolume, randomUUID()).catch(() => undefined);
  if (instant === undefined) return false;
  try {
    for (const [index, path] of files.entries())
      await copySparse({ path: instant.at(path), device: false }, targets[index] ?? "");
  } finally {
    await instant.end();
  }
  return true;
}

/** Clones without a pause in between, where the filesystem can share blocks. */
function cloneAll(backings: readonly Backing[], targets: readonly string[]): boolean {
  try {
    for (const [index, { path }] of backings.entries())
      copyFileSync(path, targets[index] ?? "", constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw error;
    return false;
  }
}

// Node copies a file byte for byte, holes included; GNU cp keeps them, and shares blocks where the filesystem can.
async function copySparse({ path, device }: Backing, target: string): Promise<void> {
  if (device)
    await run("dd", [`if=${path}`, `of=${target}`, "bs=1M", "iflag=direct", "conv=sparse", "status=none"]);
  else if (platform() !== "linux") await copyFile(path, target, constants.COPYFILE_FICLONE);
  else if (!(await clone(path, target)))
    await run("cp", ["--sparse=always", "--reflink=never", "--", path, target]);
}

function clone(path: string, target: string): Promise<boolean> {
  return copyFile(path, target, constants.COPYFILE_FICLONE_FORCE).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") throw error;
      return false;
    },
  );
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
