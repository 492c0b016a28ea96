import { replaceTags } from "./replace-tags.ts";
import { restoreTags } from "./restore-plan.ts";
import type { VolumeState } from "./restore-ports.ts";

/** What is asked to be undone. */
export interface UndoWish {
  readonly instanceArn: string;
  readonly instanceId: string;
  /** One restore, also if it is finished; absent: all that are not. */
  readonly restore?: string;
  /** Only volumes for a short use; of those, with an instant, only such as might last up to then. */
  readonly temporary?: "all" | Date;
}

/** A restore that came to no end. */
export interface Unfinished {
  readonly restore: string;
  readonly point: string;
  readonly volumes: readonly string[];
}

/**
 * The restores for an instance that came to no end, other than the given one. Volumes for a short use are none: who
 * made them may be at work, and if not, they go without being asked for.
 */
export function unfinishedBeside(
  restore: string,
  instanceArn: string,
  volumes: readonly VolumeState[],
): readonly Unfinished[] {
  const found = new Map<string, Unfinished>();
  for (const { id, tags, state } of volumes) {
    const other = tags[restoreTags.restore];
    if (other === undefined || other === restore || tags[restoreTags.instance] !== instanceArn) continue;
    if (tags[restoreTags.temporary] !== undefined) continue;
    // Those have words of their own to be finished by.
    if (tags[replaceTags.replaces] !== undefined) continue;
    if (tags[restoreTags.done] !== undefined || state === "deleting" || state === "deleted") continue;
    const before = found.get(other)?.volumes ?? [];
    found.set(other, {
      restore: other,
      point: tags[restoreTags.point] ?? "",
      volumes: [...before, id],
    });
  }
  return [...found.values()];
}

/** Why a volume that a restore made is left as it is, or that it may go. */
export type UndoVerdict = { readonly may: true } | { readonly may: false; readonly because: string };

/**
 * Whether a volume may be detached and deleted to undo a restore: only one that bears all marks of a restore for this
 * instance, was made of the snapshot that they name, and is not in anyone else's hands.
 */
export function mayUndo(volume: VolumeState, wish: UndoWish): UndoVerdict {
  const { tags, snapshot, attachments } = volume;
  const no = (because: string): UndoVerdict => ({ may: false, because });
  const restore = tags[restoreTags.restore];
  if (restore === undefined || restore === "") return no("it has no tag of a restore");
  if (wish.restore !== undefined && restore !== wish.restore) return no("it is of another restore");
  if (tags[restoreTags.instance] !== wish.instanceArn) return no("it was restored for another instance");
  if (tags[replaceTags.replaces] !== undefined)
    return no("it takes the place of another volume: ec2-backup restore replace --undo");
  if (snapshot === undefined || tags[restoreTags.from] !== snapshot)
    return no(`its tag ${restoreTags.from} does not name the snapshot that it was made of`);
  const other = attachments.find(
    ({ instance, state }) => instance !== wish.instanceId && state !== "detached",
  );
  if (other !== undefined) return no(`it is attached to ${other.instance}`);
  if (wish.temporary !== undefined) {
    const until = tags[restoreTags.temporary];
    if (until === undefined) return no("it was not made for a short use");
    // What no clock can read has no end that anybody could wait for.
    if (wish.temporary !== "all" && Date.parse(until) > wish.temporary.getTime())
      return no(`it may be in use until ${until}`);
  }
  if (wish.restore === undefined && tags[restoreTags.done] !== undefined)
    return no(`its restore was finished; to undo that too: --undo --restore ${restore}`);
  return { may: true };
}
