import { type PlannedMount, placesFor } from "../core/restore-places.ts";
import type { Blank, FoundFilesystem } from "../core/restore-ports.ts";
import { check, type DrillDeps, type Findings, type Looked } from "./drill-check.ts";
import { stopped } from "./restore-deps.ts";

/** What holds no files. */
const empty = new Set(["swap", "swsuspend"]);
/** What cannot be opened without a secret, or not beside its original. */
const closed = new Set(["crypto_LUKS", "BitLocker", "zfs_member"]);

/** What is to be looked at. */
export interface FilesystemsWish {
  /** The volumes that were captured, by the disks of their copies. */
  readonly disks: ReadonlyMap<string, string>;
  readonly where: string;
  readonly fsck: boolean;
  /** Captured volumes on which not all need be something that can be looked at. */
  readonly raw: readonly string[];
  /** Its name in the configuration. */
  readonly drill: string;
}

/**
 * Finds what is on the disks, checks each filesystem without writing and mounts it read-only. Returns what is mounted
 * where. Clones of what is here get an identity of their own before anything else. No disk is passed over in
 * silence: what nothing could be looked at on has a check that says so.
 */
export async function lookAtFilesystems(
  wish: FilesystemsWish,
  found: Findings,
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<readonly PlannedMount[]> {
  const { disks, where } = wish;
  const paths = [...disks.keys()];
  found.notes.push(...(await deps.disks.separate(paths, signal)));
  const filesystems = await deps.disks.filesystems(paths, signal);
  for (const one of filesystems) {
    const { obstacle } = one;
    if (obstacle === undefined) continue;
    const how = unread(one, obstacle.found, wish);
    await check(found, deps, "mount", nameOf(one, disks), async () => how);
  }
  const blanks = await deps.disks.blanks(paths, signal);
  const known = new Set([...filesystems, ...blanks].flatMap((one) => one.disks));
  // Such as a disk with a partition table and no partition.
  const bare = paths.filter((path) => !known.has(path)).map((path): Blank => ({ path, disks: [path] }));
  for (const one of [...blanks, ...bare]) {
    const how = unread(one, "no filesystem and nothing else that is known is there", wish);
    await check(found, deps, "mount", nameOf(one, disks), async () => how);
  }
  const good = filesystems.filter(({ obstacle }) => obstacle === undefined);
  const mounts: PlannedMount[] = [];
  for (const [index, place] of placesFor(good, where, disks).entries()) {
    if (signal.aborted) throw stopped("look at the filesystems");
    const doing = `checking ${nameOf(place.filesystem, disks)}`;
    deps.progress({ percent: (index / good.length) * 90, doing });
    if (!(await lookAtOne(place, wish, found, deps, signal))) continue;
    mounts.push(place);
    for (const disk of place.filesystem.disks) found.looked.add(disks.get(disk) ?? disk);
  }
  return mounts;
}

/** Checks and mounts one filesystem; whether it is mounted. */
async function lookAtOne(
  place: PlannedMount,
  wish: FilesystemsWish,
  found: Findings,
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const { filesystem, where } = place;
  const name = nameOf(filesystem, wish.disks);
  if (isRaw(filesystem, wish) && !(await triedMount(place, deps, signal))) {
    const how = unread(filesystem, "it cannot be mounted", wish);
    return check(found, deps, "mount", name, async () => how);
  }
  if (wish.fsck) await checkOne(place, name, wish.drill, found, deps, signal);
  return check(found, deps, "mount", name, async () => {
    const { notes } = await deps.disks.mount(filesystem, where, readOnly, signal);
    return notes.length === 0 ? {} : { detail: notes.join("; ") };
  });
}

function isRaw({ disks: on }: Blank, { disks, raw }: FilesystemsWish): boolean {
  return on.length > 0 && on.every((disk) => raw.includes(disks.get(disk) ?? ""));
}

/** What is to be said of a place that cannot be looked at. */
function unread(one: Blank & Partial<FoundFilesystem>, said: string, wish: FilesystemsWish): Looked {
  const { type } = one;
  const key = `drill.${wish.drill}.checks.raw`;
  if (type !== undefined && empty.has(type)) return { skipped: said };
  if (isRaw(one, wish)) return { skipped: `${said}, as ${key} allows` };
  if (type !== undefined && !closed.has(type)) return { failed: said };
  return { undone: `${said}; if that is as it should be, name the volume in ${key}` };
}

/** The clone's journal is applied: without that, what was being written at the capture looks like damage. */
const readOnly = { writable: false, replay: true } as const;

/** Applies what the journal holds, and unmounts again; whether it could be mounted. */
async function triedMount(
  { filesystem, where }: PlannedMount,
  { disks }: DrillDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const mounted = await disks.mount(filesystem, where, readOnly, signal).then(
    () => true,
    () => false,
  );
  if (signal.aborted) throw stopped(`mount ${filesystem.path}`);
  if (mounted) await disks.unmount(where, signal);
  return mounted;
}

/** What the journal holds is applied by a first mount; one that fails is told by the second. */
async function checkOne(
  place: PlannedMount,
  name: string,
  drill: string,
  found: Findings,
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<void> {
  await check(found, deps, "fsck", name, async () => {
    await triedMount(place, deps, signal);
    const { verdict, said } = await deps.host.checkFilesystem(place.filesystem, signal);
    switch (verdict) {
      case "damaged":
        return { failed: said };
      case "unknown":
        return { undone: `${said}; to do without such checks: drill.${drill}.checks.fsck: false` };
      case "needless":
        return { skipped: said };
      case "clean":
        return { detail: said };
    }
  });
}

/** By what was captured, since the disks of a drill are gone when its report is read. */
function nameOf(
  { type, label, partition, disks, path }: Blank & Partial<FoundFilesystem>,
  volumes: ReadonlyMap<string, string>,
): string {
  const below = disks.flatMap((disk) => volumes.get(disk) ?? []).join(" and ") || path;
  const part = partition === undefined ? "" : ` partition ${partition}`;
  const mapped = path.startsWith("/dev/mapper/") ? ` ${path}` : "";
  const on = `${below}${part}${mapped}`;
  return type === undefined ? on : `${type} on ${on}${label === undefined ? "" : ` "${label}"`}`;
}
