import { readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { isWithin, type MountEntry } from "../core/mount-table.ts";
import type { HostRoots } from "./block-devices.ts";
import { readHiddenMounts } from "./hidden-mounts.ts";
import { readMounts } from "./mounts.ts";

/**
 * Who keeps a mount from being unmounted, in words: processes that work below it or have something of it open,
 * mounts below it, loop devices over its files, and other mount namespaces. Reads the kernel's accounts only and
 * never what is on the mount, so that a disk that does not answer keeps nobody.
 */
export async function holdersOf(where: string, { proc, sys }: HostRoots): Promise<readonly string[]> {
  const entries = await readMounts(path.join(proc, "self", "mountinfo")).catch(() => []);
  const entry = entries.findLast((one) => one.path === where);
  const found: string[] = [];
  for (const pid of (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const how = await heldBy(path.join(proc, pid), where, entry);
    if (how === undefined) continue;
    const name = (await readFile(path.join(proc, pid, "comm"), "utf8").catch(() => "")).trim();
    found.push(`${name} (process ${pid}, ${how})`);
  }
  for (const one of entries)
    if (entry !== undefined && one.parent === entry.id) found.push(`the mount ${one.path} below it`);
  for (const loop of (await readdir(path.join(sys, "block")).catch(() => [])).filter((name) =>
    /^loop/.test(name),
  )) {
    const file = await readFile(path.join(sys, "block", loop, "loop", "backing_file"), "utf8").catch(
      () => "",
    );
    if (isWithin(file.trim(), where)) found.push(`the loop device ${loop} over ${file.trim()}`);
  }
  if (found.length > 0 || entry === undefined) return found;
  const others = entries.filter((one) => one.superblock !== entry.superblock);
  const hidden = await readHiddenMounts(others, proc);
  return hidden
    .filter((one) => one.superblock === entry.superblock)
    .map((one) => `${one.by}, which sees it in a mount namespace of its own`);
}

async function heldBy(
  place: string,
  where: string,
  entry: MountEntry | undefined,
): Promise<string | undefined> {
  for (const [name, how] of [
    ["cwd", "works there"],
    ["root", "has its root there"],
    ["exe", "is run from there"],
  ] as const) {
    if (isWithin(await linkOf(path.join(place, name)), where)) return how;
  }
  for (const fd of await readdir(path.join(place, "fd")).catch(() => [])) {
    const target = await linkOf(path.join(place, "fd", fd));
    if (isWithin(target, where)) return `has ${target} open`;
    // A file that was deleted, or is seen by another path, is told by its mount.
    const facts = entry === undefined ? "" : await text(path.join(place, "fdinfo", fd));
    if (entry !== undefined && new RegExp(`^mnt_id:\\s*${entry.id}$`, "m").test(facts))
      return `has ${target} open`;
  }
  const maps = await text(path.join(place, "maps"));
  return maps.split("\n").some((line) => isWithin(line.slice(73).trim(), where))
    ? "has a file of it mapped"
    : undefined;
}

function linkOf(file: string): Promise<string> {
  return readlink(file).then(
    (target) => target.replace(/ \(deleted\)$/, ""),
    () => "",
  );
}

function text(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
