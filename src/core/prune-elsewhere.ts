import { brake } from "./brake.ts";
import { formatSpan } from "./duration.ts";
import { isCopy, type MirrorPolicy, removable, seriesOf } from "./mirror-plan.ts";
import { isMixed, type RecoveryPoint } from "./recovery-point.ts";
import { newestFirst, planRetention } from "./retention.ts";
import { describePolicy, type RetentionPolicy } from "./retention-policy.ts";

/** What a person allows or demands beyond the recorded policies. */
export interface ElsewhereConsent {
  /** Releases the brake, and ends the wait after a policy shrank. */
  readonly yes: boolean;
  /** What this keeps stays in any case: a host cannot say otherwise. */
  readonly floor?: RetentionPolicy | undefined;
  /** The policies of each mirror that copies into it: of the copies what one of them keeps stays. */
  readonly mirrors?: readonly (readonly MirrorPolicy[])[];
}

/** What is to be done with one series of a repository. */
export interface ElsewherePlan {
  readonly series: string;
  readonly kept: number;
  readonly remove: readonly RecoveryPoint[];
  readonly postponed: readonly RecoveryPoint[];
  readonly disbelieved: readonly RecoveryPoint[];
  /** Why nothing of the series is removed. */
  readonly left?: string;
  /** What somebody should look at. */
  readonly warning?: string;
}

/**
 * What the policies that the hosts recorded on their own points give up, series by series, of all hosts of a
 * repository. A host can say what it likes there: a policy that shrank waits, the brake holds, and a floor stays. Copies
 * stay as well as long as a mirror keeps them.
 */
export function planElsewhere(
  points: readonly RecoveryPoint[],
  consent: ElsewhereConsent,
  now: Date,
): readonly ElsewherePlan[] {
  return seriesOf(points).map(([series, all]) => planSeries(series, all, consent, now));
}

function planSeries(
  series: string,
  points: readonly RecoveryPoint[],
  { yes, floor, mirrors = [] }: ElsewhereConsent,
  now: Date,
): ElsewherePlan {
  const disbelieved = points.filter(isMixed);
  const nothing = { series, kept: points.length, remove: [], postponed: [], disbelieved };
  const believed = points.filter((point) => !isMixed(point)).sort(newestFirst);
  const [newest] = believed.filter(({ state }) => state !== "failed");
  if (series === "") return { ...nothing, left: "its points name no series" };
  if (newest === undefined) return { ...nothing, left: "none of its points can be believed" };
  const { policy } = newest;
  if (policy === undefined) return { ...nothing, left: `its newest point ${newest.id} records no policy` };
  if (policy === "unreadable")
    return { ...nothing, left: `the policy that its newest point ${newest.id} records cannot be read` };
  const plan = planRetention(points, policy, now, { noShrinkDelay: yes });
  const floored = floor === undefined ? [] : planRetention(points, floor, now).keep.map(({ point }) => point);
  const stays = new Set([...floored, ...mirrors.flatMap((policies) => keptBy(policies, points, now))]);
  const remove = plan.remove.filter((point) => !stays.has(point));
  const saved = plan.remove.filter((point) => stays.has(point));
  const keep = [...plan.keep, ...saved.map((point) => ({ point, reasons: [] }))];
  const braked = brake({ keep, remove }, yes);
  const shrank = keep.filter(({ reasons }) => onlyWaiting(reasons)).length;
  return {
    series,
    kept: points.length - braked.remove.length,
    remove: braked.remove,
    postponed: braked.postponed,
    disbelieved,
    ...(shrank === 0 ? {} : { warning: shrunk(shrank, policy, newest, now) }),
  };
}

/** The copies that a mirror keeps by rules of its own. */
function keptBy(
  policies: readonly MirrorPolicy[],
  points: readonly RecoveryPoint[],
  now: Date,
): readonly RecoveryPoint[] {
  const own = policies.filter((policy) => policy !== "recorded");
  // What is recorded has had its say; without any that is understood a mirror keeps all.
  if (own.length === 0 && policies.length > 0) return [];
  const copies = points.filter(isCopy);
  const gone = new Set(removable(copies, own, now));
  return copies.filter((point) => !gone.has(point));
}

/** Kept by an earlier policy alone. */
function onlyWaiting(reasons: readonly { readonly rule: string }[]): boolean {
  return reasons.length > 0 && reasons.every(({ rule }) => rule === "shrink-delay");
}

function shrunk(count: number, policy: RetentionPolicy, newest: RecoveryPoint, now: Date): string {
  const age = formatSpan(Math.max(0, now.getTime() - newest.captured.getTime()) / 1000);
  return `its policy shrank to ${describePolicy(policy)} (recorded ${age} ago): ${count} of its points would go when the wait is over; see who changed it`;
}
