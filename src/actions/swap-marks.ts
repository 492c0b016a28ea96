import { BackupError } from "../core/errors.ts";
import { isFinished, isUsed } from "../core/replace-progress.ts";
import { backupTag, placeIn, replaceTags } from "../core/replace-tags.ts";
import { restoreTags } from "../core/restore-plan.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import { answered, never, until } from "./restore-deps.ts";
import { isAttached, type Pair, type SwapDeps } from "./swap-places.ts";

/** Whether the old volume's tag says that the new one takes its place. */
export function isMarked({ old, fresh }: Pair, states: ReadonlyMap<string, VolumeState>): boolean {
  return states.get(old)?.tags[replaceTags.replacedBy] === fresh;
}

/** The pairs of which anything is marked or attached. Others were taken apart by somebody else, and stay so. */
export function touchedOf(
  pairs: readonly Pair[],
  states: ReadonlyMap<string, VolumeState>,
  instance: string,
): readonly Pair[] {
  return pairs.filter(
    (pair) =>
      isMarked(pair, states) ||
      isAttached(states.get(pair.old), instance) ||
      isAttached(states.get(pair.fresh), instance),
  );
}

/** The old volumes are again what they were before. */
export async function unmark(
  pairs: readonly Pair[],
  states: ReadonlyMap<string, VolumeState>,
  deps: SwapDeps,
): Promise<void> {
  for (const { old, fresh } of pairs) {
    const tags = states.get(old)?.tags;
    const by = tags?.[replaceTags.replacedBy];
    if (tags === undefined || (by !== undefined && by !== fresh)) continue;
    const was = by === undefined ? undefined : tags[replaceTags.backupWas];
    const ours = by !== undefined && tags[replaceTags.replacedAt] !== undefined && was === undefined;
    if (was !== undefined)
      await answered(`mark ${old}`, deps, never, () => deps.swap.tag([old], { [backupTag]: was }, never));
    const keys = [
      ...(ours ? [backupTag] : []),
      ...(by === undefined ? [] : [replaceTags.backupWas, replaceTags.replacedAt]),
      replaceTags.replacedBy,
      replaceTags.replacedIn,
    ];
    await answered(`take the marks from ${old}`, deps, never, () => deps.swap.untag([old], keys, never));
  }
}

/** What is known of a swap beside the tags of what was made for it, which may be seen late. */
export interface Known {
  /** The new volumes are kept, as asked for. */
  readonly keep: boolean;
  /** New volumes that were attached, or may have been. */
  readonly used: ReadonlySet<string>;
  /** Old volumes that do not wait for their new ones any more. */
  readonly free: ReadonlySet<string>;
}

/**
 * All that was made for a swap, once EC2 shows it and would remove it; after a while as far as it does. What is to be
 * kept is not waited for.
 */
export async function madeFor(
  restore: string,
  { unseen, keep }: { readonly unseen: string | undefined; readonly keep: boolean },
  deps: SwapDeps,
): Promise<readonly VolumeState[]> {
  let made: readonly VolumeState[] = [];
  const look = async (): Promise<true | undefined> => {
    made = await deps.volumes.tagged(restoreTags.restore, restore, never);
    const shown = unseen === undefined || made.some(({ id }) => id === unseen);
    return keep || (shown && made.every(({ state }) => state !== "creating")) ? true : undefined;
  };
  const doing = `look for volumes of ${restore}`;
  await until(doing, deps.waits.visibleFor, deps, never, look).catch((error: unknown) => {
    if (!(error instanceof BackupError) || error.code !== "TimeUp") throw error;
  });
  return made;
}

/**
 * Removes what bears the marks of a swap, was never attached and is named by no old volume. Tells what became of each.
 */
export async function removeNew(
  made: readonly VolumeState[],
  known: Known,
  deps: SwapDeps,
): Promise<readonly string[]> {
  const notes: string[] = [];
  for (const volume of made) {
    const { id, tags, snapshot, state } = volume;
    const marked = placeIn(tags[replaceTags.replaces]) !== undefined && tags[restoreTags.from] === snapshot;
    if (!marked || tags[replaceTags.undoneAt] !== undefined || isFinished(volume)) continue;
    if (state === "deleting" || state === "deleted") continue;
    if (known.keep) {
      notes.push(`the new volume ${id} is kept, as asked for; the same words use it`);
      continue;
    }
    const because = await answered(`remove ${id}`, deps, never, () => removeUnused(volume, known, deps));
    notes.push(
      because === undefined ? `the new volume ${id} is removed` : `the new volume ${id} is kept: ${because}`,
    );
  }
  return notes;
}

/** Looks once more right before the act. @returns why it is kept; absent once it is gone */
async function removeUnused(
  { id }: VolumeState,
  { used, free }: Known,
  deps: SwapDeps,
): Promise<string | undefined> {
  const [now] = await deps.volumes.describe([id], never);
  if (now === undefined) return undefined;
  if (now.attachments.some((one) => one.state !== "detached"))
    throw new BackupError({ kind: "refused", doing: `remove ${id}`, found: "it is attached" });
  if (used.has(id) || isUsed(now))
    return "it was attached and may have been written to; the same words use it, --undo gives it up";
  const waiting = (await deps.volumes.tagged(replaceTags.replacedBy, id, never)).find(
    (one) => one.tags[replaceTags.replacedBy] === id && !free.has(one.id),
  );
  if (waiting !== undefined) return `${waiting.id} is marked as replaced by it`;
  await deps.volumes.remove(id, never);
  return undefined;
}

/** Marks new volumes that were taken out again as kept, and out of every backup. */
export async function giveUp(ids: readonly string[], deps: SwapDeps): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const tags = { [replaceTags.undoneAt]: deps.clock.now().toISOString(), [backupTag]: "no" };
  await answered("mark what is kept", deps, never, () => deps.swap.tag(ids, tags, never));
  return ids.map(
    (id) => `${id}, which was in use, is kept; when satisfied: aws ec2 delete-volume --volume-id ${id}`,
  );
}
