import type { KeepReason } from "./keep-rules.ts";
import { periodCounter } from "./periods.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import type { Kept } from "./retention.ts";
import { keepsAll, type RetentionPolicy } from "./retention-policy.ts";
import type { SweepPruneRules, TaggedRules } from "./sweep-settings.ts";

/** What is known of the instances and volumes of a series. Each by a listing that was whole, or it is not gone. */
export interface SeriesGround {
  /** Whether the instance of a point is in no listing, or terminated. Never true of a copy, whose instance is elsewhere. */
  readonly gone: (point: RecoveryPoint) => boolean;
  /** Whether a volume is in no listing, in whatever state. */
  readonly volumeGone: (volume: string) => boolean;
  /** Whether the instance of a point was in an Auto Scaling group. */
  readonly grouped: (point: RecoveryPoint) => boolean;
  /** Milliseconds: how long the last points of what is gone stay by what captured this one; absent = as the rules have it. */
  readonly expiry?: (point: RecoveryPoint) => number | undefined;
  /** What the tags of its living instances ask for; where that keeps more, it is kept. */
  readonly tagged: readonly (TaggedRules | "unreadable")[];
}

/** When a point was made here: a copy is as old as its source for the rules, and no older than itself here. */
export function latest({ captured, snapshots }: RecoveryPoint): number {
  return Math.max(captured.getTime(), ...snapshots.map(({ startTime }) => startTime.getTime()));
}

export interface Expiry {
  readonly ground: SeriesGround;
  readonly rules: SweepPruneRules;
  readonly forget: ReadonlySet<string>;
}

/** Milliseconds after which the last points go, as far as one has a say; absent = never. */
function limitOf(point: RecoveryPoint, { ground, rules }: Omit<Expiry, "forget">): number | undefined {
  const { expireLastAfter, expireLastAfterOfGroups } = rules;
  return ground.expiry?.(point) ?? (ground.grouped(point) ? expireLastAfterOfGroups : expireLastAfter);
}

function hasExpired(points: readonly RecoveryPoint[], known: Omit<Expiry, "forget">, now: Date): boolean {
  let most = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    const limit = limitOf(point, known);
    if (limit === undefined) return false;
    most = Math.max(most, limit);
  }
  if (points.length === 0 || !points.every(known.ground.gone)) return false;
  return now.getTime() - Math.max(...points.map(latest)) > most;
}

/** Volumes that are gone, of instances that are gone, and of which nothing has been captured for long enough. */
export function expiredVolumes(
  points: readonly RecoveryPoint[],
  ground: SeriesGround,
  rules: SweepPruneRules,
  now: Date,
): ReadonlySet<string> {
  const known = { ground, rules };
  if (!points.some((point) => limitOf(point, known) !== undefined)) return new Set();
  const holding = new Map<string, RecoveryPoint[]>();
  for (const point of points)
    for (const { volumeId } of point.snapshots) {
      const list = holding.get(volumeId);
      if (list === undefined) holding.set(volumeId, [point]);
      else if (list.at(-1) !== point) list.push(point);
    }
  const gone = [...holding].filter(
    ([volume, its]) => hasExpired(its, known, now) && ground.volumeGone(volume),
  );
  return new Set(gone.map(([volume]) => volume));
}

/**
 * Of a series that is gone as a whole and for long enough, what only a count has kept: the last so many, or the best of
 * so many periods that hold a point, of which there will be no more. What lies in one of so many periods of the
 * calendar stays until they have passed.
 */
export function expiredPoints(
  keep: readonly Kept[],
  all: readonly RecoveryPoint[],
  expiry: Expiry,
  now: Date,
): RecoveryPoint[] {
  const settled = all.filter((point) => point.state !== "failed");
  if (settled.length === 0 || !hasExpired(settled, expiry, now)) return [];
  const policies = all.flatMap(({ policy }) => (typeof policy === "object" ? [policy] : []));
  const distinct = [...new Map(policies.map((policy) => [JSON.stringify(policy), policy])).values()];
  return keep
    .filter(
      ({ point, reasons }) => reasons.every(mayExpire) && expiry.forget.size > 0 && holdsOnly(point, expiry),
    )
    .map(({ point }) => point)
    .filter((point) => !distinct.some((policy) => keepsByCalendar(point, policy, now)));
}

function holdsOnly({ snapshots }: RecoveryPoint, { forget }: Expiry): boolean {
  return snapshots.every(({ volumeId }) => forget.has(volumeId));
}

function mayExpire({ rule }: KeepReason): boolean {
  return rule !== "held" && rule !== "pending" && rule !== "everything";
}

const periods = ["hourly", "daily", "weekly", "monthly", "yearly"] as const;
const hour = 3_600_000;

/** Whether a policy keeps what is of that age, however many points there are. */
function keepsByCalendar({ captured }: RecoveryPoint, policy: RetentionPolicy, now: Date): boolean {
  if (keepsAll(policy)) return true;
  if (policy.within !== undefined && captured.getTime() >= now.getTime() - policy.within) return true;
  const periodOf = periodCounter(policy.timezone);
  return periods.some((rule) => {
    const passed = periodOf(rule, now) - periodOf(rule, captured);
    return (rule === "hourly" ? passed / hour : passed) < (policy.counts[rule] ?? 0);
  });
}
