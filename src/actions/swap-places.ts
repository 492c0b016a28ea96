import { BackupError } from "../core/errors.ts";
import type { Remounted, SwapService } from "../core/replace-ports.ts";
import { isUsed } from "../core/replace-progress.ts";
import { type OldPlace, replaceTags } from "../core/replace-tags.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import { answered, isRefusal, never, type RestoreDeps, untilSettled } from "./restore-deps.ts";

/** What a swap needs of the world. */
export interface SwapDeps extends RestoreDeps {
  readonly swap: SwapService;
}

/** Two volumes for one place. */
export interface Pair extends OldPlace {
  readonly fresh: string;
}

export type Side = "old" | "fresh";

/** What uses the volumes: the mounts of this host, or the power of another instance. Each may be repeated. */
export interface House {
  /** Fails as `refused` if the volumes of the side cannot be let go; nothing has changed then. */
  look(pairs: readonly Pair[], side: Side, signal: AbortSignal): Promise<void>;
  /** Whether the volumes of the side are in use now. */
  isUsed(pairs: readonly Pair[], side: Side, signal: AbortSignal): Promise<boolean>;
  /** Remembers what {@link takeUp} will need, before the first change. */
  begin(pairs: readonly Pair[], signal: AbortSignal): Promise<void>;
  /** Ends the use of the volumes that are attached now. */
  letGo(pairs: readonly Pair[], side: Side, signal: AbortSignal): Promise<void>;
  /** Uses the volumes of the side, all of which are attached, as before. */
  takeUp(pairs: readonly Pair[], side: Side, signal: AbortSignal): Promise<readonly Remounted[]>;
  /** Forgets. */
  end(pairs: readonly Pair[], signal: AbortSignal): Promise<void>;
}

/** Where a swap takes place. */
export interface Scene {
  readonly house: House;
  readonly instance: string;
  /** The new volumes that are known to have been attached, or may have been: their tags may be seen later. */
  readonly used: Set<string>;
}

/**
 * Has the volumes of one side in their places, and none of the other, from whatever is there now: it looks before
 * each step and does only what is left to do, so that it can be repeated after any death.
 */
export async function bring(
  side: Side,
  pairs: readonly Pair[],
  { house, instance, used }: Scene,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<readonly Remounted[]> {
  const other: Side = side === "old" ? "fresh" : "old";
  const states = await statesOf(pairs, deps, signal);
  for (const { fresh } of pairs) {
    const state = states.get(fresh);
    if (!isAttached(state, instance)) continue;
    used.add(fresh);
    if (state !== undefined && !isUsed(state)) await markUsed(fresh, deps, signal);
  }
  const leaving = pairs.filter((pair) => isAttached(states.get(pair[other]), instance));
  if (leaving.length > 0) {
    deps.progress({ percent: 10, doing: `letting go of ${leaving.map((pair) => pair[other]).join(", ")}` });
    await house.letGo(leaving, other, signal);
    for (const pair of leaving) {
      deps.progress({ percent: 25, doing: `detaching ${pair[other]}` });
      await detachFrom(pair[other], instance, deps, signal);
    }
  }
  for (const pair of pairs) {
    deps.progress({ percent: 50, doing: `attaching ${pair[side]}` });
    if (side === "old") await attachAt(pair.old, pair.device, { instance, tried: new Set() }, deps, signal);
    else await takeIn(pair, states.get(pair.fresh), { instance, tried: used }, deps, signal);
    if (pair.deleteOnTermination)
      await answered(`set what becomes of ${pair[side]}`, deps, signal, () =>
        deps.swap.setDeletion(instance, pair.device, true, signal),
      );
  }
  deps.progress({ percent: 75, doing: "taking them into use" });
  return house.takeUp(pairs, side, signal);
}

function markUsed(id: string, deps: SwapDeps, signal: AbortSignal): Promise<void> {
  const tags = { [replaceTags.usedAt]: deps.clock.now().toISOString() };
  return answered(`mark ${id}`, deps, signal, () => deps.swap.tag([id], tags, never));
}

/** Attaches a new volume, once its tag says so: who finds it later knows that it may have been written to. */
async function takeIn(
  { fresh, device }: Pair,
  state: VolumeState | undefined,
  where: { readonly instance: string; readonly tried: Set<string> },
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<void> {
  const marked = where.tried.has(fresh) || (state !== undefined && isUsed(state));
  if (!marked) await markUsed(fresh, deps, signal);
  try {
    await attachAt(fresh, device, where, deps, signal);
  } catch (error) {
    // Where it cannot be taken away, the volume is kept: that is the safe side.
    if (!marked && !where.tried.has(fresh))
      await deps.swap.untag([fresh], [replaceTags.usedAt], never).catch(() => undefined);
    throw error;
  }
}

/** All volumes of the pairs that EC2 shows, by id. */
export async function statesOf(
  pairs: readonly Partial<Pair>[],
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, VolumeState>> {
  const ids = pairs.flatMap(({ old, fresh }) => [old, fresh].flatMap((id) => id ?? []));
  const found = await answered(`look at ${ids.join(", ")}`, deps, signal, () =>
    deps.volumes.describe(ids, signal),
  );
  return new Map(found.map((one) => [one.id, one]));
}

/** Whether the instance has it, or is about to get it or to let it go. */
export function isAttached(volume: VolumeState | undefined, instance: string): boolean {
  return volume?.attachments.some((one) => one.instance === instance && one.state !== "detached") === true;
}

/** One that was let go too early by who is told to stop would be mounted, and go away under its mount. */
async function detachFrom(
  id: string,
  instance: string,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  const doing = `wait for ${id} to be detached`;
  await untilSettled(doing, deps.waits.detachFor, deps, signal, async (heed) => {
    const [volume] = await deps.volumes.describe([id], heed.signal);
    if (volume === undefined || !isAttached(volume, instance)) return true;
    // One that is still being attached would not be detached by that.
    if (!volume.attachments.some(({ state }) => state === "attached")) return undefined;
    await heed.send(() => deps.volumes.detach(id, instance, never));
    return undefined;
  });
  deps.log("info", `detached ${id}`, { volume: id });
}

/**
 * At this very device: the place of one that was just detached may be taken for a moment more. Whether it was, or may
 * have been, attached is in `tried`. One that does not show yet when who is told to stop goes back would not be taken
 * away again, and keep the other from the place.
 */
async function attachAt(
  id: string,
  device: string,
  { instance, tried }: { readonly instance: string; readonly tried: Set<string> },
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  const doing = `attach ${id} as ${device}`;
  let begun = false;
  let sent = false;
  await untilSettled(doing, deps.waits.attachFor, deps, signal, async (heed, elapsed) => {
    const [volume] = await deps.volumes.describe([id], heed.signal);
    const living = volume?.attachments.filter(({ state }) => state !== "detached") ?? [];
    const wrong = living.find((one) => one.instance !== instance || one.device !== device);
    if (wrong !== undefined)
      throw refused(
        doing,
        `it is attached to ${wrong.instance} as ${wrong.device}`,
        `detach it there: aws ec2 detach-volume --volume-id ${id}`,
      );
    const [there] = living;
    if (there !== undefined) tried.add(id);
    if (there?.state === "attached") return true;
    // One that is on its way out may come back.
    begun ||= there?.state === "attaching";
    if (there !== undefined || volume === undefined || volume.state === "creating") return undefined;
    // The key of a volume is wanted when it is attached (EBS user guide, "How EBS encryption works").
    if (begun)
      throw refused(doing, "EC2 began to attach it and gave up, as it does where its key cannot be used");
    const before = tried.has(id);
    tried.add(id);
    try {
      await heed.send(() => deps.volumes.attach(id, instance, device, never));
      sent = true;
    } catch (error) {
      if (isRefusal(error) && !before) tried.delete(id);
      if (!(error instanceof BackupError) || error.kind !== "refused") throw error;
      const taken = /in use/i.test(error.found) && elapsed < deps.waits.visibleFor;
      if (error.code !== "VolumeInUse" && !taken) throw error;
    }
    return undefined;
  });
  if (sent) deps.log("info", `attached ${id} as ${device}`, { volume: id });
}

export function refused(doing: string, found: string, remedy?: string): BackupError {
  return new BackupError({ kind: "refused", doing, found, ...(remedy === undefined ? {} : { remedy }) });
}
