import { readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import type { HiddenEntry, MountEntry } from "../core/mount-table.ts";
import { parseMountInfo } from "./mounts.ts";

/**
 * Mounts that only processes in mount namespaces of their own see, such as those of a container, or what a
 * service kept when the host unmounted it. Processes that may not be looked at are left out.
 */
export async function readHiddenMounts(own: readonly MountEntry[], proc: string): Promise<HiddenEntry[]> {
  const seen = new Set(own.map(({ superblock }) => superblock));
  const namespaces = new Set([await namespaceOf(path.join(proc, "self"))]);
  const hidden: HiddenEntry[] = [];
  for (const pid of await readdir(proc).catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    const place = path.join(proc, pid);
    const namespace = await namespaceOf(place);
    if (namespace === undefined || namespaces.has(namespace)) continue;
    const text = await read(path.join(place, "mountinfo"));
    if (text === "") continue;
    namespaces.add(namespace);
    const name = (await read(path.join(place, "comm"))).trim();
    for (const entry of parseMountInfo(text)) {
      if (seen.has(entry.superblock)) continue;
      seen.add(entry.superblock);
      hidden.push({ ...entry, by: `${name} (process ${pid})` });
    }
  }
  return hidden;
}

function namespaceOf(place: string): Promise<string | undefined> {
  return readlink(path.join(place, "ns/mnt")).catch(() => undefined);
}

/** Empty for a process that has ended, or has just let go of its mounts. */
function read(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
