import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { BlockDevices } from "../core/block-device.ts";
import type { MountEntry } from "../core/mount-table.ts";
import { type HostRoots, readBlockDevices } from "./block-devices.ts";
import { readMounts } from "./mounts.ts";

/** All block devices that have a content, mounted or not, and all mounts. */
export interface Present {
  readonly entries: readonly MountEntry[];
  readonly all: BlockDevices;
}

/**
 * Reads the kernel's accounts only, so that a disk that does not answer keeps nobody. `hidden` are mounts of others,
 * whose devices are wanted too.
 */
export async function presentDevices(
  roots: HostRoots,
  signal?: AbortSignal,
  hidden: readonly MountEntry[] = [],
): Promise<Present> {
  const entries = await readMounts(roots.mountinfo);
  const directory = path.join(roots.sys, "class", "block");
  const names = await readdir(directory).catch(() => []);
  const numbers = await Promise.all(
    names.map(async (name) => {
      const size = await textOf(path.join(directory, name, "size"));
      return size === undefined || size === "0" ? undefined : textOf(path.join(directory, name, "dev"));
    }),
  );
  const also = numbers.flatMap((number) => number ?? []);
  return { entries, all: await readBlockDevices([...entries, ...hidden], roots, signal, also) };
}

function textOf(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").then(
    (text) => text.trim(),
    () => undefined,
  );
}
