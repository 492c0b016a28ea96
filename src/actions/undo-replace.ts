import { type Failure, failureOf } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import { isFinished, isUsed, thirdAt } from "../core/replace-progress.ts";
import type { ReplaceResult } from "../core/replace-result.ts";
import { placeIn, replaceTags, swapIn } from "../core/replace-tags.ts";
import { restoreTags } from "../core/restore-plan.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import { isUsable } from "./restore-create.ts";
import { answered, never } from "./restore-deps.ts";
import { giveUp, isMarked, removeNew, touchedOf, unmark } from "./swap-marks.ts";
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

/** A swap that can be taken back. */
export interface FoundSwap {
  readonly id: string;
  readonly pairs: readonly Pair[];
  /** Whether it came to its end, and nobody began to take it back. */
  readonly finished: boolean;
  /** New volumes that are still there. */
  readonly made: readonly VolumeState[];
}

/** The swaps for an instance that are not finished; or the one that is named, finished or not. */
export async function swapsFor(
  { id: instance, arn }: Pick<Instance, "id" | "arn">,
  named: string | undefined,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<readonly FoundSwap[]> {
  const tagged = (key: string) =>
    answered("look for replacements", deps, signal, () => deps.volumes.tagged(key, undefined, signal));
  const found = await tagged(replaceTags.replaces);
  const swaps = new Map<string, { pairs: Pair[]; made: VolumeState[]; finished: boolean }>();
  const add = (id: string, pair: Pair, made: VolumeState | undefined, finished: boolean): void => {
    if (named === undefined ? finished : id !== named) return;
    const swap = swaps.get(id) ?? { pairs: [], made: [], finished: true };
    swap.pairs.push(pair);
    if (made !== undefined) swap.made.push(made);
    swaps.set(id, { ...swap, finished: swap.finished && finished });
  };
  for (const volume of found) {
    const { id: fresh, tags } = volume;
    const id = tags[restoreTags.restore];
    const place = placeIn(tags[replaceTags.replaces]);
    if (id === undefined || place === undefined || tags[restoreTags.instance] !== arn) continue;
    if (!isUsable(volume) || tags[replaceTags.undoneAt] !== undefined) continue;
    add(id, { ...place, fresh }, volume, isFinished(volume));
  }
  const there = new Set(found.filter(isUsable).map(({ id }) => id));
  // Whatever became of the new volume, the original is found.
  for (const { id: old, tags } of await tagged(replaceTags.replacedIn)) {
    const mark = swapIn(tags[replaceTags.replacedIn]);
    const fresh = tags[replaceTags.replacedBy];
    if (mark?.instance !== instance || fresh === undefined || there.has(fresh)) continue;
    const { id, device, deleteOnTermination } = mark;
    add(
      id,
      { old, device, deleteOnTermination, fresh },
      undefined,
      tags[replaceTags.replacedAt] !== undefined,
    );
  }
  return [...swaps].map(([id, swap]) => ({ id, ...swap }));
}

/**
 * Brings the old volumes back, from whatever is there. The new ones are removed where they never were attached; else
 * they are kept, since something may have been written to them. Never throws.
 */
export async function undoReplace(
  swap: FoundSwap,
  {
    house,
    instance,
    keepNew,
  }: { readonly house: House; readonly instance: string; readonly keepNew: boolean },
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<ReplaceResult> {
  const { id, pairs, made } = swap;
  const base = { id, volumes: pairs, mounted: [], notes: [] };
  const scene: Scene = { house, instance, used: new Set() };
  let begun = false;
  try {
    const states = await statesOf(pairs, deps, signal);
    const anything = pairs.some(
      (pair) => isMarked(pair, states) || isAttached(states.get(pair.fresh), instance),
    );
    // Nothing was changed where nothing is marked: only what was made for it goes.
    const touched = anything ? touchedOf(pairs, states, instance) : [];
    const { back, taken } = await placesOf(touched, instance, deps, signal);
    const gone = back.find(({ old }) => !states.has(old));
    if (gone !== undefined)
      throw refused(`undo ${id}`, `the old volume ${gone.old} is gone, so ${gone.fresh} stays`);
    const inUse = back.filter(({ fresh }) => isAttached(states.get(fresh), instance));
    if (inUse.length > 0) await house.look(inUse, "fresh", signal);
    let mounted: ReplaceResult["mounted"] = [];
    if (anything) {
      begun = true;
      await undoBegins(made, deps, signal);
      await house.begin(back, signal);
      mounted = await bring("old", back, scene, deps, signal);
    }
    const marked = pairs.filter((pair) => isMarked(pair, states));
    await unmark(marked, states, deps);
    await house.end(pairs, signal);
    const notes = await settle(swap, scene, keepNew, deps);
    const held = taken.map(({ device }) => device);
    return {
      ...base,
      outcome: "undone",
      mounted,
      notes: [...taken.map(({ found }) => found), ...notes],
      ...(held.length === 0 ? {} : { taken: held }),
    };
  } catch (error) {
    const failure: Failure = failureOf(error, `undo ${id}`);
    return { ...base, outcome: begun ? "unfinished" : "not-begun", failure };
  }
}

/** Where another volume has taken the place since, it stays, and nothing can come back there. */
async function placesOf(
  touched: readonly Pair[],
  instance: string,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<{
  readonly back: readonly Pair[];
  readonly taken: readonly { readonly device: string; readonly found: string }[];
}> {
  if (touched.length === 0) return { back: [], taken: [] };
  const { volumes } = await answered(`look at ${instance}`, deps, signal, () =>
    deps.swap.target(instance, signal),
  );
  const third = new Map(touched.map((pair) => [pair, thirdAt(pair, volumes)]));
  return {
    back: touched.filter((pair) => third.get(pair) === undefined),
    taken: touched.flatMap((pair) => {
      const by = third.get(pair);
      if (by === undefined) return [];
      const { device, old } = pair;
      return [{ device, found: `${device} is held by ${by}, which stays: ${old} is not attached there` }];
    }),
  };
}

/** From here on a swap that was finished is unfinished again, and found as such after a death. */
async function undoBegins(made: readonly VolumeState[], deps: SwapDeps, signal: AbortSignal): Promise<void> {
  const ids = made.filter(isFinished).map(({ id }) => id);
  if (ids.length === 0) return;
  const tags = { [replaceTags.undoBegunAt]: deps.clock.now().toISOString() };
  await answered("mark what is taken back", deps, signal, () => deps.swap.tag(ids, tags, signal));
}

/** Last of all: until then it is found as unfinished. */
async function settle(
  { pairs, made }: FoundSwap,
  { used }: Scene,
  keep: boolean,
  deps: SwapDeps,
): Promise<readonly string[]> {
  const now = await answered("look at what was made", deps, never, () =>
    deps.volumes.describe(
      made.map(({ id }) => id),
      never,
    ),
  );
  const known = new Set([...used, ...made.filter(isUsed).map(({ id }) => id)]);
  const kept = now.filter((one) => known.has(one.id) || isUsed(one));
  const free = new Set(pairs.map(({ old }) => old));
  const notes = await giveUp(
    kept.map(({ id }) => id),
    deps,
  );
  const unused = now.filter((one) => !kept.includes(one));
  return [...notes, ...(await removeNew(unused, { keep, used, free }, deps))];
}
