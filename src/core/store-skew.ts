import { formatSpan } from "./duration.ts";
import type { Failure } from "./errors.ts";
import type { Hold, RecoveryPoint } from "./recovery-point.ts";
import type { StoreClock } from "./store-answers.ts";
import type { StoredSnapshot } from "./store-ports.ts";

/** Milliseconds that a clock may be off: what differs by more is not believed. */
const allowedSkew = 3_600_000;

/** What is known of the clocks of a repository and of who asks it. */
export interface SkewFacts {
  /** The host's clock. */
  readonly now: Date;
  /** Absent where the store tells no time: then only what lies in the host's future is not believed. */
  readonly clock?: StoreClock | undefined;
  /** Milliseconds that saving may take: a snapshot is dated with its beginning and received at its end. */
  readonly longest: number;
  /** Whether copies are received here, which are dated long before they come. */
  readonly copies?: boolean;
}

/** Why the time of a snapshot is not believed; nothing where it is. */
export function skewOf(
  { id, time, original }: Pick<StoredSnapshot, "id" | "time" | "original">,
  { now, clock, longest, copies = false }: SkewFacts,
): string | undefined {
  if (Number.isNaN(time.getTime())) return "it is dated with no instant";
  const received = clock?.received.get(id);
  const present = clock?.now ?? now;
  // A directory's clock is that of its host: what it received after its present was received while that was wrong.
  const latest = received === undefined || received > present ? present : received;
  const ahead = time.getTime() - latest.getTime();
  if (ahead > allowedSkew) {
    const than = latest === present ? "now" : "the store received it";
    return `it is dated ${formatSpan(ahead / 1000)} later than ${than}`;
  }
  if (received === undefined || (copies && original !== undefined)) return undefined;
  const behind = -ahead - longest;
  return behind > allowedSkew
    ? `it is dated ${formatSpan(-ahead / 1000)} earlier than the store received it`
    : undefined;
}

/**
 * The points with those held of which the time is not believed. Such a point is never removed and counts for
 * nothing: it uses up no slot, and it is no newest point of anything, so that a forged one pushes out no real one.
 */
export function holdingSkewed(
  points: readonly RecoveryPoint[],
  snapshots: readonly StoredSnapshot[],
  facts: SkewFacts,
): readonly RecoveryPoint[] {
  const skews = new Map(snapshots.map((one) => [one.id, skewOf(one, facts)]));
  return points.map((point) => {
    const why = point.snapshots.map(({ id }) => skews.get(id)).find((one) => one !== undefined);
    if (why === undefined) return point;
    const hold: Hold = { by: "clock", detail: `${why}: somebody's clock was wrong, or it is forged` };
    // Its policy would count for ever, since it is for ever recent.
    const { policy: _, ...rest } = point;
    return { ...rest, holds: [...point.holds, hold] };
  });
}

/** Whether points may be removed, as far as the clocks go; `asOf` is the clock that retention goes by. */
export type RemovalClock =
  | {
      readonly ok: true;
      readonly asOf: Date;
      /** What is to be told of it. */
      readonly notice?: string;
    }
  | { readonly ok: false; readonly failure: Failure };

/**
 * By which clock retention goes at a repository. A host whose clock is more than an hour off the store's captures
 * and removes nothing: its new points would be dated wrongly, and one of the two clocks cannot be trusted.
 */
export function removalClock(
  repository: string,
  now: Date,
  clock: Pick<StoreClock, "now"> | undefined,
): RemovalClock {
  if (clock === undefined)
    return {
      ok: true,
      asOf: now,
      notice: `the repository ${repository} tells no time of its own: retention goes by the clock of this host`,
    };
  const off = now.getTime() - clock.now.getTime();
  if (Math.abs(off) <= allowedSkew) return { ok: true, asOf: clock.now };
  const how = off > 0 ? "ahead of" : "behind";
  return {
    ok: false,
    failure: {
      kind: "refused",
      code: "ClockSkew",
      doing: `remove old points from the repository ${repository}`,
      found: `the clock of this host is ${formatSpan(Math.abs(off) / 1000)} ${how} the store's; nothing is removed`,
      remedy: "set the clock of the host that is wrong, then run again",
    },
  };
}
