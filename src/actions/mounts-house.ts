import { BackupError } from "../core/errors.ts";
import { refusedUse } from "../core/replace-plan.ts";
import type { DiskUse, MountNote, SwapDisks, SwapJournal } from "../core/replace-ports.ts";
import type { RestoreDeps } from "./restore-deps.ts";
import { type House, isAttached, type Pair, refused, type Side, statesOf } from "./swap-places.ts";

/** The mounts of this host, as what uses the volumes. What is mounted is kept by the ids of the old volumes. */
export function mountsHouse(
  id: string,
  instance: string,
  host: { readonly disks: SwapDisks; readonly journal: SwapJournal },
  deps: RestoreDeps,
): House {
  const remembered = async (): Promise<readonly MountNote[]> => (await host.journal.read(id))?.mounts ?? [];
  const note = async (pairs: readonly Pair[], side: Side, signal: AbortSignal): Promise<void> => {
    const there = await disksOf(pairs, side, instance, deps, signal);
    const { mounts } = await host.disks.inspect(there, { users: false }, signal);
    const before = await remembered();
    const more = mounts.filter(({ where }) => !before.some((one) => one.where === where));
    if (before.length === 0 || more.length > 0)
      await host.journal.write({ id, instance, mounts: [...before, ...more] });
  };
  return {
    async look(pairs, side, signal) {
      const use = await useOf(pairs, side, instance, host.disks, deps, signal);
      const [first] = refusedUse(use);
      if (first !== undefined)
        throw refused(`let go of ${pairs.map((pair) => pair[side]).join(", ")}`, first.found, first.remedy);
    },
    async isUsed(pairs, side, signal) {
      const there = await disksOf(pairs, side, instance, deps, signal);
      if (there.size === 0) return false;
      const { mounts, obstacles } = await host.disks.inspect(there, { users: false }, signal);
      return mounts.length > 0 || obstacles.length > 0;
    },
    async begin(pairs, signal) {
      await note(pairs, "old", signal);
    },
    async letGo(pairs, side, signal) {
      await note(pairs, side, signal);
      for (const disk of (await disksOf(pairs, side, instance, deps, signal)).keys())
        await deps.disks.release(disk, signal);
    },
    async takeUp(pairs, side, signal) {
      const disks = new Map<string, string>();
      for (const pair of pairs) {
        const { diskFor } = deps.waits;
        const volume = { id: pair[side], device: pair.device };
        disks.set(await deps.disks.deviceOf(volume, diskFor, signal), pair.old);
      }
      // What rests on others is no matter of these.
      const here = new Set(pairs.map(({ old }) => old));
      const mounts = (await remembered()).filter(({ volume }) => here.has(volume));
      return host.disks.mount(mounts, disks, signal);
    },
    end: () => host.journal.remove(id),
  };
}

/** What is on the disks of the side, as far as they are there. */
export async function useOf(
  pairs: readonly (Partial<Pair> & Pick<Pair, "old" | "device">)[],
  side: Side,
  instance: string,
  disks: SwapDisks,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<DiskUse> {
  const there = await disksOf(pairs, side, instance, deps, signal);
  if (there.size === 0) return { mounts: [], users: [], fstab: [], obstacles: [] };
  return disks.inspect(there, { users: true }, signal);
}

/** Milliseconds for the disk of a volume that is attached already. */
const longestLook = 10_000;

/**
 * The disks of attached volumes, by path, with the old volume of each place. A new one that never came is nothing in
 * use, nor is one that is being detached and whose disk is gone.
 */
async function disksOf(
  pairs: readonly (Partial<Pair> & Pick<Pair, "old" | "device">)[],
  side: Side,
  instance: string,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const states = await statesOf(pairs, deps, signal);
  const disks = new Map<string, string>();
  for (const pair of pairs) {
    const id = pair[side];
    const state = id === undefined ? undefined : states.get(id);
    if (id === undefined || !isAttached(state, instance)) continue;
    const mayBeGone =
      side === "fresh" || state?.attachments.some((one) => one.state === "detaching") === true;
    // Where the old one's disk cannot be told, nobody knows what is mounted of it: it is not let go.
    const deadline = mayBeGone ? 0 : Math.min(deps.waits.diskFor, longestLook);
    try {
      disks.set(await deps.disks.deviceOf({ id, device: pair.device }, deadline, signal), pair.old);
    } catch (error) {
      if (!(error instanceof BackupError) || error.kind !== "not-found" || !mayBeGone) throw error;
    }
  }
  return disks;
}
