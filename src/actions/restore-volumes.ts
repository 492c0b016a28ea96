import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import { type RestorePlan, restoreTags } from "../core/restore-plan.ts";
import type { Mounted, VolumeState } from "../core/restore-ports.ts";
import type { Initialize, MountWish } from "../core/restore-query.ts";
import type { NotMounted, RestoreResult } from "../core/restore-result.ts";
import { type Brought, bringVolumes, disksOf, nothingBrought } from "./bring-volumes.ts";
import { earlierVolumes, volumesOf } from "./restore-create.ts";
import { answered, type RestoreDeps, stopped } from "./restore-deps.ts";
import { initialize } from "./restore-initialize.ts";
import { mountAll } from "./restore-mount.ts";

/** What is wanted beside what the plan says. */
export interface RestoreOrder {
  readonly plan: RestorePlan;
  readonly mount?: MountWish;
  readonly initialize?: Initialize;
}

/** What is known of a restore while it goes on. */
interface Work extends Brought {
  mounted: readonly Mounted[];
  notMounted: readonly NotMounted[];
}

/**
 * Makes, attaches and, on request, mounts the volumes of a plan. What an earlier invocation did is found by its tags
 * and by client tokens and not done again, so that one that was killed is continued by another. Never throws: a
 * failure is in the result, with all that exists by then.
 */
export async function restoreVolumes(
  order: RestoreOrder,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const { plan } = order;
  const work: Work = {
    ...nothingBrought(plan),
    mounted: [],
    notMounted: [],
  };
  let failure: Failure | undefined;
  let wasDone = false;
  try {
    wasDone = await carryOut(order, work, deps, signal);
  } catch (error) {
    const doing = `restore point ${plan.point.id}`;
    failure = failureOf(signal.aborted && !(error instanceof BackupError) ? stopped(doing) : error, doing);
  }
  const { volumes, mounted, notMounted, notes } = work;
  return {
    id: plan.id,
    outcome: failure !== undefined ? "unfinished" : wasDone ? "was-done" : "done",
    volumes,
    mounted,
    notMounted,
    ...(failure === undefined ? {} : { failure }),
    notes,
  };
}

/** Whether it was all done before. */
async function carryOut(
  order: RestoreOrder,
  work: Work,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const { plan } = order;
  const earlier = await earlierVolumes(plan, deps, signal);
  const states = await bringVolumes(plan, earlier, work, deps, signal);
  // What is written to them is not ours: from before that on, only who names this restore takes them back.
  const early = order.mount?.writable === true;
  const before = early ? await finish(plan, states, work, deps, signal) : undefined;
  if (order.mount !== undefined) {
    const { mounted, notMounted, notes } = await mountAll(disksOf(work), order.mount, deps, signal);
    work.mounted = mounted;
    work.notMounted = notMounted;
    work.notes.push(...notes);
  }
  // Before they are initialized, which takes hours: they can be used all the while.
  const wasDone = before ?? (await finish(plan, states, work, deps, signal));
  if (order.initialize !== undefined) await initialize(order.initialize, work.volumes, deps, signal);
  return wasDone;
}

/**
 * Marks the restore as finished. Volumes of it that nobody uses, as a request whose answer was lost may leave some,
 * go now. Whether all of it was finished before.
 */
async function finish(
  plan: RestorePlan,
  states: readonly VolumeState[],
  work: Work,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const ids = states.map(({ id }) => id);
  const wanted = new Set(plan.volumes.map(({ request }) => request.snapshot));
  for (const extra of await volumesOf(plan, deps, signal)) {
    const from = extra.tags[restoreTags.from] ?? "";
    const idle = extra.state === "available" || extra.state === "error";
    const unused = idle && extra.snapshot === from && wanted.has(from);
    if (ids.includes(extra.id) || !unused || extra.tags[restoreTags.done] !== undefined) continue;
    await answered(`remove ${extra.id}`, deps, signal, () => deps.volumes.remove(extra.id, signal));
    work.notes.push(`${extra.id}, a second volume of ${from} that nobody used, is removed`);
  }
  const done = states.every(({ tags }) => tags[restoreTags.done] !== undefined);
  if (!done) {
    const tags = { [restoreTags.done]: deps.clock.now().toISOString() };
    await answered("mark the restore as finished", deps, signal, () => deps.volumes.tag(ids, tags, signal));
  }
  return done;
}
