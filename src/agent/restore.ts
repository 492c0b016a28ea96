import { isUsable } from "../actions/restore-create.ts";
import { restoreVolumes } from "../actions/restore-volumes.ts";
import { undoRestore } from "../actions/undo-restore.ts";
import { BackupError } from "../core/errors.ts";
import type { Choice } from "../core/restore-choice.ts";
import { unlikeAsked } from "../core/restore-found.ts";
import { type Unfinished, unfinishedBeside } from "../core/restore-leftovers.ts";
import { planRestore, type RestorePlan, type RestoreWish, restoreTags } from "../core/restore-plan.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import type { Initialize, MountWish, PointQuery } from "../core/restore-query.ts";
import type { RestoreResult, Undone } from "../core/restore-result.ts";
import { removeLeftovers } from "./restore-leftovers.ts";
import { type LockOptions, restoreLock } from "./restore-lock.ts";
import { choosing, type FoundPoints, findPoints, type PickPoint, requireHere } from "./restore-points.ts";
import { openRestore, type RestoreOptions, type RestoreSession } from "./restore-session.ts";
import { snapshotFacts } from "./snapshot-facts.ts";

/** The points that were asked for, newest first. */
export async function listed(
  query: PointQuery,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<FoundPoints> {
  return findPoints(query, await openRestore(options, signal), signal);
}

/** What `restore volumes` is asked for. */
export interface VolumesOrder {
  readonly query: PointQuery;
  readonly wish: RestoreWish;
  readonly mount?: MountWish;
  readonly initialize?: Initialize;
  /** Only the plan, unless somebody agrees to it. */
  readonly planned: boolean;
  /** Asked where no point is named. */
  readonly pick?: PickPoint;
  /** Asked about a plan that nothing blocks. */
  readonly agreed?: (answer: VolumesAnswer) => Promise<boolean>;
}

/** A plan, how the point was chosen, and what came of it if it was carried out. */
export interface VolumesAnswer {
  readonly found: Pick<FoundPoints, "at" | "zone">;
  readonly choice: Choice;
  readonly plan: RestorePlan;
  /** Volumes that an earlier invocation has made. */
  readonly earlier: readonly VolumeState[];
  /** Other restores for this instance that came to no end. */
  readonly unfinished: readonly Unfinished[];
  readonly result?: RestoreResult;
}

/** Plans, and carries out unless only the plan is wanted or something blocks it. */
export async function volumes(
  order: VolumesOrder,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<VolumesAnswer> {
  const session = await openRestore(options, signal);
  const found = await findPoints(order.query, session, signal);
  const choice = await choosing(found, order.pick);
  requireHere(choice, found, session.opened.session.discovery.instance.region);
  const fresh = await planOf(choice, order.wish, found, session);
  const { arn } = fresh.instance;
  const restored = await session.deps.volumes.tagged(restoreTags.instance, arn, signal);
  const earlier = restored.filter((one) => one.tags[restoreTags.restore] === fresh.id && isUsable(one));
  const plan = { ...fresh, obstacles: [...fresh.obstacles, ...obstaclesOfEarlier(fresh, earlier)] };
  const unfinished = unfinishedBeside(plan.id, arn, restored);
  const answer = { found, choice, plan, earlier, unfinished };
  if (plan.obstacles.some(({ severity }) => severity === "blocks")) return answer;
  if (order.planned && (await order.agreed?.(answer)) !== true) return answer;
  const { mount, initialize } = order;
  const result = await alone(options, async () => {
    await removeLeftovers(session, signal);
    return restoreVolumes(
      { plan, ...(mount && { mount }), ...(initialize && { initialize }) },
      session.deps,
      signal,
    );
  });
  return { ...answer, result };
}

/** What is there already and is not what is asked for now. */
function obstaclesOfEarlier(
  { volumes, asked = {} }: RestorePlan,
  earlier: readonly VolumeState[],
): RestorePlan["obstacles"] {
  return volumes.flatMap(({ volume, request: { snapshot } }) => {
    const there = earlier.find(({ tags }) => tags[restoreTags.from] === snapshot);
    const unlike = there && unlikeAsked(asked, there);
    return unlike === undefined ? [] : [{ snapshot, volume, severity: "blocks" as const, ...unlike }];
  });
}

/** What restoring the chosen point would do, whatever comes of it. */
export async function planOf(
  { point }: Choice,
  wish: RestoreWish,
  { asOf }: FoundPoints,
  { opened, deps, keys }: RestoreSession,
): Promise<RestorePlan> {
  const { instance, volumes: attached, instanceStores } = opened.session.discovery;
  return planRestore(point, wish, {
    instance,
    attached,
    taken: instanceStores,
    ...(await snapshotFacts(point, asOf, instance, keys)),
    digest: deps.digest,
  });
}

/** Detaches and deletes what restores that came to no end have left, or only tells what it would. */
export async function undone(
  restore: string | undefined,
  act: boolean,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<readonly Undone[]> {
  const { opened, deps } = await openRestore(options, signal);
  const { arn, id } = opened.session.discovery.instance;
  const wish = { instanceArn: arn, instanceId: id, ...(restore === undefined ? {} : { restore }) };
  if (!act) return undoRestore(wish, false, deps, signal);
  return alone(options, () => undoRestore(wish, true, deps, signal));
}

/** One restore at a time on a host, as two would take each other's device names. */
export async function alone<T>(options: LockOptions, body: () => Promise<T>): Promise<T> {
  const lock = await restoreLock(options, "restore");
  if ("heldBy" in lock)
    throw new BackupError({
      kind: "locked",
      doing: "restore",
      found: `another restore is at work here: ${lock.heldBy}`,
      remedy: "wait for it, or stop it and run this again: it goes on where that one ended",
    });
  try {
    return await body();
  } finally {
    await lock.release();
  }
}
