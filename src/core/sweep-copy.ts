import { type CopyOrder, type CopyPlan, mostRunning, planCopies } from "./copies.ts";
import type { CopyTarget } from "./copy-target.ts";
import { tagKeys } from "./point-tags.ts";
import type { RecoveryPoint, Snapshot } from "./recovery-point.ts";
import { copyKeys } from "./restore-copies.ts";
import { newestFirst } from "./retention.ts";
import { defaultRetention, type RetentionPolicy } from "./retention-policy.ts";

/** A series of one unit that is to be copied into one Region. */
export interface CopyLine {
  readonly series: string;
  readonly job: string;
  /** All its points, where they were captured. */
  readonly here: readonly RecoveryPoint[];
  readonly target: CopyTarget;
  /** That of the copies. */
  readonly policy: RetentionPolicy;
  /** Milliseconds for which a point is left to the agent that copies by itself; absent = it is left to nobody. */
  readonly leftFor?: number;
}

/** What of one line is to be done. */
export interface LinePlan extends CopyPlan {
  readonly line: CopyLine;
  /** Points that are left to their agent for now, by id. */
  readonly leftToAgent: ReadonlySet<string>;
}

/** One snapshot that is to be copied, with the line that it is of. */
export interface LineOrder {
  readonly plan: LinePlan;
  readonly order: CopyOrder;
}

/** What is to be done in one Region for all series of a unit. */
export interface DestinationPlan {
  readonly lines: readonly LinePlan[];
  /** All that is due, the first first; how many of them there is room for, only the Region can tell. */
  readonly due: readonly LineOrder[];
}

/**
 * Decides what is copied from one unit into one Region: each series as its own agent would decide, and of all of them
 * first what is begun, since half a set is worth nothing; then the newest point of each series, of that first whose
 * copies are the oldest; then the rest, the oldest first. `from` is the Region of the unit.
 */
export function planDestination(
  lines: readonly CopyLine[],
  there: readonly Snapshot[],
  from: string,
  { now, here: hereNow }: { readonly now: Date; readonly here: Date },
): DestinationPlan {
  const ours = there.filter(({ tags }) => tags[copyKeys.from] === from);
  const bySeries = Map.groupBy(ours, ({ tags }) => tags[tagKeys.series] ?? "");
  const known = new Set(lines.map(({ series }) => series));
  const target = lines[0]?.target;
  // Of series of which nothing is left here, copies that failed would stay for ever.
  const orphans = [...bySeries.keys()].filter((series) => series !== "" && !known.has(series));
  const all = target === undefined ? lines : [...lines, ...orphans.map((one) => orphanOf(one, target))];
  const planned = all.map((line) => planLine(line, bySeries.get(line.series) ?? [], now, hereNow));
  return { lines: planned, due: inTurn(planned) };
}

/** One line by itself; `running` is left to who sends. */
export function planLine(line: CopyLine, there: readonly Snapshot[], now: Date, here: Date): LinePlan {
  const plan = planCopies({ here: line.here, there, policy: line.policy, now, running: 0 });
  const { leftFor = 0 } = line;
  const young = line.here.filter(({ captured }) => here.getTime() - captured.getTime() < leftFor);
  return { ...plan, line, leftToAgent: new Set(young.map(({ id }) => id)) };
}

function orphanOf(series: string, target: CopyTarget): CopyLine {
  return { series, job: "", here: [], target, policy: defaultRetention };
}

interface Ranked extends LineOrder {
  readonly rank: number;
  /** Within a rank, the smaller first. */
  readonly urgency: number;
}

function inTurn(plans: readonly LinePlan[]): readonly LineOrder[] {
  const ranked = plans.flatMap((plan): Ranked[] => {
    const begun = new Set(plan.points.map(({ id }) => id));
    const [newest] = plan.line.here.filter(({ state }) => state === "complete").sort(newestFirst);
    const [copied] = plan.points.filter(({ state }) => state === "complete").sort(newestFirst);
    return ordersOf(plan).map((order) => {
      const { point } = order;
      const captured = point.captured.getTime();
      if (begun.has(point.id)) return { plan, order, rank: 0, urgency: captured };
      if (point.id === newest?.id)
        return { plan, order, rank: 1, urgency: copied?.captured.getTime() ?? Number.NEGATIVE_INFINITY };
      return { plan, order, rank: 2, urgency: captured };
    });
  });
  // A stable order by point, so that a set is begun as a whole.
  return ranked.sort(
    (a, b) =>
      a.rank - b.rank ||
      compare(a.urgency, b.urgency) ||
      compare(a.plan.line.series, b.plan.line.series) ||
      compare(a.order.point.id, b.order.point.id),
  );
}

/** What of a line is due and nobody else's. */
export function ordersOf({ copy, wait, leftToAgent }: LinePlan): readonly CopyOrder[] {
  return [...copy, ...wait].filter(({ point }) => !leftToAgent.has(point.id));
}

function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** As many as there is room for beside the copies that run already, by line and in their order. */
export function withinRoom(
  due: readonly LineOrder[],
  running: number,
): readonly { readonly plan: LinePlan; readonly sources: ReadonlySet<string> }[] {
  const taken = due.slice(0, Math.max(0, mostRunning - running));
  const groups = Map.groupBy(taken, ({ plan }) => plan);
  return [...groups].map(([plan, its]) => ({
    plan,
    sources: new Set(its.map(({ order }) => order.source.id)),
  }));
}

/** Milliseconds by which the copies lag behind, at most; 0 where nothing is missing. */
export function lagOf(lines: readonly LinePlan[], here: Date): number {
  return Math.max(0, ...lines.map(({ behind }) => (behind ? here.getTime() - behind.captured.getTime() : 0)));
}
