import { type Failure, failureOf } from "../core/errors.ts";
import type { ReplaceResult } from "../core/replace-result.ts";
import { backupTag, placeIn, replaceTags } from "../core/replace-tags.ts";
import { restoreTags } from "../core/restore-plan.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import { removeNew } from "./replace-volumes.ts";
import { isUsable } from "./restore-create.ts";
import { patiently } from "./restore-deps.ts";
import { bring, type House, isAttached, type Pair, refused, type SwapDeps, statesOf } from "./swap-places.ts";

/** A swap that can be taken back. */
export interface FoundSwap {
  readonly id: string;
  readonly pairs: readonly Pair[];
  /** Whether it came to its end. */
  readonly finished: boolean;
  readonly made: readonly VolumeState[];
}

/** The swaps for an instance that are not finished; or the one that is named, finished or not. */
export async function swapsFor(
  instanceArn: string,
  named: string | undefined,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<readonly FoundSwap[]> {
  const found = await patiently("look for replacements", deps, signal, () =>
    deps.volumes.tagged(replaceTags.replaces, undefined, signal),
  );
  const swaps = new Map<string, VolumeState[]>();
  for (const volume of found) {
    const { tags } = volume;
    const id = tags[restoreTags.restore];
    if (id === undefined || tags[restoreTags.instance] !== instanceArn || !isUsable(volume)) continue;
    if (tags[replaceTags.undoneAt] !== undefined || (named !== undefined && id !== named)) continue;
    swaps.set(id, [...(swaps.get(id) ?? []), volume]);
  }
  return [...swaps].flatMap(([id, made]) => {
    const finished = made.every(({ tags }) => tags[restoreTags.done] !== undefined);
    if (finished && named === undefined) return [];
    const pairs = made.flatMap(({ id: fresh, tags }) => {
      const place = placeIn(tags[replaceTags.replaces]);
      return place === undefined ? [] : [{ ...place, fresh }];
    });
    return [{ id, pairs, finished, made }];
  });
}

/**
 * Brings the old volumes back, from whatever is there. The new ones are removed where they never were in use; else
 * they are kept, since something may have been written to them. Never throws.
 */
export async function undoReplace(
  { id, pairs, finished, made }: FoundSwap,
  {
    house,
    instance,
    keepNew,
  }: { readonly house: House; readonly instance: string; readonly keepNew: boolean },
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<ReplaceResult> {
  const base = { id, volumes: pairs, mounted: [], notes: [] };
  let begun = false;
  try {
    const states = await statesOf(pairs, deps, signal);
    const touched = pairs.filter(
      ({ old, fresh }) =>
        states.get(old)?.tags[replaceTags.replacedBy] === fresh || isAttached(states.get(fresh), instance),
    );
    const gone = touched.find(({ old }) => !states.has(old));
    if (gone !== undefined)
      throw refused(`undo ${id}`, `the old volume ${gone.old} is gone, so ${gone.fresh} stays`);
    const inUse = touched.filter(({ fresh }) => isAttached(states.get(fresh), instance));
    if (inUse.length > 0) await house.look(inUse, "fresh", signal);
    // Nothing was changed for those that are not marked: only what was made for them goes.
    let mounted: ReplaceResult["mounted"] = [];
    if (touched.length > 0) {
      begun = true;
      await house.begin(touched, signal);
      mounted = await bring("old", touched, { house, instance }, deps, signal);
    }
    await cleared(pairs, states, deps);
    await house.end(pairs, signal);
    const notes = await settle(pairs, made, keepNew, finished, deps);
    return { ...base, outcome: "undone", mounted, notes };
  } catch (error) {
    const failure: Failure = failureOf(error, `undo ${id}`);
    return { ...base, outcome: begun ? "unfinished" : "not-begun", failure };
  }
}

const never = new AbortController().signal;

async function settle(
  pairs: readonly Pair[],
  made: readonly VolumeState[],
  keep: boolean,
  finished: boolean,
  deps: SwapDeps,
): Promise<readonly string[]> {
  if (!finished) return removeNew(made, keep, deps);
  const ids = pairs.map(({ fresh }) => fresh);
  const tags = { [replaceTags.undoneAt]: deps.clock.now().toISOString(), [backupTag]: "no" };
  await patiently("mark what is kept", deps, never, () => deps.swap.tag(ids, tags, never));
  return ids.map(
    (id) => `${id}, which was in use, is kept; when satisfied: aws ec2 delete-volume --volume-id ${id}`,
  );
}

/** The old volumes are again what they were before. */
async function cleared(
  pairs: readonly Pair[],
  states: ReadonlyMap<string, VolumeState>,
  deps: SwapDeps,
): Promise<void> {
  for (const { old, fresh } of pairs) {
    const tags = states.get(old)?.tags ?? {};
    if (tags[replaceTags.replacedBy] !== fresh) continue;
    const was = tags[replaceTags.backupWas];
    const ours = tags[replaceTags.replacedAt] !== undefined && was === undefined;
    if (was !== undefined)
      await patiently(`mark ${old}`, deps, never, () => deps.swap.tag([old], { [backupTag]: was }, never));
    const keys = [
      ...(ours ? [backupTag] : []),
      replaceTags.backupWas,
      replaceTags.replacedAt,
      replaceTags.replacedBy,
    ];
    await patiently(`take the marks from ${old}`, deps, never, () => deps.swap.untag([old], keys, never));
  }
}
