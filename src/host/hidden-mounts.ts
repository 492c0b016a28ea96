import { open, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import type { HiddenEntry, MountEntry } from "../core/mount-table.ts";
import { parseMountInfo } from "./mounts.ts";

/**
 * Mounts that only processes in mount namespaces of their own see, such as those of a container, or what a
 * service kept when the host unmounted it. Processes that may not be looked at are left out.
 */
export async function readHiddenMounts(own: readonly MountEntry[], proc: string): Promise<HiddenEntry[]> {
  const seen = new Set(own.map(({ superblock }) => superblock));
  const self = path.join(proc, "self");
  // Both, since of others only one may be told.
  const namespaces = new Set([...(await namesOf(self)), await beginningOf(path.join(self, "mountinfo"))]);
  const hidden: HiddenEntry[] = [];
  for (const pid of await readdir(proc).catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    const place = path.join(proc, pid);
    const names = await namesOf(place);
    if (names.length === 0 || names.some((one) => namespaces.has(one))) continue;
    const text = await read(path.join(place, "mountinfo"));
    if (text === "") continue;
    namespaces.add(/^\d+/.exec(text)?.[0]);
    for (const one of names) namespaces.add(one);
    const name = (await read(path.join(place, "comm"))).trim();
    for (const entry of parseMountInfo(text)) {
      if (seen.has(entry.superblock)) continue;
      seen.add(entry.superblock);
      hidden.push({ ...entry, by: `${name} (process ${pid})` });
    }
  }
  return hidden;
}

/**
 * What tells the mount namespace of a process from others: its number, and that of its first mount, which no other
 * namespace has. Who has fewer rights than a process, as a hardened service has, is told the second alone.
 */
async function namesOf(place: string): Promise<string[]> {
  const number = await readlink(path.join(place, "ns/mnt")).catch(() => undefined);
  if (number !== undefined) return [number];
  const first = await beginningOf(path.join(place, "mountinfo"));
  return first === undefined ? [] : [first];
}

/** The first word of a file of the kernel, which makes up no more of it than is read. */
async function beginningOf(file: string): Promise<string | undefined> {
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(32));
    return /^\d+(?= )/.exec(buffer.toString("latin1", 0, bytesRead))?.[0];
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

/** Empty for a process that has ended, or has just let go of its mounts. */
function read(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
