import type { RecoveryPoint } from "./recovery-point.ts";
import type { RetentionPlan } from "./retention.ts";

/** A plan within the limit that one run may remove without being told. */
export interface BrakedPlan {
  readonly remove: readonly RecoveryPoint[];
  /** Points that the policy gives up and this run leaves, oldest last. */
  readonly postponed: readonly RecoveryPoint[];
  readonly limit: number;
}

/**
 * One run removes at most max(3, 20 %) of a series' points, oldest first, unless a person released the
 * brake. Failed sets hold nothing, are cleaned up whenever they are seen and do not count on either side:
 * a month of them must not widen what may go of the points that hold something.
 */
export function brake(plan: RetentionPlan, released: boolean): BrakedPlan {
  const empty = plan.remove.filter(isEmpty);
  const full = plan.remove.filter((point) => !isEmpty(point));
  const kept = plan.keep.filter(({ point }) => !isEmpty(point));
  const limit = Math.max(3, Math.floor((kept.length + full.length) * 0.2));
  if (released || full.length <= limit) return { remove: plan.remove, postponed: [], limit };
  return { remove: [...full.slice(-limit), ...empty], postponed: full.slice(0, -limit), limit };
}

function isEmpty(point: RecoveryPoint): boolean {
  return point.state === "failed" && !point.snapshots.some((one) => one.state === "completed");
}
