import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { askProgram } from "./ask-program.ts";
import type { HostRoots } from "./block-devices.ts";
import { patience, probe } from "./probe-signatures.ts";

/**
 * Has the kernel know the partitions of the disks where it does not: it reads the table of a disk when that is
 * attached, but not of every kind of disk. What the kernel knows is left as it is. Writes nothing.
 */
export async function partitionsOf(
  disks: readonly string[],
  { sys }: HostRoots,
  signal: AbortSignal,
): Promise<void> {
  for (const disk of disks) {
    const name = path.basename(disk);
    const entries = await readdir(path.join(sys, "class", "block", name)).catch(() => []);
    if (entries.some((entry) => entry.startsWith(name))) continue;
    const isPart = await readFile(path.join(sys, "class", "block", name, "partition")).catch(() => undefined);
    if (isPart !== undefined) continue;
    const { table, type } = await probe(disk, patience.probe, signal);
    // A boot sector of a filesystem can look like a table, and is none.
    if (table === undefined || type !== undefined) continue;
    await askProgram("partx", ["--add", disk], { timeout: patience.tool, signal });
  }
}
