import type { Volume } from "./instance.ts";
import type { PlannedSwap, Refusal, ReplacePlan } from "./replace-plan.ts";
import type { Target } from "./replace-ports.ts";
import { type OldPlace, replaceTags } from "./replace-tags.ts";
import { placeOf } from "./restore-devices.ts";
import { restoreTags } from "./restore-plan.ts";
import type { VolumeState } from "./restore-ports.ts";

/** How far the swaps of a plan have come. */
export interface Standing {
  readonly progress: ReplacePlan["progress"];
  /** What is to be done: all but those that came to their end, unless all have. */
  readonly swaps: readonly PlannedSwap[];
  /** Why they cannot go on from where they are. */
  readonly refusals: readonly Refusal[];
  readonly notes: readonly string[];
}

/** Whether two names are of one place. */
function isSamePlace(one: string, other: string): boolean {
  const place = placeOf(one);
  return one === other || (place !== undefined && place === placeOf(other));
}

/** A volume that holds the place of a pair and is neither of the two. */
export function thirdAt(
  { old, fresh, device }: Pick<OldPlace, "old" | "device"> & { readonly fresh?: string },
  attached: readonly Volume[],
): string | undefined {
  return attached.find(
    (one) =>
      one.id !== old &&
      one.id !== fresh &&
      one.attachment !== "detaching" &&
      one.attachment !== "detached" &&
      isSamePlace(one.device, device),
  )?.id;
}

/** Whether a swap came to its end, and nobody began to take it back. */
export function isFinished({ tags }: Pick<VolumeState, "tags">): boolean {
  return tags[restoreTags.done] !== undefined && tags[replaceTags.undoBegunAt] === undefined;
}

/** Whether a new volume may hold what is nowhere else. */
export function isUsed({ tags }: Pick<VolumeState, "tags">): boolean {
  return tags[replaceTags.usedAt] !== undefined || tags[restoreTags.done] !== undefined;
}

/**
 * How far swaps have come, by the tags and the attachments of their volumes. `undo` is the command that takes them
 * back.
 */
export function standingOf(
  swaps: readonly PlannedSwap[],
  states: ReadonlyMap<string, VolumeState>,
  { instance, volumes }: Pick<Target, "instance" | "volumes">,
  undo: string,
): Standing {
  const all = swaps.map((swap) => ({ swap, ...standOf(swap, states, instance.id, volumes, undo) }));
  const done = all.filter(({ stand }) => stand === "done");
  if (all.length > 0 && done.length === all.length)
    return { progress: "done", swaps, refusals: [], notes: [] };
  const open = all.filter(({ stand }) => stand !== "done");
  return {
    progress: open.some(({ stand }) => stand === "begun") ? "begun" : "new",
    swaps: open.map(({ swap }) => swap),
    refusals: open.flatMap(({ refusal }) => refusal ?? []),
    notes: done.map(({ swap }) => `${swap.fresh ?? ""} took the place of ${swap.old} before`),
  };
}

interface Stand {
  readonly stand: ReplacePlan["progress"];
  readonly refusal?: Refusal;
}

function standOf(
  swap: PlannedSwap,
  states: ReadonlyMap<string, VolumeState>,
  instance: string,
  attached: readonly Volume[],
  undo: string,
): Stand {
  const { old, fresh, device } = swap;
  const made = fresh === undefined ? undefined : states.get(fresh);
  // What was undone is refused for that.
  if (made === undefined || made.tags[replaceTags.undoneAt] !== undefined) return { stand: "new" };
  const holds = (volume: VolumeState | undefined, as?: string) =>
    volume?.attachments.some(
      (one) =>
        one.instance === instance &&
        one.state !== "detached" &&
        (as === undefined || isSamePlace(one.device, as)),
    ) === true;
  const third = thirdAt(swap, attached);
  if (isFinished(made)) {
    if (third === undefined && holds(made, device)) return { stand: "done" };
    const label = "add --label and a word of your choice for another";
    const id = made.tags[restoreTags.restore] ?? "";
    const since = third === undefined ? "" : `: ${device} is held by ${third}`;
    const found = `this replacement was finished, and ${made.id} is not attached as ${device} any more${since}`;
    const back = `go back: ${undo} --restore ${id}, or `;
    return { stand: "begun", refusal: { found, remedy: `${third === undefined ? back : ""}${label}` } };
  }
  const begun =
    states.get(old)?.tags[replaceTags.replacedBy] === made.id ||
    holds(made) ||
    made.tags[replaceTags.undoBegunAt] !== undefined;
  const stand = begun ? "begun" : "new";
  if (third !== undefined)
    return {
      stand,
      refusal: {
        found: `${device} is held by ${third}, and neither by ${old} nor by ${made.id}`,
        remedy: `${undo} ends what was begun; then replace what is there now by adding --label and a word of your choice`,
      },
    };
  if (!begun && !holds(states.get(old)))
    return {
      stand,
      refusal: {
        found: `${old}, which ${made.id} was made to replace, is not attached any more`,
        remedy: `${undo} removes what was made`,
      },
    };
  return { stand };
}
