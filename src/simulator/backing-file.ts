import { readFile, realpath, stat } from "node:fs/promises";

/** Where the bytes of a volume really lie. */
export interface Backing {
  readonly path: string;
  /** A device that is no loop device: it can only be read from one end to the other. */
  readonly device: boolean;
}

/**
 * What a volume's `file` stands for. Of a loop device it is the file behind it: reading the device itself would
 * also show what the filesystem on it has only in memory, which EBS never sees.
 * @throws what the system says, or why the device cannot be read as a volume.
 */
export async function backingOf(file: string): Promise<Backing> {
  const path = await realpath(file);
  const stats = await stat(path);
  if (!stats.isBlockDevice()) return { path, device: false };
  const device = `/sys/dev/block/${major(stats.rdev)}:${minor(stats.rdev)}`;
  const behind = await readFile(`${device}/loop/backing_file`, "utf8").catch(() => undefined);
  if (behind === undefined) return { path, device: true };
  const offset = (await readFile(`${device}/loop/offset`, "utf8")).trim();
  if (offset !== "0")
    throw new Error(`${file} begins at byte ${offset} of its file; name one that begins at 0`);
  return { path: await realpath(behind.replace(/\n$/, "")), device: false };
}

// As glibc takes a dev_t apart.
const major = (device: number) => Math.floor(device / 2 ** 8) % 2 ** 12;
const minor = (device: number) => (device % 2 ** 8) + Math.floor(device / 2 ** 20) * 2 ** 8;
