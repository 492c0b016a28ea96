import { BackupError } from "../core/errors.ts";
import { placesFor } from "../core/restore-places.ts";
import type { Mounted } from "../core/restore-ports.ts";
import type { MountWish } from "../core/restore-query.ts";
import type { NotMounted } from "../core/restore-result.ts";
import { type RestoreDeps, stopped } from "./restore-deps.ts";

/** Mounts what is on the disks, each apart: what cannot be mounted is told and keeps nothing else from it. */
export async function mountAll(
  disks: ReadonlyMap<string, string>,
  { where, writable }: MountWish,
  deps: Pick<RestoreDeps, "disks">,
  signal: AbortSignal,
): Promise<{
  readonly mounted: readonly Mounted[];
  readonly notMounted: readonly NotMounted[];
  readonly notes: readonly string[];
}> {
  const notes = await deps.disks.separate([...disks.keys()], signal);
  const found = await deps.disks.filesystems([...disks.keys()], signal);
  if (found.length === 0)
    throw new BackupError({
      kind: "refused",
      doing: `mount at ${where}`,
      found: `there is no filesystem on ${[...disks.keys()].join(", ")}`,
      remedy: "see what is there: lsblk -f",
    });
  const mounted: Mounted[] = [];
  const notMounted: NotMounted[] = [];
  for (const { path, type, obstacle } of found)
    if (obstacle !== undefined) notMounted.push({ path, type, ...obstacle });
  const good = found.filter(({ obstacle }) => obstacle === undefined);
  for (const place of placesFor(good, where, disks)) {
    if (signal.aborted) throw stopped(`mount at ${where}`);
    const { path, type } = place.filesystem;
    try {
      const options = { writable, replay: true };
      mounted.push(await deps.disks.mount(place.filesystem, place.where, options, signal));
    } catch (error) {
      if (!(error instanceof BackupError) || error.kind === "interrupted") throw error;
      const { found: why, remedy = `mount it by hand: mount -o ro ${path} ${place.where}` } = error;
      notMounted.push({ path, type, found: why, remedy });
    }
  }
  return { mounted, notMounted, notes };
}
