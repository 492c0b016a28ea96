import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { PlannedSwap } from "../core/replace-plan.ts";
import type { Remounted } from "../core/replace-ports.ts";
import type { ReplaceResult } from "../core/replace-result.ts";
import { backupTag, placeIn, replaceTags } from "../core/replace-tags.ts";
import { type RestorePlan, restoreTags } from "../core/restore-plan.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import { earlierVolumes, volumeFor } from "./restore-create.ts";
import { patiently } from "./restore-deps.ts";
import { bring, type House, isAttached, type Pair, refused, type SwapDeps, statesOf } from "./swap-places.ts";

/** What is to be swapped. */
export interface SwapOrder {
  readonly restore: RestorePlan;
  readonly swaps: readonly PlannedSwap[];
  readonly instance: string;
  readonly house: House;
  /** What was made is not removed where the swap fails. */
  readonly keepNew: boolean;
}

const never = new AbortController().signal;

/**
 * Puts new volumes in the places of old ones. What an earlier invocation did is found by tags and not done again. If
 * a step fails, all is brought back as it was. Never throws: a failure is in the result.
 */
export async function replaceVolumes(
  order: SwapOrder,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<ReplaceResult> {
  const { swaps, restore, house, instance } = order;
  const base = { id: restore.id, mounted: [], notes: [] };
  let pairs: readonly Pair[] = [];
  let begun = false;
  try {
    pairs = await prepared(order, deps, signal);
    const states = await statesOf(pairs, deps, signal);
    const gone = pairs.find(({ old }) => !states.has(old));
    if (gone !== undefined) throw refused(`replace ${gone.old}`, "there is no such volume any more");
    begun = pairs.some(({ old, fresh }) => states.get(old)?.tags[replaceTags.replacedBy] === fresh);
    const leaving = pairs.filter(({ old }) => isAttached(states.get(old), instance));
    if (leaving.length > 0) await house.look(leaving, "old", signal);
    await house.begin(pairs, signal);
    begun = true;
    for (const { old, fresh } of pairs)
      await patiently(`mark ${old}`, deps, signal, () =>
        deps.swap.tag([old], { [replaceTags.replacedBy]: fresh }, signal),
      );
    const mounted = await bring("fresh", pairs, { house, instance }, deps, signal);
    return await finished(order, pairs, mounted, states, deps);
  } catch (error) {
    const failure = failureOf(error, `replace the volumes of ${instance}`);
    const volumes = pairs.length > 0 ? pairs : swaps.map(({ old, device }) => ({ old, device }));
    if (begun) return { ...base, volumes, ...(await rolledBack(order, pairs, failure, deps)) };
    const notes = await withoutNew(order, deps);
    return { ...base, outcome: "not-begun", volumes, failure, notes };
  }
}

/** The new volumes, made and ready; a volume that an earlier invocation made tells its place itself. */
async function prepared(
  { restore, swaps }: SwapOrder,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<readonly Pair[]> {
  const plan = { ...restore, volumes: swaps.map(({ planned }) => planned) };
  const earlier = await earlierVolumes(plan, deps, signal);
  const pairs: Pair[] = [];
  for (const swap of swaps) {
    const { old, device, deleteOnTermination, planned } = swap;
    deps.progress({ percent: 0, doing: `making a volume of ${planned.request.snapshot}` });
    const noted = (id: string, found: boolean) =>
      deps.log("info", found ? `volume ${id} is there already` : `made volume ${id}`, { volume: id });
    const state = await volumeFor(planned, plan, earlier, deps, noted, signal);
    const place = placeIn(state.tags[replaceTags.replaces]);
    if (place !== undefined && place.old !== old)
      throw refused(
        `replace ${old}`,
        `${state.id} was made to replace ${place.old}`,
        "add --label and a word of your choice",
      );
    pairs.push({ old, device, deleteOnTermination, ...place, fresh: state.id });
  }
  return pairs;
}

/** All is in its place and in use: only marks are left to be made, and no failure of those takes it back. */
async function finished(
  { restore, house }: SwapOrder,
  pairs: readonly Pair[],
  mounted: readonly Remounted[],
  states: ReadonlyMap<string, VolumeState>,
  deps: SwapDeps,
): Promise<ReplaceResult> {
  const base = { id: restore.id, volumes: pairs, mounted };
  try {
    const now = deps.clock.now().toISOString();
    for (const { old } of pairs) {
      const was = states.get(old)?.tags[backupTag];
      const tags = {
        ...(was === undefined || was === "no" ? {} : { [replaceTags.backupWas]: was }),
        [backupTag]: "no",
        [replaceTags.replacedAt]: now,
      };
      await patiently(`mark ${old}`, deps, never, () => deps.swap.tag([old], tags, never));
    }
    await house.end(pairs, never);
    const fresh = pairs.map((pair) => pair.fresh);
    await patiently("mark the replacement as finished", deps, never, () =>
      deps.swap.tag(fresh, { [restoreTags.done]: now }, never),
    );
    return { ...base, outcome: "done", notes: [] };
  } catch (error) {
    const failure = failureOf(error, "mark the replacement as finished");
    const notes = ["the new volumes are in place and in use; only their marks are missing"];
    return { ...base, outcome: "unfinished", failure, notes };
  }
}

/** Also when told to stop: half a swap helps nobody. A second signal ends the process. */
async function rolledBack(
  order: SwapOrder,
  pairs: readonly Pair[],
  failure: Failure,
  deps: SwapDeps,
): Promise<Pick<ReplaceResult, "outcome" | "failure" | "second" | "mounted" | "notes">> {
  deps.log("warn", `going back, since it failed: ${failure.found}`);
  try {
    const mounted = await bring("old", pairs, order, deps, never);
    await forget(pairs, deps);
    await order.house.end(pairs, never);
    return { outcome: "rolled-back", failure, mounted, notes: await withoutNew(order, deps) };
  } catch (error) {
    const second = failureOf(error, "bring the old volumes back");
    return { outcome: "unfinished", failure, second, mounted: [], notes: [] };
  }
}

/** Takes the marks of a swap from the old volumes. */
export async function forget(pairs: readonly Pair[], deps: SwapDeps): Promise<void> {
  const ids = pairs.map(({ old }) => old);
  await patiently(`take the marks from ${ids.join(", ")}`, deps, never, () =>
    deps.swap.untag(ids, [replaceTags.replacedBy], never),
  );
}

/** Removes what was made for the swap and is nowhere in use, unless it is to be kept. Tells what became of it. */
async function withoutNew({ restore, keepNew }: SwapOrder, deps: SwapDeps): Promise<readonly string[]> {
  try {
    const made = await patiently(`look for volumes of ${restore.id}`, deps, never, () =>
      deps.volumes.tagged(restoreTags.restore, restore.id, never),
    );
    return await removeNew(made, keepNew, deps);
  } catch (error) {
    const { found } = failureOf(error, "remove what was made");
    return [`what was made for it is left: ${found}; ec2-backup restore replace --undo --yes removes it`];
  }
}

/** Only what bears the marks of a swap, is attached to nothing and was never used. */
export async function removeNew(
  made: readonly VolumeState[],
  keep: boolean,
  deps: SwapDeps,
): Promise<readonly string[]> {
  const notes: string[] = [];
  for (const { id, tags, snapshot, state } of made) {
    const marked = placeIn(tags[replaceTags.replaces]) !== undefined && tags[restoreTags.from] === snapshot;
    if (!marked || tags[restoreTags.done] !== undefined || tags[replaceTags.undoneAt] !== undefined) continue;
    if (state === "deleting" || state === "deleted") continue;
    if (keep) {
      notes.push(`the new volume ${id} is kept, as asked for; the same words use it`);
      continue;
    }
    await patiently(`remove ${id}`, deps, never, async () => {
      const [now] = await deps.volumes.describe([id], never);
      if (now === undefined) return;
      if (now.attachments.some((one) => one.state !== "detached"))
        throw new BackupError({ kind: "refused", doing: `remove ${id}`, found: "it is attached" });
      await deps.volumes.remove(id, never);
    });
    notes.push(`the new volume ${id} is removed`);
  }
  return notes;
}
