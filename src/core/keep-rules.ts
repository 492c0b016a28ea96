import { formatDuration } from "./duration.ts";
import { type Period, periodCounter } from "./periods.ts";
import { isMixed, type RecoveryPoint } from "./recovery-point.ts";
import { type CountedRule, consistencies, keepsAll, type RetentionPolicy } from "./retention-policy.ts";

/** Why a point is kept, such as `daily 3` or `newest complete of vol-1`. */
export interface KeepReason {
  readonly rule:
    | CountedRule
    | "within"
    | "everything"
    | "newest-of-volume"
    | "pending"
    | "held"
    | "shrink-delay"
    | "policy-record";
  readonly detail: string;
}

/** Why each point is kept, as far as that is known yet. */
export type Reasons = Map<RecoveryPoint, KeepReason[]>;

export function add(reasons: Reasons, point: RecoveryPoint, reason: KeepReason): void {
  const list = reasons.get(point);
  if (list === undefined) reasons.set(point, [reason]);
  else list.push(reason);
}

/** How good a point is in the eyes of a policy; more than what is demanded counts as no better. */
function qualityOf(point: RecoveryPoint, policy: RetentionPolicy): number {
  if (point.state === "failed") return 0;
  if (point.state === "partial") return 1;
  const rank = Math.min(consistencies.indexOf(point.consistency), consistencies.indexOf(policy.demanded));
  return 2 + rank;
}

/**
 * Applies the rules once for each quality that occurs, to the points of at least that quality: the
 * better ones get all the slots as if the lesser did not exist, and the lesser still get slots of
 * periods that have nothing better. A failed set holds nothing and gets none.
 */
export function keepByPolicy(
  points: readonly RecoveryPoint[],
  policy: RetentionPolicy,
  now: Date,
  reasons: Reasons,
  reword: (reason: KeepReason) => KeepReason,
): void {
  const quality = new Map(points.map((point) => [point, qualityOf(point, policy)]));
  const said = new Set<string>();
  const keep = (point: RecoveryPoint, reason: KeepReason): void => {
    const key = `${point.id} ${reason.rule}`;
    if (said.has(key)) return;
    said.add(key);
    add(reasons, point, reword(reason));
  };
  if (keepsAll(policy)) {
    for (const point of points) keep(point, { rule: "everything", detail: "the policy has no rules" });
    return;
  }
  const settled = points.filter((point) => point.state !== "pending" && !isMixed(point));
  const levels = [...new Set(settled.map((point) => quality.get(point) ?? 0))].filter((level) => level > 0);
  for (const level of levels.sort((a, b) => b - a)) {
    const good = settled.filter((point) => (quality.get(point) ?? 0) >= level);
    applyRules(good, (point) => quality.get(point) ?? 0, policy, now, keep);
  }
}

function applyRules(
  points: readonly RecoveryPoint[],
  quality: (point: RecoveryPoint) => number,
  policy: RetentionPolicy,
  now: Date,
  keep: (point: RecoveryPoint, reason: KeepReason) => void,
): void {
  for (const rule of ["last", "minimum"] as const) {
    points.slice(0, policy.counts[rule] ?? 0).forEach((point, index) => {
      keep(point, { rule, detail: `${rule} ${index + 1}` });
    });
  }
  const { within } = policy;
  if (within !== undefined) {
    const limit = now.getTime() - within;
    for (const point of points) {
      if (point.captured.getTime() < limit) break;
      keep(point, { rule: "within", detail: `within ${formatDuration(within)}` });
    }
  }
  const periodOf = periodCounter(policy.timezone);
  for (const rule of ["hourly", "daily", "weekly", "monthly", "yearly"] as const) {
    keepPeriods(points, rule, policy.counts[rule] ?? 0, quality, periodOf, keep);
  }
}

/** Keeps the best point of each of the newest `count` periods that hold a point. */
function keepPeriods(
  points: readonly RecoveryPoint[],
  rule: Period,
  count: number,
  quality: (point: RecoveryPoint) => number,
  periodOf: (period: Period, instant: Date) => number,
  keep: (point: RecoveryPoint, reason: KeepReason) => void,
): void {
  let nth = 0;
  let current: number | undefined;
  let best: RecoveryPoint | undefined;
  const close = (): void => {
    if (best !== undefined) keep(best, { rule, detail: `${rule} ${nth}` });
  };
  if (count === 0) return;
  for (const point of points) {
    const period = periodOf(rule, point.captured);
    if (period !== current) {
      if (nth === count) break;
      close();
      nth += 1;
      current = period;
      best = point;
    } else if (best !== undefined && quality(point) > quality(best)) {
      best = point;
    }
  }
  close();
}
