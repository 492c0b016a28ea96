import { placesFor } from "../core/restore-places.ts";
import type { FoundFilesystem } from "../core/restore-ports.ts";
import { check, type DrillDeps, type Findings } from "./drill-check.ts";
import { stopped } from "./restore-deps.ts";

/** What never is a filesystem, or cannot be opened without a secret. */
const closed = new Set(["swap", "swsuspend", "crypto_LUKS", "BitLocker", "zfs_member"]);

/**
 * Finds what is on the disks, checks each filesystem without writing and mounts it read-only. Returns where they are
 * mounted. Clones of what is here get an identity of their own before anything else.
 */
export async function lookAtFilesystems(
  {
    disks,
    where,
    fsck,
  }: { readonly disks: ReadonlyMap<string, string>; readonly where: string; readonly fsck: boolean },
  found: Findings,
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const paths = [...disks.keys()];
  found.notes.push(...(await deps.disks.separate(paths, signal)));
  const filesystems = await deps.disks.filesystems(paths, signal);
  for (const one of filesystems) {
    const { obstacle, type } = one;
    if (obstacle === undefined) continue;
    const how = closed.has(type) ? { skipped: obstacle.found } : { failed: obstacle.found };
    await check(found, deps, "mount", nameOf(one, disks), async () => how);
  }
  const good = filesystems.filter(({ obstacle }) => obstacle === undefined);
  const mounts: string[] = [];
  for (const [index, { filesystem, where: place }] of placesFor(good, where, disks).entries()) {
    if (signal.aborted) throw stopped("look at the filesystems");
    const name = nameOf(filesystem, disks);
    if (fsck) {
      deps.progress({ percent: (index / good.length) * 90, doing: `checking ${name}` });
      await checkOne(filesystem, place, name, found, deps, signal);
    }
    const mounted = await check(found, deps, "mount", name, async () => {
      const { notes } = await deps.disks.mount(filesystem, place, readOnly, signal);
      return notes.length === 0 ? {} : { detail: notes.join("; ") };
    });
    if (mounted) mounts.push(place);
  }
  return mounts;
}

/** The clone's journal is applied: without that, what was being written at the capture looks like damage. */
const readOnly = { writable: false, replay: true } as const;

/** What the journal holds is applied by a first mount; one that fails is told by the second. */
async function checkOne(
  filesystem: FoundFilesystem,
  place: string,
  name: string,
  found: Findings,
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<void> {
  await check(found, deps, "fsck", name, async () => {
    const replayed = await deps.disks.mount(filesystem, place, readOnly, signal).then(
      () => true,
      () => false,
    );
    if (signal.aborted) throw stopped(`check ${name}`);
    if (replayed) await deps.disks.unmount(place, signal);
    const { verdict, said } = await deps.host.checkFilesystem(filesystem, signal);
    if (verdict === "damaged") return { failed: said };
    return verdict === "unknown" ? { skipped: said } : { detail: said };
  });
}

/** By what was captured, since the disks of a drill are gone when its report is read. */
function nameOf(
  { type, label, partition, disks, path }: FoundFilesystem,
  volumes: ReadonlyMap<string, string>,
): string {
  const below = disks.flatMap((disk) => volumes.get(disk) ?? []);
  const part = partition === undefined ? "" : ` partition ${partition}`;
  const mapped = path.startsWith("/dev/mapper/") ? ` ${path}` : "";
  return `${type} on ${below.join(" and ") || path}${part}${mapped}${label === undefined ? "" : ` "${label}"`}`;
}
