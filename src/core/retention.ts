import { add, type KeepReason, keepByPolicy, type Reasons } from "./keep-rules.ts";
import { isMixed, type RecoveryPoint, restorableVolumes } from "./recovery-point.ts";
import { describePolicy, formatPolicy, type RetentionPolicy } from "./retention-policy.ts";

export interface Kept {
  readonly point: RecoveryPoint;
  readonly reasons: readonly KeepReason[];
}

/** What retention decides about a series: every point is in exactly one of the two lists, newest first. */
export interface RetentionPlan {
  readonly keep: readonly Kept[];
  readonly remove: readonly RecoveryPoint[];
}

/** Wishes that go beyond the policy, each said by a person and never by a tag. */
export interface RetentionOverrides {
  /** End the wait after a policy shrank. */
  readonly noShrinkDelay?: boolean;
  /** Volumes whose newest point may go, because they are gone for good. */
  readonly forget?: ReadonlySet<string>;
  /** Nothing adds to the series any more, so that its rules would keep its last points for ever: all may go. */
  readonly whole?: boolean;
}

/**
 * Decides which points of ONE series stay.
 *
 * A point is kept if any rule keeps it, if it is pending or held, if it is the newest complete point
 * that contains some volume, or if a policy that was in force within the last `shrinkDelay` keeps it.
 * Partial, failed and less consistent points never use up the slot of a better one.
 *
 * `now` is the clock of the listing, never of the host.
 */
export function planRetention(
  points: readonly RecoveryPoint[],
  policy: RetentionPolicy,
  now: Date,
  overrides: RetentionOverrides = {},
): RetentionPlan {
  const ordered = [...points].sort(newestFirst);
  const reasons: Reasons = new Map();
  keepTheUntouchable(ordered, now, reasons);
  if (overrides.whole !== true) keepByRules(ordered, policy, now, overrides, reasons);
  return {
    keep: ordered.flatMap((point) => {
      const why = reasons.get(point);
      return why === undefined ? [] : [{ point, reasons: why }];
    }),
    remove: ordered.filter((point) => !reasons.has(point)),
  };
}

function keepByRules(
  ordered: readonly RecoveryPoint[],
  policy: RetentionPolicy,
  now: Date,
  overrides: RetentionOverrides,
  reasons: Reasons,
): void {
  keepByPolicy(ordered, policy, now, reasons, (reason) => reason);
  if (overrides.noShrinkDelay !== true) keepByRecordedPolicies(ordered, policy, now, reasons);
  keepNewestOfEachVolume(ordered, overrides.forget ?? new Set(), reasons);
}

/** For sorting; of two of the same instant the one with the higher id. */
export function newestFirst(a: RecoveryPoint, b: RecoveryPoint): number {
  return b.captured.getTime() - a.captured.getTime() || (a.id < b.id ? 1 : -1);
}

/** EC2 promises that a new snapshot is listed within minutes; until then a whole set can look partial. */
const visibleWithin = 3_600_000;

function keepTheUntouchable(points: readonly RecoveryPoint[], now: Date, reasons: Reasons): void {
  for (const point of points) {
    if (point.state === "pending") add(reasons, point, { rule: "pending", detail: "not yet settled" });
    if (point.state === "partial" && isRecent(point, now, visibleWithin)) {
      add(reasons, point, { rule: "pending", detail: "members of so young a set may not be listed yet" });
    }
    for (const hold of point.holds) {
      add(reasons, point, { rule: "held", detail: `${hold.by}: ${hold.detail}` });
    }
  }
}

/**
 * A policy that shrank waits: what the policies recorded on the points of the last `shrinkDelay` keep
 * stays, so that a typing error has a week to be noticed. Where captures are rarer than that, the two
 * newest points count whatever their age: the one made under the new policy, and the one before it. The
 * newest point that carries such a policy stays too, since with it the wait would be forgotten.
 */
function keepByRecordedPolicies(
  points: readonly RecoveryPoint[],
  policy: RetentionPolicy,
  now: Date,
  reasons: Reasons,
): void {
  const inForce = formatPolicy(policy);
  const seen = new Set<string>();
  const newest = new Set(points.filter((point) => point.state !== "failed" && !isMixed(point)).slice(0, 2));
  for (const point of points) {
    const recorded = point.policy;
    // Points that were read together share what is the same.
    if (recorded === undefined || recorded === policy) continue;
    const own = recorded === "unreadable" ? 0 : recorded.shrinkDelay;
    if (!newest.has(point) && !isRecent(point, now, Math.max(policy.shrinkDelay, own))) continue;
    if (recorded === "unreadable") {
      keepAllFor(points, point, reasons);
      continue;
    }
    const text = formatPolicy(recorded);
    if (text === inForce || seen.has(text)) continue;
    seen.add(text);
    const words = describePolicy(recorded);
    add(reasons, point, { rule: "policy-record", detail: `the newest that records the policy ${words}` });
    keepByPolicy(points, recorded, now, reasons, (reason) => ({
      rule: "shrink-delay",
      detail: `${reason.detail} of the earlier policy ${words}`,
    }));
  }
}

function isRecent(point: RecoveryPoint, now: Date, delay: number): boolean {
  return point.captured.getTime() > now.getTime() - delay;
}

function keepAllFor(points: readonly RecoveryPoint[], carrier: RecoveryPoint, reasons: Reasons): void {
  for (const point of points) {
    add(reasons, point, {
      rule: "shrink-delay",
      detail: `the policy recorded on ${carrier.id} cannot be read, so nothing is removed while it may count`,
    });
  }
}

/**
 * The floor that nobody can dig through: the newest complete point that contains a volume stays. Where
 * a volume is in no complete point, the newest that holds its data at all takes that place.
 */
function keepNewestOfEachVolume(
  points: readonly RecoveryPoint[],
  forgotten: ReadonlySet<string>,
  reasons: Reasons,
): void {
  const safe = new Set(forgotten);
  for (const complete of [true, false]) {
    for (const point of points) {
      if ((point.state === "complete") !== complete || point.state === "pending" || isMixed(point)) continue;
      const volumes = restorableVolumes(point).filter((volume) => !safe.has(volume));
      if (volumes.length === 0) continue;
      for (const volume of volumes) safe.add(volume);
      const what = complete ? "the newest complete point of" : "the only data of";
      add(reasons, point, {
        rule: "newest-of-volume",
        detail: `${what} ${[...new Set(volumes)].join(", ")}`,
      });
    }
  }
}
