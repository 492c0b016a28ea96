import { contentOf, directoryWorkTags } from "../core/directory.ts";
import type { DirectoryPlaces, LeftOver } from "../core/directory-ports.ts";
import { BackupError, failureOf, sentenceOf } from "../core/errors.ts";
import { detachFrom } from "./attach-disk.ts";
import type { DirectoryDeps } from "./directory-deps.ts";
import { answered, until } from "./restore-deps.ts";

export type ClearDeps = Pick<DirectoryDeps, "volumes" | "clock" | "waits" | "tell"> & {
  readonly places: DirectoryPlaces;
  /** Whether somebody on this host has the disk of a volume for himself, by a mount, LVM or md, if it is this instance. */
  readonly inUse: (volume: string, instance: string) => Promise<boolean>;
};

/**
 * Takes away what one invocation has made to reach its volume: instance, then key pair and group. Sentences on what is
 * left. `unseen`: an instance that was just begun, and that EC2 may not show yet.
 */
export async function clearWork(
  work: string,
  deps: ClearDeps,
  signal: AbortSignal,
  unseen?: string,
): Promise<readonly string[]> {
  const doing = "look for what is to be removed";
  try {
    if (unseen !== undefined)
      await until(`see ${unseen}`, deps.waits.visibleFor, deps, signal, () =>
        deps.places.addressOf(unseen, signal),
      );
    // What was asked for last may not be listed yet, and what is terminated may still be.
    const left: string[] = [];
    for (let round = 0; round < 2; round++) {
      const all = await answered(doing, deps, signal, () => deps.places.leftOvers(signal));
      const mine = all.filter((one) => one.work === work);
      if (mine.length === 0) break;
      left.splice(0, left.length, ...(await removeAll(mine, deps, signal)));
      if (left.length > 0) break;
    }
    return left;
  } catch (error) {
    return [sentenceOf(failureOf(error, doing))];
  }
}

async function removeAll(
  things: readonly LeftOver[],
  deps: ClearDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const left: string[] = [];
  const each = async ({ kind, id }: LeftOver, remove: () => Promise<void>): Promise<void> => {
    try {
      await remove();
      deps.tell(`removed ${kind} ${id}`);
    } catch (error) {
      left.push(`${kind} ${id} is left: ${sentenceOf(failureOf(error, `remove ${id}`))}`);
    }
  };
  const of = (kind: LeftOver["kind"]) => things.filter((one) => one.kind === kind);
  for (const one of of("instance")) await each(one, () => terminate(one.id, deps, signal));
  for (const one of of("key-pair"))
    await each(one, () =>
      answered(`remove ${one.id}`, deps, signal, () => deps.places.removeKey(one.id, signal)),
    );
  for (const one of of("security-group")) await each(one, () => removeGroup(one.id, deps, signal));
  return left;
}

async function terminate(id: string, deps: ClearDeps, signal: AbortSignal): Promise<void> {
  await answered(`terminate ${id}`, deps, signal, () => deps.places.terminate(id, signal));
  await until(`wait for ${id} to be terminated`, deps.waits.availableFor, deps, signal, async () => {
    const now = await deps.places.addressOf(id, signal);
    return now === undefined || now.state === "terminated" ? true : undefined;
  });
}

/** The network interface of an instance may outlive it for a moment. */
async function removeGroup(id: string, deps: ClearDeps, signal: AbortSignal): Promise<void> {
  await until(`delete ${id}`, deps.waits.visibleFor, deps, signal, async () => {
    try {
      await deps.places.removeGroup(id, signal);
      return true;
    } catch (error) {
      if (error instanceof BackupError && error.code === "DependencyViolation") return undefined;
      throw error;
    }
  });
}

/** An invocation that was killed, as it was noted on this host. */
export interface DeadWork {
  readonly work: string;
  /** What it had attached, or was about to. */
  readonly volume?: string;
  readonly instance?: string;
}

/** What clearing up has come to. */
export interface Cleared {
  /** Words on what was done. */
  readonly done: readonly string[];
  readonly left: readonly string[];
  /** Ids of noted invocations of which nothing is left. */
  readonly gone: readonly string[];
}

/**
 * Clears up after invocations that were killed: those that this host has noted, at once, and those of others once
 * their lease is over. Volumes are kept, but for one that was made by such an invocation and never written to.
 */
export async function clearWorks(
  dead: readonly DeadWork[],
  deps: ClearDeps,
  signal: AbortSignal,
): Promise<Cleared> {
  const done: string[] = [];
  const left: string[] = [];
  const gone: string[] = [];
  const telling: ClearDeps = {
    ...deps,
    tell: (what) => {
      deps.tell(what);
      done.push(what);
    },
  };
  const noted = new Set(dead.map(({ work }) => work));
  const { works } = await deadAndExpired(dead, deps, signal);
  for (const work of works) {
    const note = dead.find((one) => one.work === work);
    const before = left.length;
    if (note?.volume !== undefined && note.instance !== undefined)
      left.push(...(await freeVolume(note.volume, note.instance, telling, signal)));
    left.push(...(await clearWork(work, telling, signal)));
    if (noted.has(work)) left.push(...(await removeUnused(work, telling, signal)));
    if (noted.has(work) && left.length === before) gone.push(work);
  }
  return { done, left, gone };
}

/** Says in words what clearing up would do, and does nothing of it. */
export async function planClearing(
  dead: readonly DeadWork[],
  deps: ClearDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { all, works } = await deadAndExpired(dead, deps, signal);
  const words: string[] = [];
  for (const work of works) {
    const note = dead.find((one) => one.work === work);
    if (note?.volume !== undefined && note.instance !== undefined) {
      const { isThere, hindrance } = await attachmentOf(note.volume, note.instance, deps, signal);
      if (isThere) words.push(hindrance ?? `would detach ${note.volume} from ${note.instance}`);
    }
    for (const { kind, id } of all.filter((one) => one.work === work))
      words.push(`would remove ${kind} ${id}`);
    if (note !== undefined)
      for (const { id } of await unused(work, deps, signal))
        words.push(`would remove ${id}, to which nothing was ever written`);
  }
  return words;
}

/** What there is of killed invocations, and whose turn it is: those noted here, and others when their lease is over. */
async function deadAndExpired(dead: readonly DeadWork[], deps: ClearDeps, signal: AbortSignal) {
  const now = deps.clock.now().getTime();
  const all = await answered("look for what earlier copies have left", deps, signal, () =>
    deps.places.leftOvers(signal),
  );
  const expired = all.filter(({ lease }) => lease === undefined || !(Date.parse(lease) > now));
  return { all, works: new Set([...dead, ...expired].map(({ work }) => work)) };
}

/** Whether a volume is attached to the instance still, and why it must not be taken off it. */
async function attachmentOf(
  id: string,
  instance: string,
  deps: ClearDeps,
  signal: AbortSignal,
): Promise<{ readonly isThere: boolean; readonly hindrance?: string }> {
  const [volume] = await answered(`look at ${id}`, deps, signal, () => deps.volumes.describe([id], signal));
  // Nothing but a copy of ours is detached: its tags must say that it is one.
  const ours = volume !== undefined && contentOf(volume.tags) !== undefined;
  const there = volume?.attachments.some((one) => one.instance === instance && one.state !== "detached");
  if (there !== true) return { isThere: false };
  if (ours && !(await deps.inUse(id, instance))) return { isThere: true };
  const why = ours ? "somebody uses it" : "was not begun";
  return {
    isThere: true,
    hindrance: `${id} is still attached to ${instance}, since a copy was killed, and ${why}: detach it`,
  };
}

/** Detaches what a killed invocation has left attached; its mounts went with it. */
async function freeVolume(
  id: string,
  instance: string,
  deps: ClearDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    const { isThere, hindrance } = await attachmentOf(id, instance, deps, signal);
    if (!isThere) return [];
    if (hindrance !== undefined) return [hindrance];
    await detachFrom(id, instance, deps, signal);
    deps.tell(`detached ${id} from ${instance}`);
    return [];
  } catch (error) {
    return [`${id} is left attached: ${sentenceOf(failureOf(error, `detach ${id}`))}`];
  }
}

/** Removes a volume that was made and to which nothing was ever written. */
async function removeUnused(work: string, deps: ClearDeps, signal: AbortSignal): Promise<readonly string[]> {
  const left: string[] = [];
  for (const { id } of await unused(work, deps, signal)) {
    try {
      await until(`remove ${id}`, deps.waits.detachFor, deps, signal, async () => {
        const [now] = await deps.volumes.describe([id], signal);
        if (now === undefined) return true;
        if (now.state === "creating" || now.state === "in-use") return undefined;
        await deps.volumes.remove(id, signal);
        return true;
      });
      deps.tell(`removed ${id}, to which nothing was ever written`);
    } catch (error) {
      left.push(`${id} is left empty: ${sentenceOf(failureOf(error, `remove ${id}`))}`);
    }
  }
  return left;
}

/** The volumes of an invocation that were made and to which nothing was ever written. */
async function unused(work: string, deps: ClearDeps, signal: AbortSignal) {
  const made = await answered("look for new volumes", deps, signal, () =>
    deps.volumes.tagged(directoryWorkTags.work, work, signal),
  );
  return made.filter(({ tags, state }) => contentOf(tags)?.state === "new" && !/^delet/.test(state));
}
