import { counted } from "../core/counted.ts";
import { BackupError, type Failure, failureOf, interrupted } from "../core/errors.ts";
import { inGroups } from "../core/in-groups.ts";
import { mending, type TellMended } from "../core/mending.ts";
import {
  type MirrorPlan,
  type MirrorRule,
  planMirror,
  planThinning,
  policiesInForce,
  ruleOf,
  type ToCopy,
  unproven,
} from "../core/mirror-plan.ts";
import type { Audit } from "../core/ports.ts";
import { isMixed, type RecoveryPoint } from "../core/recovery-point.ts";
import type { Problem } from "../core/report.ts";
import type { Store, StoredSnapshot } from "../core/store-ports.ts";
import { removalClock } from "../core/store-skew.ts";
import type { CopiedPoint, SeriesUpkeep } from "../core/upkeep.ts";
import { forgetPoints } from "./forget-stored.ts";
import { braked, upkeepOf } from "./prune-repository.ts";
import {
  asProblems,
  type Done,
  disbelief,
  type Inventory,
  inventory,
  opened,
  toldTo,
  type UpkeepDeps,
} from "./upkeep.ts";

export interface MirrorOrder {
  readonly run: string;
  readonly planned: boolean;
  /** The beginning of the series of the points that are meant; absent = all of the repository. */
  readonly own?: string;
  /** Releases the brake at the target. */
  readonly yes: boolean;
}

/** The repository that is copied from is `store`. */
export interface MirrorDeps extends UpkeepDeps {
  readonly target: Store;
  readonly audit: Audit;
  /** Of the target, as far as it is remembered. */
  readonly targetState: UpkeepDeps["state"];
  /** The sources of the other mirrors to the target. */
  others(signal: AbortSignal): Promise<readonly UpkeepDeps[]>;
}

/** Which points at the target may go, and by what. */
interface Thinning {
  readonly isWished: (point: RecoveryPoint) => boolean;
  readonly own: MirrorRule;
  readonly yes: boolean;
}

/**
 * Copies what the target lacks of the source's complete points, looks whether all of it is there, and then removes at
 * the target what the mirror's own policy gives up of its copies. What is gone at the source stays there. What was cut short the next
 * one completes, since it goes by what both repositories list.
 */
export async function mirror(deps: MirrorDeps, order: MirrorOrder, signal: AbortSignal): Promise<Done> {
  const { store, target, clock, state, targetState } = deps;
  const to = target.config.name;
  const [facts] = [await opened(store, state, signal), await opened(target, targetState, signal)];
  const source = await inventory(store, deps, signal);
  const there = await inventory(target, { ...deps, copies: true }, signal);
  const isWished = ({ series }: RecoveryPoint) => order.own === undefined || series.startsWith(order.own);
  const known = policiesInForce(store.config.mirror?.retention, state?.policies ?? [], clock.now());
  const now = there.clock?.now ?? clock.now();
  const plan = planMirror(source, there, isWished, known.policies, now);
  const doubted = there.points.filter((point) => isWished(point) && isMixed(point));
  const problems = [...disbelief(store.config.name, plan.disbelieved), ...disbelief(to, doubted)];
  const answer = (
    outcome: Done["outcome"],
    copied: readonly ToCopy[],
    series: readonly SeriesUpkeep[],
  ): Done => ({
    outcome,
    facts,
    mirror: { to, copied: copied.map(copiedOf), there: plan.there, series },
    problems,
    remember: { policies: known.remember },
  });
  const what = { isWished, own: ruleOf(source.points, known.policies), yes: order.yes };
  if (order.planned) {
    const planned = await thinning(there, what, deps, now, signal);
    problems.push(...planned.problems);
    return answer(
      "done",
      plan.copy,
      planned.plans.map((one) =>
        upkeepOf(
          one,
          one.remove.map(({ id }) => id),
        ),
      ),
    );
  }
  const mended = toldTo(problems, deps);
  const { copied, after, failures } = await copyAll(plan, deps, mended, signal);
  problems.push(...asProblems("error", failures));
  // While copying fails, what is there may be all there is.
  if (failures.length > 0) return answer(copied.length > 0 ? "degraded" : "not-done", copied, []);
  const thinned = await thin(after ?? there, what, deps, order.run, signal);
  problems.push(...thinned.problems);
  const isWrong = thinned.problems.some(({ severity }) => severity === "error");
  return answer(isWrong ? "degraded" : "done", copied, thinned.series);
}

function copiedOf({ point, snapshot }: ToCopy): CopiedPoint {
  return { point: point.id, series: point.series, snapshot: snapshot.id };
}

/** So many are copied by one process of restic: it has its deadline, and a stop is heard. */
const batch = 25;

/** Copies, and believes no copy that the target does not list. */
async function copyAll(
  { copy, marks }: MirrorPlan,
  deps: MirrorDeps,
  mended: TellMended,
  signal: AbortSignal,
): Promise<{ copied: readonly ToCopy[]; after?: Inventory; failures: readonly Failure[] }> {
  const { store, target, tell } = deps;
  const doing = `copy points from the repository ${store.config.name} to ${target.config.name}`;
  if (copy.length === 0 && marks.length === 0) return { copied: [], failures: [] };
  const failures: Failure[] = [];
  const tried: ToCopy[] = [];
  const copyThem = (ids: readonly string[]): Promise<void> =>
    mending([target, store], () => target.copyFrom(store, ids, tell, signal), mended, signal).catch(
      (error: unknown) => {
        failures.push(failureOf(error, doing));
      },
    );
  // First: until then a half stands there for a whole.
  await copyThem(marks.map(({ id }) => id));
  for (const some of inGroups(copy, batch)) {
    if (failures.length > 0) break;
    if (signal.aborted) {
      failures.push(interrupted(doing));
      break;
    }
    tried.push(...some);
    await copyThem(some.map(({ snapshot }) => snapshot.id));
  }
  // Told to stop, or the target is gone: what came of it the next one sees.
  if (signal.aborted) return { copied: [], failures };
  const after = await inventory(target, { ...deps, copies: true }, signal).catch((error: unknown) => {
    failures.push(failureOf(error, `see what was copied to ${target.config.name}`));
    return undefined;
  });
  if (after === undefined) return { copied: [], failures };
  const missing = unproven(tried, after.snapshots);
  if (missing.length > 0 && failures.length === 0) failures.push(notThere(missing, after.snapshots, doing));
  return { copied: tried.filter((one) => !missing.includes(one)), after, failures };
}

function notThere(missing: readonly ToCopy[], listed: readonly StoredSnapshot[], doing: string): Failure {
  const [first] = missing;
  return {
    kind: "unknown-outcome",
    code: "CopyMissing",
    doing,
    found: `restic copied without a complaint, and ${counted(missing.length, "point")}, such as ${first?.point.id ?? ""}, ${missing.length === 1 ? "is" : "are"} not among the ${listed.length} snapshots that the target lists, or say something else there`,
    remedy: "check the target by `ec2-backup repository check`, then mirror again",
  };
}

/** What goes of the copies. The other mirrors are asked only before something does; while one cannot be, nothing goes. */
async function thinning(
  { points }: Inventory,
  { isWished, own, yes }: Thinning,
  { target, others }: MirrorDeps,
  now: Date,
  signal: AbortSignal,
): Promise<{ plans: ReturnType<typeof planThinning>; problems: Problem[] }> {
  const wished = points.filter(isWished);
  const plans = planThinning(wished, [own], now, yes);
  if (plans.every(({ remove }) => remove.length === 0)) return { plans, problems: [] };
  const doing = `see what other mirrors keep in the repository ${target.config.name}`;
  try {
    const rules = [own];
    for (const deps of await others(signal)) {
      const { store, state, clock } = deps;
      await opened(store, state, signal);
      const known = policiesInForce(store.config.mirror?.retention, state?.policies ?? [], clock.now());
      rules.push(ruleOf((await inventory(store, deps, signal)).points, known.policies));
    }
    return { plans: planThinning(wished, rules, now, yes), problems: [] };
  } catch (error) {
    const failure = failureOf(error, doing);
    const found = `nothing is removed there: ${failure.doing}: ${failure.found}`;
    const { kind, remedy, code } = failure;
    const told = { kind, doing, found, ...(remedy && { remedy }), ...(code && { code }) };
    return { plans: planThinning(wished, [], now, yes), problems: asProblems("warning", [told]) };
  }
}

/** Removes at the target what the mirrors' policies give up. */
async function thin(
  there: Inventory,
  what: Thinning,
  deps: MirrorDeps,
  run: string,
  signal: AbortSignal,
): Promise<{ series: SeriesUpkeep[]; problems: Problem[] }> {
  const { target, clock } = deps;
  const { name, appendOnly } = target.config;
  // Who may removes there.
  if (appendOnly) return { series: [], problems: [] };
  const removal = removalClock(name, clock.now(), there.clock);
  if (!removal.ok) return { series: [], problems: asProblems("error", [removal.failure]) };
  const series: SeriesUpkeep[] = [];
  const { plans, problems } = await thinning(there, what, deps, removal.asOf, signal);
  for (const plan of plans) {
    const { remove, postponed } = plan;
    const removing = forgetPoints(remove, { store: target, clock, audit: deps.audit, run }, signal);
    const { removed, failures } = await removing.catch((error: unknown) => {
      if (error instanceof BackupError) return { removed: [], failures: [error] };
      throw error;
    });
    problems.push(...asProblems("error", failures));
    if (postponed.length > 0) problems.push(braked(name, plan.series, postponed.length));
    series.push(upkeepOf(plan, removed));
    if (signal.aborted) break;
  }
  return { series, problems };
}
