import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import { isOurs, type MachinePlan } from "../core/machine-plan.ts";
import type { MachineHealth, MachineState } from "../core/machine-ports.ts";
import type { MachineResult } from "../core/machine-result.ts";
import { restoreTags } from "../core/restore-plan.ts";
import { earlierMachine, imageFor, launchOnce } from "./launch-machine.ts";
import { type MachineDeps, whenIn } from "./machine-deps.ts";
import { answered, stopped, until } from "./restore-deps.ts";
import { swapRoot } from "./swap-root.ts";
import { findKept, withdrawAtLast, withdrawImage } from "./withdraw-image.ts";

/** What is wanted beside what the plan says. */
export interface MachineOrder {
  readonly plan: MachinePlan;
  readonly userData?: Uint8Array;
  readonly keepImage: boolean;
}

interface Work {
  machine?: MachineState;
  image?: string;
  health?: MachineHealth;
  wasDone: boolean;
  left?: Failure;
  readonly notes: string[];
}

/**
 * Makes the instance of a plan. What an earlier invocation did is found by its tags, the image's name and the client
 * tokens and not done again, so that one that was killed is continued by another. Never throws: a failure is in the
 * result, with all that exists by then.
 */
export async function restoreMachine(
  order: MachineOrder,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<MachineResult> {
  const { plan } = order;
  const work: Work = { wasDone: false, notes: [] };
  let failure: Failure | undefined;
  try {
    await carryOut(order, work, deps, signal);
  } catch (error) {
    const doing = `restore an instance of point ${plan.point.id}`;
    failure = failureOf(signal.aborted && !(error instanceof BackupError) ? stopped(doing) : error, doing);
    if (work.machine === undefined && isFinal(failure) && !order.keepImage)
      // What cannot be taken back now is undone, or used, by the next invocation.
      await withdrawImage(order.plan, work, deps, signal).catch(() => undefined);
  }
  const { machine, image, health, wasDone, left, notes } = work;
  return {
    id: plan.id,
    outcome: failure !== undefined ? "unfinished" : wasDone ? "was-done" : "done",
    ...(machine && { machine }),
    ...(image !== undefined && { image }),
    ...(health && { health }),
    ...(failure && { failure }),
    ...(left && { left }),
    notes,
  };
}

async function carryOut(
  order: MachineOrder,
  work: Work,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<void> {
  const { plan, userData } = order;
  const earlier = await earlierMachine(plan, deps, signal);
  if (earlier !== undefined) work.machine = earlier;
  work.wasDone = earlier?.tags[restoreTags.done] !== undefined;
  if (work.wasDone) {
    if (!order.keepImage) await withdrawAtLast(order.plan, work, deps, signal);
    return;
  }
  const machine = earlier ?? (await launch(order, work, deps, signal));
  work.machine = machine;
  deps.log("info", `${earlier === undefined ? "launched" : "found"} the instance ${machine.id}`);
  deps.progress({ percent: 30, doing: `waiting for ${machine.id} to run` });
  work.machine =
    plan.way === "swap"
      ? await swapRoot(plan, machine, userData, deps, signal)
      : await whenIn("running", machine.id, deps, signal, (state) =>
          startAgain(state, machine.id, deps, signal),
        );
  deps.progress({ percent: 70, doing: "tagging its volumes" });
  await tagVolumes(plan, work.machine, deps, signal);
  await removeExtras(plan, work.machine, work, deps, signal);
  if (order.keepImage) await findKept(order.plan, work, deps, signal);
  else await withdrawAtLast(order.plan, work, deps, signal);
  await markDone(plan, work.machine, order.keepImage ? work.image : undefined, deps, signal);
  work.health = await healthy(work.machine.id, deps, signal);
  const [now] = await answered("look at the instance", deps, signal, () =>
    deps.machines.machines([machine.id], signal),
  );
  if (now !== undefined) work.machine = now;
}

/** One that somebody stopped before the restore came to its end. */
async function startAgain(state: string, id: string, deps: MachineDeps, signal: AbortSignal): Promise<void> {
  if (state === "stopped") await deps.machines.start(id, signal);
}

async function launch(
  { plan, userData }: MachineOrder,
  work: Work,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<MachineState> {
  const image = plan.original?.id ?? "";
  if (plan.way === "swap") return launchOnce(plan, { image }, deps, signal);
  if (plan.way === "image") return launchOnce(plan, { image, ...(userData && { userData }) }, deps, signal);
  deps.progress({ percent: 5, doing: "making an image of the root's snapshot" });
  const made = await imageFor(plan, deps, signal);
  work.image = made;
  deps.progress({ percent: 15, doing: "launching the instance" });
  return launchOnce(plan, { image: made, ...(userData && { userData }) }, deps, signal);
}

/** Each volume gets the tags of its original, and says what it was made of. */
async function tagVolumes(
  plan: MachinePlan,
  machine: MachineState,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<void> {
  for (const { root, device, request } of plan.volumes) {
    const place = root ? machine.rootDevice : device;
    const id = machine.devices.find((one) => one.device === place)?.volume;
    if (id === undefined) continue;
    await answered(`tag ${id}`, deps, signal, () => deps.machines.tag([id], request.tags, signal));
  }
}

/** Volumes of this restore that nobody uses, such as the root that gave way, or those of a launch that failed. */
async function removeExtras(
  plan: MachinePlan,
  machine: MachineState,
  work: Work,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<void> {
  const used = new Set(machine.devices.map(({ volume }) => volume));
  const found = await answered(`look for volumes of ${plan.id}`, deps, signal, () =>
    deps.volumes.tagged(restoreTags.restore, plan.id, signal),
  );
  for (const { id, state, tags } of found) {
    const idle = state === "available" || state === "error";
    if (used.has(id) || !idle || !isOurs(tags, plan.id) || tags[restoreTags.done] !== undefined) continue;
    await answered(`remove ${id}`, deps, signal, () => deps.volumes.remove(id, signal));
    work.notes.push(`${id}, which this restore made and nobody uses, is removed`);
  }
}

function isFinal({ kind }: Failure): boolean {
  return kind === "refused" || kind === "denied" || kind === "not-found";
}

/** From now on nothing of it is ever taken for unfinished, and so never undone. */
async function markDone(
  plan: MachinePlan,
  machine: MachineState,
  image: string | undefined,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<void> {
  const volumes = machine.devices.map(({ volume }) => volume);
  const described = await answered("look at its volumes", deps, signal, () =>
    deps.volumes.describe(volumes, signal),
  );
  const ours = described.filter(({ tags }) => isOurs(tags, plan.id)).map(({ id }) => id);
  const tags = { [restoreTags.done]: deps.clock.now().toISOString() };
  const ids = [...ours, ...(image === undefined ? [] : [image]), machine.id];
  await answered("mark the restore as finished", deps, signal, () => deps.machines.tag(ids, tags, signal));
}

/** Waits for EC2's two status checks; what they said last if they do not pass in time. */
async function healthy(id: string, deps: MachineDeps, signal: AbortSignal): Promise<MachineHealth> {
  let last: MachineHealth = { system: "not told", instance: "not told" };
  try {
    return await until(
      `wait for the status checks of ${id}`,
      deps.waits.healthFor,
      deps,
      signal,
      async () => {
        last = (await deps.machines.health(id, signal)) ?? last;
        deps.progress({
          percent: 85,
          doing: `status checks: system ${last.system}, instance ${last.instance}`,
        });
        return last.system === "ok" && last.instance === "ok" ? last : undefined;
      },
    );
  } catch (error) {
    // Whoever may not ask, or has waited long enough, has an instance that runs all the same.
    if (error instanceof BackupError && error.kind !== "interrupted") return last;
    throw error;
  }
}
