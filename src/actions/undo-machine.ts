import { BackupError, failureOf } from "../core/errors.ts";
import type { Tags } from "../core/instance.ts";
import { isOurs, restoredBy } from "../core/machine-plan.ts";
import type { MachineUndone } from "../core/machine-result.ts";
import { restoreTags } from "../core/restore-plan.ts";
import { isLiving, type MachineDeps } from "./machine-deps.ts";
import { answered, until } from "./restore-deps.ts";

/** Which restores are to be undone. */
export interface UndoMachineWish {
  /** ARN of the instance that asks: without an id, only what was begun from it. */
  readonly by: string;
  /** One restore, wherever it was begun. */
  readonly restore?: string;
}

interface Thing {
  readonly kind: MachineUndone["kind"];
  readonly id: string;
  readonly tags: Tags;
}

/**
 * Terminates the instances, deregisters the images and deletes the volumes of restores that came to no end, or only
 * tells what it would. What was finished is never touched.
 */
export async function undoMachines(
  wish: UndoMachineWish,
  act: boolean,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<readonly MachineUndone[]> {
  const machines = await listed("instances", wish, deps, signal);
  const finished = new Set(
    machines
      .filter(({ tags }) => tags[restoreTags.done] !== undefined)
      .map(({ tags }) => tags[restoreTags.restore]),
  );
  const images = await listed("images", wish, deps, signal);
  const undone: MachineUndone[] = [];
  for (const thing of [...machines, ...images])
    undone.push(await undoOne(thing, wish, finished, act, deps, signal));
  // Volumes that go with their instance are gone by now.
  for (const thing of await listed("volumes", wish, deps, signal))
    undone.push(await undoOne(thing, wish, finished, act, deps, signal));
  return undone;
}

async function listed(
  what: "instances" | "images" | "volumes",
  wish: UndoMachineWish,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<readonly Thing[]> {
  const found = await answered(`look for ${what} of restores`, deps, signal, async (): Promise<Thing[]> => {
    const key = restoreTags.restore;
    if (what === "instances") {
      const all = await deps.machines.tagged(key, wish.restore, signal);
      return all.filter(isLiving).map(({ id, tags }) => ({ kind: "instance", id, tags }));
    }
    if (what === "images") {
      const all = await deps.machines.taggedImages(key, wish.restore, signal);
      return all.map(({ id, tags }) => ({ kind: "image", id, tags }));
    }
    const all = await deps.volumes.tagged(key, wish.restore, signal);
    return all
      .filter(({ state }) => state !== "deleting" && state !== "deleted")
      .map(({ id, tags }) => ({ kind: "volume", id, tags }));
  });
  return found.filter(({ tags }) => isWanted(tags, wish));
}

function isWanted(tags: Tags, { by, restore }: UndoMachineWish): boolean {
  return isOurs(tags, restore) && (restore !== undefined || tags[restoredBy] === by);
}

async function undoOne(
  { kind, id, tags }: Thing,
  wish: UndoMachineWish,
  finished: ReadonlySet<string | undefined>,
  act: boolean,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<MachineUndone> {
  const restore = tags[restoreTags.restore] ?? "";
  const about = { kind, id, restore };
  // An image that was kept is marked itself; one that is not could not be taken away when the rest was done.
  if (tags[restoreTags.done] !== undefined || (kind !== "image" && finished.has(restore)))
    return { ...about, outcome: "left", because: "its restore was finished: it is yours now" };
  if (!act) return { ...about, outcome: "would-be-removed" };
  try {
    const because = await remove({ kind, id, tags }, wish, deps, signal);
    if (because !== undefined) return { ...about, outcome: "left", because };
    deps.log("info", `removed the ${kind} ${id}`);
    return { ...about, outcome: "removed" };
  } catch (error) {
    if (error instanceof BackupError && error.kind === "interrupted") throw error;
    return { ...about, outcome: "failed", failure: failureOf(error, `undo ${id}`) };
  }
}

/** Looked at once more: what is about to go must bear its marks now. Why it is left, if it is. */
async function remove(
  { kind, id }: Thing,
  wish: UndoMachineWish,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const mayGo = (tags: Tags) => isWanted(tags, wish) && tags[restoreTags.done] === undefined;
  const changed = "it does not bear the marks of an unfinished restore any more";
  if (kind === "image") {
    const [image] = await answered(`look at ${id}`, deps, signal, () => deps.machines.images([id], signal));
    if (image === undefined) return undefined;
    if (!mayGo(image.tags)) return changed;
    await answered(`deregister ${id}`, deps, signal, () => deps.machines.deregister(id, signal));
    return undefined;
  }
  if (kind === "instance") {
    const [machine] = await answered(`look at ${id}`, deps, signal, () =>
      deps.machines.machines([id], signal),
    );
    if (machine === undefined || !isLiving(machine)) return undefined;
    if (!mayGo(machine.tags)) return changed;
    await answered(`terminate ${id}`, deps, signal, () => deps.machines.terminate(id, signal));
    await until(`wait for ${id} to be terminated`, deps.waits.powerFor, deps, signal, async () => {
      const [now] = await deps.machines.machines([id], signal);
      return now === undefined || now.state === "terminated" ? true : undefined;
    });
    return undefined;
  }
  return removeVolume(id, mayGo, changed, deps, signal);
}

async function removeVolume(
  id: string,
  mayGo: (tags: Tags) => boolean,
  changed: string,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { volume } = await until(
    `wait for ${id} to be free`,
    deps.waits.detachFor,
    deps,
    signal,
    async () => {
      const [volume] = await deps.volumes.describe([id], signal);
      return volume?.state === "creating" || volume?.state === "in-use" ? undefined : { volume };
    },
  );
  if (volume === undefined || volume.state === "deleting" || volume.state === "deleted") return undefined;
  if (!mayGo(volume.tags)) return changed;
  await answered(`remove ${id}`, deps, signal, () => deps.volumes.remove(id, signal));
  return undefined;
}
