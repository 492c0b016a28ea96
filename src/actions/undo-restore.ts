import { BackupError, failureOf } from "../core/errors.ts";
import { mayUndo, type UndoWish } from "../core/restore-leftovers.ts";
import { restoreTags } from "../core/restore-plan.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import type { Undone } from "../core/restore-result.ts";
import { stuck } from "./restore-attach.ts";
import { isUsable } from "./restore-create.ts";
import { answered, type RestoreDeps, stopped, until } from "./restore-deps.ts";

/** What `--undo` would do, or does, to each volume that restores for this instance have left. */
export async function undoRestore(
  wish: UndoWish,
  act: boolean,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<readonly Undone[]> {
  const [key, value] =
    wish.restore === undefined && wish.temporary !== undefined
      ? [restoreTags.temporary, undefined]
      : [restoreTags.restore, wish.restore];
  const found = await answered("look for volumes of restores", deps, signal, () =>
    deps.volumes.tagged(key, value, signal),
  );
  const undone: Undone[] = [];
  const mine = found.filter(({ tags }) => tags[restoreTags.instance] === wish.instanceArn);
  for (const volume of mine.filter((one) => isUsable(one) || one.state === "error")) {
    if (signal.aborted) throw stopped("undo a restore");
    const { id, tags } = volume;
    const about = {
      id,
      restore: tags[restoreTags.restore] ?? "",
      snapshot: tags[restoreTags.from] ?? "",
    };
    const verdict = mayUndo(volume, wish);
    if (!verdict.may) undone.push({ ...about, outcome: "left", because: verdict.because });
    else if (!act) undone.push({ ...about, outcome: "would-be-removed", ...shortUse(tags) });
    else undone.push({ ...about, ...(await undoOne(volume, wish, deps, signal)) });
  }
  return undone;
}

/** Who only looks holds no lock: it may be in use. */
function shortUse(tags: VolumeState["tags"]): Pick<Undone, "because"> {
  const until = tags[restoreTags.temporary];
  return until === undefined ? {} : { because: `it was made for a short use, until ${until} at the latest` };
}

/**
 * Releases, detaches and deletes one volume, if it may be undone. A failure is in what is returned, so that one that
 * fails never stops the others; throws only when told to stop. `unseen`: EC2 has made it and has never shown it since, so
 * that not to see it does not mean that it is gone.
 */
export async function undoOne(
  { id }: Pick<VolumeState, "id">,
  wish: UndoWish,
  deps: RestoreDeps,
  signal: AbortSignal,
  unseen = false,
): Promise<Pick<Undone, "outcome" | "because" | "failure">> {
  try {
    const now = await settledState(id, unseen ? deps.waits.visibleFor : 0, deps, signal);
    if (now === undefined)
      return unseen ? { outcome: "failed", failure: neverSeen(id) } : { outcome: "removed" };
    // Looked at once more: what is about to go must bear its marks now.
    const verdict = mayUndo(now, wish);
    if (!verdict.may) return { outcome: "left", because: verdict.because };
    const there = now.attachments.find(({ state }) => state !== "detached");
    if (there !== undefined) {
      await releaseDisk(now.id, there.device, deps, signal);
      await answered(`detach ${id}`, deps, signal, () => deps.volumes.detach(id, wish.instanceId, signal));
      await whenDetached(id, wish, deps, signal);
    }
    await answered(`remove ${id}`, deps, signal, () => deps.volumes.remove(id, signal));
    deps.log("info", `removed volume ${id}`, { volume: id });
    return { outcome: "removed" };
  } catch (error) {
    if (error instanceof BackupError && error.kind === "interrupted") throw error;
    return { outcome: "failed", failure: failureOf(error, `undo ${id}`) };
  }
}

async function whenDetached(
  id: string,
  { instanceId }: UndoWish,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  let last = "detaching";
  try {
    await until(`wait for ${id} to be detached`, deps.waits.detachFor, deps, signal, async () => {
      const [volume] = await deps.volumes.describe([id], signal);
      if (volume === undefined || volume.state !== "in-use") return true;
      // One that was still being attached was not detached by that.
      if (volume.attachments.some(({ state }) => state === "attached"))
        await deps.volumes.detach(id, instanceId, signal);
      last = volume.attachments[0]?.state ?? last;
      return undefined;
    });
  } catch (error) {
    if (error instanceof BackupError && error.code === "TimeUp") throw stuck(error, id, last);
    throw error;
  }
}

/** What was listed and is not shown by its id may be shown a moment later. */
const looksBeforeGone = 3;

function neverSeen(id: string): BackupError {
  return new BackupError({
    kind: "not-found",
    doing: `remove ${id}`,
    found: "EC2 has made it and does not show it yet",
    remedy: `look for it in some minutes: aws ec2 delete-volume --volume-id ${id}`,
    code: "NotShown",
  });
}

/**
 * As it is once it is made: EC2 neither attaches nor deletes one before. Absent if it is gone, or was not shown for so
 * many milliseconds.
 */
async function settledState(
  id: string,
  visibleFor: number,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<VolumeState | undefined> {
  let absent = 0;
  const doing = `wait for ${id} to be made`;
  const { volume } = await until(doing, deps.waits.availableFor, deps, signal, async (elapsed) => {
    const [volume] = await deps.volumes.describe([id], signal);
    absent = volume === undefined ? absent + 1 : 0;
    const mayCome = absent < looksBeforeGone || elapsed <= visibleFor;
    if (volume === undefined && mayCome) return undefined;
    return volume?.state === "creating" ? undefined : { volume };
  });
  return volume;
}

/** A disk that never came is nothing to be unmounted. */
async function releaseDisk(
  id: string,
  device: string,
  { disks }: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  let disk: string;
  try {
    disk = await disks.deviceOf({ id, device }, 0, signal);
  } catch (error) {
    if (error instanceof BackupError && error.kind === "not-found") return;
    throw error;
  }
  await disks.release(disk, signal);
}
