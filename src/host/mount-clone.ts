import { mkdir, readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { type CloneAccess, cloneOptions } from "../core/clone-options.ts";
import { BackupError } from "../core/errors.ts";
import type { MountEntry } from "../core/mount-table.ts";
import { madeOfAll } from "../core/resting.ts";
import type { FoundFilesystem, Mounted } from "../core/restore-ports.ts";
import { askProgram, told } from "./ask-program.ts";
import { codeOf } from "./atomic-file.ts";
import { type HostRoots, numberAt } from "./block-devices.ts";
import { btrfsSuperblock } from "./btrfs-clone.ts";
import { activate, deactivate, groupOf } from "./lvm-clone.ts";
import type { MountRecords } from "./mount-records.ts";
import { mountWhenFree } from "./mount-when-free.ts";
import { readMounts } from "./mounts.ts";
import { type Present, presentDevices } from "./present-devices.ts";
import { patience, probe } from "./probe-signatures.ts";
import { within } from "./within.ts";

/** Mounts a filesystem of restored disks; see `HostDisks.mount`. */
export async function mountClone(
  what: FoundFilesystem,
  place: string,
  access: CloneAccess,
  { roots, records }: { readonly roots: HostRoots; readonly records: MountRecords },
  signal: AbortSignal,
): Promise<Mounted> {
  const doing = `mount ${what.path} at ${place}`;
  if (what.obstacle !== undefined) throw new BackupError({ kind: "refused", doing, ...what.obstacle });
  const present = await presentDevices(roots, signal);
  const number = await numberAt(what.path, roots.sys);
  if (number === undefined) throw new BackupError({ kind: "not-found", doing, found: "no such disk" });
  const numbers = partsOf(number, present);
  const where = await resolved(place, doing);
  const there = present.entries.findLast((one) => one.path === where);
  if (there !== undefined) return already(there, what, numbers, access, doing, roots);
  const made = await missingOf(where, doing);
  const members = await membersOf(what, present, roots, signal);
  await prepareDisks(what, number, access.writable || access.replay, present, roots, signal);
  const notes = await unreplayed(what, access, signal);
  await records.write({ where, path: what.path, made, at: new Date().toISOString() });
  for (const one of made) await mkdir(one, { mode: 0o700 }).catch(() => undefined);
  const options = cloneOptions(what.type, access, members);
  let said = "";
  for (const one of options.tries) {
    const type = what.type.startsWith("ntfs") ? [] : ["-t", what.type];
    const words = ["-i", ...type, "-o", one, what.path, where];
    const answer = await mountWhenFree(words, signal).catch(async (error: unknown) => {
      // What a mount(8) that was cut short has mounted all the same is undone with its disk.
      if ((await mountedAt(where, roots)) === undefined) await records.undo(where);
      throw error;
    });
    if (answer.code === 0)
      return {
        where,
        path: what.path,
        type: what.type,
        writable: access.writable,
        notes: [...options.notes, ...notes],
      };
    said = answer.said;
  }
  await records.undo(where);
  const remedy = "dmesg | tail tells more; fsck without writing may too";
  throw new BackupError({ kind: "refused", doing, found: said, remedy });
}

/** What is mounted there already: success if it is this very filesystem and no less writable. */
async function already(
  there: MountEntry,
  what: FoundFilesystem,
  numbers: ReadonlySet<string>,
  access: CloneAccess,
  doing: string,
  { sys }: HostRoots,
): Promise<Mounted> {
  const source = await numberAt(there.source, sys);
  const same = numbers.has(there.superblock) || (source !== undefined && numbers.has(source));
  const writable = !there.options.includes("ro");
  if (same && writable === access.writable)
    return {
      where: there.path,
      path: what.path,
      type: what.type,
      writable,
      notes: ["it was mounted already"],
    };
  const how = same ? (writable ? ", writable" : ", read-only") : "";
  const found = `${there.source} is mounted there${how}`;
  const remedy = `umount ${there.path}, or name another place`;
  throw new BackupError({ kind: "refused", doing, found, remedy });
}

/** The device itself, and all others of a btrfs that it is a part of. */
function partsOf(number: string, { all }: Present): ReadonlySet<string> {
  return new Set([number, ...(all.pools.find(({ members }) => members.includes(number))?.members ?? [])]);
}

/** Whether the filesystem is what is mounted at the place; what is on a device that is gone is mounted nowhere. */
export async function holdsClone(
  what: FoundFilesystem,
  place: string,
  roots: HostRoots,
  signal: AbortSignal,
): Promise<boolean> {
  const present = await presentDevices(roots, signal);
  const where = await resolved(place, `look at ${place}`);
  const there = present.entries.findLast((one) => one.path === where);
  const number = await numberAt(what.path, roots.sys);
  if (there === undefined || number === undefined) return false;
  const numbers = partsOf(number, present);
  return numbers.has(there.superblock) || numbers.has((await numberAt(there.source, roots.sys)) ?? "");
}

/** The place without links above it: mount(8) would follow them. */
async function resolved(place: string, doing: string): Promise<string> {
  if (!path.isAbsolute(place))
    throw new BackupError({ kind: "usage", doing, found: "the place is no absolute path" });
  const missing: string[] = [];
  for (let at = path.resolve(place); ; at = path.dirname(at)) {
    const real = await within(
      patience.others,
      realpath(at).catch(() => undefined),
      undefined,
    );
    if (real !== undefined) return path.join(real, ...missing);
    missing.unshift(path.basename(at));
    if (at === "/")
      throw new BackupError({ kind: "cannot-write", doing, found: "the place cannot be looked at" });
  }
}

/** The directories that must be made; fails if the place is there and is not an empty directory. */
async function missingOf(where: string, doing: string): Promise<string[]> {
  const missing: string[] = [];
  for (let at = where; ; at = path.dirname(at)) {
    const stats = await stat(at).catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return undefined;
      throw new BackupError({ kind: "cannot-write", doing, found: codeOf(error) }, { cause: error });
    });
    if (stats === undefined) {
      missing.unshift(at);
      continue;
    }
    const remedy = "name an empty directory, or one that is not there yet";
    if (!stats.isDirectory())
      throw new BackupError({ kind: "refused", doing, found: `${at} is no directory`, remedy });
    if (at === where && (await readdir(at)).length > 0)
      throw new BackupError({ kind: "refused", doing, found: "the directory is not empty", remedy });
    return missing;
  }
}

/** All devices of a btrfs, by path; of others the device itself. */
async function membersOf(
  what: FoundFilesystem,
  { all }: Present,
  { dev }: HostRoots,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (what.type !== "btrfs") return [what.path];
  const below = new Set(what.disks.map((disk) => path.basename(disk)));
  const candidates = all.devices.filter((device) =>
    [...madeOfAll(device.number, all)].some((one) => below.has(nameOf(one, all.devices))),
  );
  const found = await Promise.all(
    candidates.map((one) => probe(path.join(dev, one.name), patience.probe, signal)),
  );
  return found.filter((one) => one.type === "btrfs" && one.uuid === what.uuid).map((one) => one.path);
}

function nameOf(number: string, devices: Present["all"]["devices"]): string {
  return devices.find((one) => one.number === number)?.name ?? "";
}

/**
 * Makes the disks below writable or not, and what is put together of them: a disk that is set read-only takes no
 * write whatever the filesystem above it may do.
 */
async function prepareDisks(
  { path: at, disks }: FoundFilesystem,
  number: string,
  writable: boolean,
  { all }: Present,
  { dev }: HostRoots,
  signal: AbortSignal,
): Promise<void> {
  const options = { timeout: patience.tool, signal };
  const below = [...madeOfAll(number, all)].flatMap(
    (one) => all.devices.find((device) => device.number === one) ?? [],
  );
  const flag = writable ? "--setrw" : "--setro";
  const plain = below.filter((one) => one.mapped === undefined && one.level === undefined);
  const paths = new Set([...disks, ...plain.map((one) => path.join(dev, one.name))]);
  for (const one of paths) await told("blockdev", [flag, one], options);
  if (!writable) return;
  for (const array of below.filter((one) => one.level !== undefined))
    await told("mdadm", ["--readwrite", path.join(dev, array.name)], options).catch(() => undefined);
  const mapped = below.find((one) => one.number === number)?.mapped;
  if (mapped?.uuid.startsWith("LVM-") !== true) return;
  const carriers = below.filter((one) => one.number !== number).map((one) => path.join(dev, one.name));
  const { group, members } = await groupOf(carriers, mapped.name, signal);
  await deactivate(group, members, signal);
  await activate(group, members, true, signal);
  await told("blockdev", ["--setrw", at], options);
}

/** Tells that a journal holds changes that were not applied, where that can be seen. */
async function unreplayed(
  { path: at, type }: FoundFilesystem,
  { writable, replay }: CloneAccess,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (writable || replay || !(await hasUnreplayed(at, type, signal).catch(() => false))) return [];
  return [
    "its journal holds changes that are not applied: what was written last before the snapshot may be missing",
  ];
}

async function hasUnreplayed(at: string, type: string, signal: AbortSignal): Promise<boolean> {
  const options = { timeout: patience.probe, signal };
  if (type === "btrfs") return (await btrfsSuperblock(at, signal)).dirty;
  if (type === "ext3" || type === "ext4")
    return /^Filesystem features:.*\bneeds_recovery\b/m.test(await told("dumpe2fs", ["-h", at], options));
  if (type === "xfs")
    return /<DIRTY>/.test((await askProgram("xfs_logprint", ["-t", at], options)).stdout.toString());
  return false;
}

/** Unmounts what is on top at a place; see `HostDisks.unmount`. */
export async function mountedAt(where: string, { mountinfo }: HostRoots): Promise<MountEntry | undefined> {
  return (await readMounts(mountinfo)).findLast((one) => one.path === where);
}
