import { useOf } from "../actions/mounts-house.ts";
import { isUsable } from "../actions/restore-create.ts";
import { statesOf } from "../actions/swap-places.ts";
import { swapsFor } from "../actions/undo-replace.ts";
import { BackupError } from "../core/errors.ts";
import { isWithin } from "../core/mount-table.ts";
import { fstabNotes, planSwaps, type Refusal, type ReplacePlan, refusedUse } from "../core/replace-plan.ts";
import type { DiskUse, Target } from "../core/replace-ports.ts";
import { type Standing, standingOf } from "../core/replace-progress.ts";
import { planRoot, refusedMark } from "../core/replace-root-plan.ts";
import type { Choice } from "../core/restore-choice.ts";
import { planRestore, type RestorePlan, restoreTags } from "../core/restore-plan.ts";
import type { FoundSnapshot, VolumeState } from "../core/restore-ports.ts";
import type { ReplaceOrder, Stage } from "./replace-stage.ts";
import type { FoundPoints } from "./restore-points.ts";

/** This instance, as a target. */
export function ownTarget({ session }: Stage): Target {
  const { instance, volumes, asOf } = session.opened.session.discovery;
  return { instance, volumes, state: "running", rootDeviceType: "ebs", ...(asOf && { asOf }) };
}

/** The plan of a replacement, and the instance that it is for. */
export async function planOf(
  choice: Choice,
  order: ReplaceOrder,
  found: FoundPoints,
  stage: Stage,
  signal: AbortSignal,
): Promise<{ readonly plan: ReplacePlan; readonly target: Target }> {
  const { deps, session } = stage;
  const { point } = choice;
  const own = ownTarget(stage);
  const volumes = order.wish.volumes.map((name) => (name === "root" ? rootOf(choice) : name));
  const root = order.wish.volumes.some((name) => name === "root" || isRoot(name, choice, own));
  const id = order.query.instance === undefined ? own.instance.id : instanceOf(order, choice);
  const other = id !== own.instance.id;
  if (root && volumes.length > 1)
    throw usage("the root volume is replaced alone", "name the data volumes in another command");
  if (other && !root)
    throw usage("data volumes can be replaced on this instance only", `run this on ${id}, or name root`);
  if (order.stop && !root) throw usage("--stop is for root volumes", "name root");
  const target = root ? await deps.swap.target(id, signal) : own;
  const { label } = order.wish;
  const wish = { ...order.wish, volumes, label: label === undefined ? "replace" : `replace:${label}` };
  const keys = point.snapshots as readonly FoundSnapshot[];
  const restore = planRestore(point, wish, {
    instance: target.instance,
    // What is to be replaced takes no name from what replaces it.
    attached: [],
    taken: [],
    snapshots: keys,
    facts: {
      region: target.instance.region,
      account: target.instance.account,
      now: found.asOf,
      keys: await session.keys([...new Set(keys.flatMap(({ kmsKey }) => kmsKey ?? []))]),
    },
    digest: deps.digest,
  });
  const made = (await deps.volumes.tagged(restoreTags.restore, restore.id, signal)).filter(isUsable);
  const ground = {
    restore,
    target,
    made,
    undo: `ec2-backup restore replace --undo${other ? ` --instance ${id}` : ""}`,
  };
  const plan = root
    ? await rootPlan(ground, { own: !other, stop: order.stop }, stage, signal)
    : await dataPlan(ground, stage, signal);
  const unfinished = await unfinishedBeside(plan, ground, stage, signal);
  return { plan: { ...plan, refusals: [...unfinished, ...plan.refusals] }, target };
}

/** What a plan goes by. */
interface Ground {
  readonly restore: RestorePlan;
  readonly target: Target;
  /** What earlier invocations have made for it. */
  readonly made: readonly VolumeState[];
  /** The command that takes it back. */
  readonly undo: string;
}

/** Other replacements that came to no end, and volumes of this one that the words leave out. */
async function unfinishedBeside(
  { swaps }: ReplacePlan,
  { restore, target, undo }: Ground,
  { deps }: Stage,
  signal: AbortSignal,
): Promise<readonly Refusal[]> {
  const found = await swapsFor(target.instance, undefined, deps, signal);
  return found.flatMap(({ id, pairs, made }): Refusal[] => {
    const out = pairs.filter(({ fresh }) => !swaps.some((one) => one.fresh === fresh));
    if (id === restore.id && out.length === 0) return [];
    const point = made[0]?.tags[restoreTags.point];
    const more = id === restore.id ? `, with ${out.map(({ device }) => device).join(", ")}` : "";
    const on =
      made.length < pairs.length || point === undefined ? "" : `go on with --point ${point}${more}, or `;
    const found = `the replacement ${id} of ${out.map(({ old }) => old).join(", ")} is not finished`;
    return [{ found, remedy: `${on}go back: ${undo} --yes` }];
  });
}

async function standing(
  swaps: ReplacePlan["swaps"],
  { target, undo }: Ground,
  { deps }: Stage,
  signal: AbortSignal,
): Promise<Standing> {
  const made = swaps.filter(({ fresh }) => fresh !== undefined);
  const states = made.length === 0 ? new Map<string, VolumeState>() : await statesOf(made, deps, signal);
  return standingOf(swaps, states, target, `${undo} --yes`);
}

async function rootPlan(
  ground: Ground,
  wish: { readonly own: boolean; readonly stop: boolean },
  stage: Stage,
  signal: AbortSignal,
): Promise<ReplacePlan> {
  const { restore, target, made, undo } = ground;
  const { way, refusals, notes } = planRoot(restore, target, wish);
  const held = target.volumes.find(({ root }) => root);
  // Whatever device the point names, it goes where the root of the instance is.
  const recipe = restore.point.recipe.map((one) => ({ ...one, device: target.instance.rootDevice }));
  const planned = planSwaps({ ...restore, point: { ...restore.point, recipe } }, held ? [held] : [], made);
  const { progress, refusals: misplaced } = await standing(planned.swaps, ground, stage, signal);
  const plan = { restore, instance: target.instance, swaps: planned.swaps, root: way, progress, notes };
  if (progress === "done") return { ...plan, refusals: [] };
  const mixed = {
    found: "this replacement was begun with --stop",
    remedy: `go on with --stop, or go back: ${undo} --yes`,
  };
  if (way === "task")
    return {
      ...plan,
      progress: "new",
      refusals: progress === "begun" ? [mixed] : [...refusals, ...planned.refusals],
    };
  // One that was begun has its instance stopped, and maybe without a root.
  const ahead = progress === "begun" ? [] : [...refusals, ...planned.refusals];
  return { ...plan, refusals: [...refusedMark(restore.id, target), ...misplaced, ...ahead] };
}

async function dataPlan(ground: Ground, stage: Stage, signal: AbortSignal): Promise<ReplacePlan> {
  const { restore, target, made } = ground;
  const { deps, host, options } = stage;
  const { instance, volumes } = target;
  const planned = planSwaps(restore, volumes, made);
  const { progress, swaps, ...stand } = await standing(planned.swaps, ground, stage, signal);
  const roots = swaps.filter(({ old }) => volumes.some((one) => one.id === old && one.root));
  const use: DiskUse = await useOf(swaps, "old", instance.id, host.disks, deps, signal);
  const holds = use.mounts.find(({ where }) => isWithin(options.stateDirectory, where));
  const state: Refusal[] =
    holds === undefined
      ? []
      : [
          {
            found: `${holds.where} holds this agent's state`,
            remedy: "name another place by STATE_DIRECTORY",
          },
        ];
  return {
    restore,
    instance,
    swaps,
    progress,
    use,
    refusals: [
      ...planned.refusals,
      ...stand.refusals,
      ...roots.map(({ old }) => ({ found: `${old} is the root volume here`, remedy: "name root" })),
      ...(progress === "done" ? [] : [...state, ...refusedUse(use)]),
    ],
    notes: [...stand.notes, ...fstabNotes(use)],
  };
}

function rootOf({ point }: Choice): string {
  const [only, ...more] = point.snapshots;
  const id =
    point.recipe.find((one) => one.root === true)?.volumeId ??
    (more.length === 0 ? only?.volumeId : undefined);
  if (id === undefined)
    throw usage(`point ${point.id} does not tell which volume was the root`, "name the volume");
  return id;
}

function isRoot(name: string, choice: Choice, own: Target): boolean {
  const recipe = choice.point.recipe.find(({ volumeId, device }) => volumeId === name || device === name);
  if (recipe?.root !== undefined) return recipe.root;
  return own.volumes.some((one) => one.root && one.id === name);
}

/** The id: of a name that of the instance whose point it is. */
function instanceOf({ query }: ReplaceOrder, { point }: Choice): string {
  const named = /(?:^|\/)(i-[0-9a-f]{8,17})$/.exec(query.instance ?? "")?.[1];
  const id = named ?? /\/(i-[0-9a-f]+)$/.exec(point.instanceArn)?.[1];
  if (id === undefined)
    throw usage("it is not known which instance is meant", "name it by its id: --instance i-…");
  return id;
}

function usage(found: string, remedy: string): BackupError {
  return new BackupError({ kind: "usage", doing: "replace volumes", found, remedy });
}
