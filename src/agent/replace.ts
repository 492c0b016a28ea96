import { mountsHouse } from "../actions/mounts-house.ts";
import { powerHouse } from "../actions/power-house.ts";
import { replaceVolumes } from "../actions/replace-volumes.ts";
import type { House } from "../actions/swap-places.ts";
import { type FoundSwap, swapsFor, undoReplace } from "../actions/undo-replace.ts";
import { BackupError } from "../core/errors.ts";
import type { ReplacePlan } from "../core/replace-plan.ts";
import type { Rehearsed, Target } from "../core/replace-ports.ts";
import type { ReplaceResult } from "../core/replace-result.ts";
import type { Choice } from "../core/restore-choice.ts";
import { fileLocks } from "../host/lock.ts";
import { swapDisks } from "../host/swap-disks.ts";
import { swapJournal } from "../host/swap-journal.ts";
import { ownTarget, planOf } from "./replace-planning.ts";
import { orderRoot } from "./replace-root.ts";
import type { ReplaceOrder, Stage } from "./replace-stage.ts";
import { alone } from "./restore.ts";
import { choosing, type FoundPoints, findPoints } from "./restore-points.ts";
import { openRestore, type RestoreOptions } from "./restore-session.ts";

const minute = 60_000;
/** Milliseconds for an instance to stop or to start, and for EC2 to replace a root volume. */
const patience = { power: 15 * minute, task: 60 * minute };

/** A plan, how its point was chosen, and what came of it if it was carried out. */
export interface ReplaceAnswer {
  readonly found: Pick<FoundPoints, "at" | "zone">;
  readonly choice: Choice;
  readonly plan: ReplacePlan;
  readonly result?: ReplaceResult;
}

/** Plans, and carries out unless only the plan is wanted or something is in the way. */
export async function replace(
  order: ReplaceOrder,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<ReplaceAnswer> {
  const stage = await staged(options, signal);
  const found = await findPoints(order.query, stage.session, signal);
  const choice = await choosing(found, order.pick);
  const act = async (): Promise<ReplaceAnswer> => {
    const { plan, target } = await planOf(choice, order, found, stage, signal);
    const answer = { found, choice, plan };
    if (plan.progress === "done") return { ...answer, result: wasDone(plan) };
    const blocked = plan.restore.obstacles.some(({ severity }) => severity === "blocks");
    if (order.planned || blocked || plan.refusals.length > 0) return answer;
    return { ...answer, result: await carriedOut(plan, target, order, stage, signal) };
  };
  if (order.planned) return act();
  return alone(options, () => withoutRuns(stage, act));
}

async function staged(options: RestoreOptions, signal: AbortSignal): Promise<Stage> {
  const session = await openRestore(options, signal);
  const deps = { ...session.deps, swap: await session.swaps() };
  const { id } = session.opened.session.discovery.instance;
  const host = { disks: swapDisks(), journal: swapJournal(options.stateDirectory, id) };
  return { session, deps, options, host };
}

function wasDone({ restore, swaps }: ReplacePlan): ReplaceResult {
  return { id: restore.id, outcome: "was-done", volumes: swaps, mounted: [], notes: [] };
}

async function carriedOut(
  plan: ReplacePlan,
  target: Target,
  { keepNew, wish }: ReplaceOrder,
  stage: Stage,
  signal: AbortSignal,
): Promise<ReplaceResult> {
  const { restore, swaps, instance, root, progress } = plan;
  const { deps } = stage;
  if (root === "task")
    return orderRoot(
      plan,
      target,
      { patience: patience.task, again: wish.label !== undefined },
      stage,
      signal,
    );
  const [first] = swaps;
  if (progress === "new" && first !== undefined) {
    const { old: volume, device, planned } = first;
    const on = { instance: instance.id, volume, device, snapshot: planned.request.snapshot };
    const modify: Rehearsed[] = swaps.some((one) => one.deleteOnTermination) ? ["modify"] : [];
    const power: Rehearsed[] = root === "stop" ? ["stop", "start"] : [];
    await deps.swap.rehearse(["tag", "untag", "attach", "detach", ...modify, ...power], on, signal);
  }
  const house = houseFor(
    restore.id,
    restore.point.id,
    root === "stop" ? target : undefined,
    instance.id,
    stage,
  );
  const begun = progress === "begun";
  return replaceVolumes({ restore, swaps, instance: instance.id, house, begun, keepNew }, deps, signal);
}

function houseFor(
  id: string,
  point: string,
  target: Target | undefined,
  instance: string,
  stage: Stage,
): House {
  return target === undefined
    ? mountsHouse(id, instance, stage.host, stage.deps)
    : powerHouse(id, point, target, patience.power, stage.deps);
}

/** What is asked to be taken back. */
export interface UndoOrder {
  /** One, also if it is finished; absent: all that are not. */
  readonly restore?: string;
  /** Another instance, by its id. */
  readonly instance?: string;
  readonly keepNew: boolean;
  readonly act: boolean;
}

/** What would be taken back, and what came of it. */
export interface UndoAnswer {
  readonly swaps: readonly FoundSwap[];
  readonly results: readonly ReplaceResult[];
}

/** Brings the old volumes back where a replacement came to no end, or of the one that is named. */
export async function undoReplacements(
  { restore, instance, keepNew, act }: UndoOrder,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<UndoAnswer> {
  const stage = await staged(options, signal);
  const { deps } = stage;
  const own = ownTarget(stage);
  const other = instance !== undefined && instance !== own.instance.id;
  const target = other ? await deps.swap.target(instance, signal) : own;
  const { id } = target.instance;
  const look = () => swapsFor(target.instance, restore, deps, signal);
  if (!act) return { swaps: await look(), results: [] };
  const undo = async (): Promise<UndoAnswer> => {
    const swaps = await look();
    const results: ReplaceResult[] = [];
    for (const swap of swaps) {
      const point = swap.made[0]?.tags["ec2-backup:restored-point"] ?? "";
      const house = houseFor(swap.id, point, other ? target : undefined, id, stage);
      results.push(await undoReplace(swap, { house, instance: id, keepNew }, deps, signal));
    }
    return { swaps, results };
  };
  return alone(options, () => withoutRuns(stage, undo));
}

/** No run captures in the middle of a swap: the locks of all jobs are held meanwhile. */
async function withoutRuns<T>({ session, options }: Stage, body: () => Promise<T>): Promise<T> {
  const { stateDirectory, owner } = options;
  const names = new Set(["default", ...session.opened.force.jobs.map(({ name }) => name)]);
  const held: { release(): Promise<void> }[] = [];
  try {
    for (const name of names) {
      const lock = await fileLocks(`${stateDirectory}/locks`).take(name, `${owner}, restore replace`);
      if ("heldBy" in lock)
        throw new BackupError({
          kind: "locked",
          doing: "replace volumes",
          found: `a run of job ${name} is at work here: ${lock.heldBy}`,
          remedy: "wait for it to end, then run this again",
        });
      held.push(lock);
    }
    return await body();
  } finally {
    for (const lock of held) await lock.release();
  }
}
