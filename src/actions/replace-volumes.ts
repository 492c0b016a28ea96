import { type Failure, failureOf } from "../core/errors.ts";
import type { PlannedSwap } from "../core/replace-plan.ts";
import type { Remounted } from "../core/replace-ports.ts";
import type { ReplaceResult } from "../core/replace-result.ts";
import { backupTag, placeIn, replaceTags, swapText } from "../core/replace-tags.ts";
import { type RestorePlan, restoreTags } from "../core/restore-plan.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import { earlierVolumes, goneAway, volumeFor } from "./restore-create.ts";
import { answered, never, withoutHaste } from "./restore-deps.ts";
import { isMarked, madeFor, removeNew, touchedOf, unmark } from "./swap-marks.ts";
import {
  bring,
  type House,
  isAttached,
  type Pair,
  refused,
  type Scene,
  type SwapDeps,
  statesOf,
} from "./swap-places.ts";

/** What is to be swapped. */
export interface SwapOrder {
  readonly restore: RestorePlan;
  readonly swaps: readonly PlannedSwap[];
  readonly instance: string;
  readonly house: House;
  /** An earlier invocation may have changed something: whatever fails, it is not as it was before. */
  readonly begun: boolean;
  /** What was made is not removed where the swap fails. */
  readonly keepNew: boolean;
}

/** How far this invocation has come. */
interface Course {
  pairs: readonly Pair[];
  begun: boolean;
  /** Whether the new volumes were in use before it; absent while that is not known. */
  live?: boolean;
  /** A new volume that EC2 has named and may not show yet. */
  unseen: string | undefined;
}

/**
 * Puts new volumes in the places of old ones. What an earlier invocation did is found by tags and not done again. If
 * a step fails, all is brought back as it was. Never throws: a failure is in the result.
 */
export async function replaceVolumes(
  order: SwapOrder,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<ReplaceResult> {
  const { swaps, restore, instance } = order;
  const scene: Scene = { house: order.house, instance, used: new Set() };
  const known = swaps.flatMap(({ old, device, deleteOnTermination, fresh }) =>
    fresh === undefined ? [] : [{ old, device, deleteOnTermination, fresh }],
  );
  const course: Course = { pairs: known, begun: order.begun, unseen: undefined };
  try {
    return await forward(order, scene, course, deps, signal);
  } catch (error) {
    const failure = failureOf(error, `replace the volumes of ${instance}`);
    const { pairs, begun } = course;
    const volumes = pairs.length > 0 ? pairs : swaps.map(({ old, device }) => ({ old, device }));
    const base = { id: restore.id, volumes };
    if (failure.code === goneAway) course.unseen = undefined;
    if (begun) return { ...base, ...(await rolledBack(order, scene, course, failure, deps)) };
    const notes = await withoutNew(order, scene, [], course, deps);
    return { ...base, outcome: "not-begun", mounted: [], failure, notes };
  }
}

async function forward(
  order: SwapOrder,
  scene: Scene,
  course: Course,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<ReplaceResult> {
  const { restore } = order;
  const { house, instance } = scene;
  const pairs = await prepared(order, course, deps, signal);
  course.pairs = pairs;
  const states = await statesOf(pairs, deps, signal);
  course.begun ||= pairs.some((pair) => isMarked(pair, states));
  course.live = course.begun && (await areInUse(pairs, states, scene, signal));
  for (const pair of pairs) {
    const attached = (id: string) => isAttached(states.get(id), instance);
    if (attached(pair.fresh)) continue;
    if (!states.has(pair.old)) throw refused(`replace ${pair.old}`, "there is no such volume any more");
    if (!attached(pair.old) && !isMarked(pair, states))
      throw refused(`replace ${pair.old}`, "it is not attached any more");
  }
  const leaving = pairs.filter(({ old }) => isAttached(states.get(old), instance));
  if (leaving.length > 0) await house.look(leaving, "old", signal);
  // A request that nobody answers may be carried out: from here on it is to be taken back.
  course.begun = true;
  await house.begin(pairs, signal);
  for (const { old, fresh, device, deleteOnTermination } of pairs) {
    if (!states.has(old)) continue;
    const place = swapText({ id: restore.id, instance, device, deleteOnTermination });
    const marks = { [replaceTags.replacedBy]: fresh, [replaceTags.replacedIn]: place };
    // Not cut short: they could come after they were taken off again.
    await answered(`mark ${old}`, deps, signal, () => deps.swap.tag([old], marks, never));
  }
  const mounted = await bring("fresh", pairs, scene, deps, signal);
  return finished(order, pairs, mounted, states, deps);
}

/** Whether all new volumes are in their places already, and used there. */
async function areInUse(
  pairs: readonly Pair[],
  states: ReadonlyMap<string, VolumeState>,
  { house, instance }: Scene,
  signal: AbortSignal,
): Promise<boolean> {
  if (pairs.length === 0 || !pairs.every(({ fresh }) => isAttached(states.get(fresh), instance)))
    return false;
  return pairs.some(({ old }) => !states.has(old)) || house.isUsed(pairs, "fresh", signal);
}

/** The new volumes, made and ready; a volume that an earlier invocation made tells its place itself. */
async function prepared(
  { restore, swaps }: SwapOrder,
  course: Course,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<readonly Pair[]> {
  const plan = { ...restore, volumes: swaps.map(({ planned }) => planned) };
  const earlier = await earlierVolumes(plan, deps, signal);
  const pairs: Pair[] = [];
  for (const swap of swaps) {
    const { old, device, deleteOnTermination, planned } = swap;
    deps.progress({ percent: 0, doing: `making a volume of ${planned.request.snapshot}` });
    const noted = (id: string, found: boolean) => {
      deps.log("info", found ? `volume ${id} is there already` : `made volume ${id}`, { volume: id });
      if (!found) course.unseen = id;
    };
    const state = await volumeFor(planned, plan, earlier, withoutHaste(deps), noted, signal);
    course.unseen = undefined;
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
    for (const pair of pairs) {
      const before = states.get(pair.old)?.tags;
      if (before === undefined) continue;
      const was = before[backupTag];
      // An earlier invocation that came so far has remembered it, and what is there now is its own.
      const first = !isMarked(pair, states) || before[replaceTags.replacedAt] === undefined;
      const tags = {
        ...(first && was !== undefined ? { [replaceTags.backupWas]: was } : {}),
        [backupTag]: "no",
        [replaceTags.replacedAt]: now,
      };
      await answered(`mark ${pair.old}`, deps, never, () => deps.swap.tag([pair.old], tags, never));
    }
    await house.end(pairs, never);
    const fresh = pairs.map((pair) => pair.fresh);
    const done = "mark the replacement as finished";
    await answered(done, deps, never, () => deps.swap.tag(fresh, { [restoreTags.done]: now }, never));
    if (fresh.some((id) => states.get(id)?.tags[replaceTags.undoBegunAt] !== undefined))
      await answered(done, deps, never, () => deps.swap.untag(fresh, [replaceTags.undoBegunAt], never));
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
  scene: Scene,
  course: Course,
  failure: Failure,
  deps: SwapDeps,
): Promise<Pick<ReplaceResult, "outcome" | "failure" | "second" | "mounted" | "notes">> {
  const { pairs, live } = course;
  try {
    const states = await statesOf(pairs, deps, never);
    if (live ?? (await areInUse(pairs, states, scene, never))) {
      const notes = ["the new volumes are in use, and stay in their places"];
      return { outcome: "unfinished", failure, mounted: [], notes };
    }
    deps.log("warn", `going back, since it failed: ${failure.found}`);
    const touched = touchedOf(pairs, states, scene.instance);
    const mounted = await bring("old", touched, scene, deps, never);
    await unmark(touched, states, deps);
    await order.house.end(pairs, never);
    const notes = await withoutNew(order, scene, pairs, course, deps);
    return { outcome: "rolled-back", failure, mounted, notes };
  } catch (error) {
    const second = failureOf(error, "bring the old volumes back");
    return { outcome: "unfinished", failure, second, mounted: [], notes: [] };
  }
}

const removes = "ec2-backup restore replace --undo --yes removes it";

/** Removes what was made for the swap and never attached, unless it is to be kept. Tells what became of it. */
async function withoutNew(
  { restore, keepNew }: SwapOrder,
  { used }: Scene,
  back: readonly Pair[],
  { unseen }: Course,
  deps: SwapDeps,
): Promise<readonly string[]> {
  try {
    const made = await madeFor(restore.id, { unseen, keep: keepNew }, deps);
    const free = new Set(back.map(({ old }) => old));
    const notes = await removeNew(made, { keep: keepNew, used, free }, deps);
    if (unseen === undefined || made.some(({ id }) => id === unseen)) return notes;
    return [...notes, `what was made for it is left: EC2 does not show ${unseen} yet; ${removes}`];
  } catch (error) {
    const { found } = failureOf(error, "remove what was made");
    return [`what was made for it is left: ${found}; ${removes}`];
  }
}
