import { attemptOf, type CopiesOfOne, copiesThere, pointsThere } from "./copies-there.ts";
import { holdsOf } from "./point-holds.ts";
import { isMixed, type RecoveryPoint, type Snapshot } from "./recovery-point.ts";
import { isCopy } from "./restore-copies.ts";
import { newestFirst, planRetention } from "./retention.ts";
import type { RetentionPolicy } from "./retention-policy.ts";

/** EC2 runs at most so many copies at once into one Region of an account (Amazon EBS quotas). */
export const mostRunning = 20;

/** What is known when it is decided about the copies of one series in one Region. */
export interface CopyScene {
  /** All points of the series, where it is captured. */
  readonly here: readonly RecoveryPoint[];
  /** All snapshots of the series in the other Region. */
  readonly there: readonly Snapshot[];
  /** That of the copies. */
  readonly policy: RetentionPolicy;
  /** The clock of the listing there. */
  readonly now: Date;
  /** Copies under way there, whoever began them. */
  readonly running: number;
}

/** One snapshot that is to be copied. */
export interface CopyOrder {
  readonly point: RecoveryPoint;
  readonly source: Snapshot;
  /** From 1. */
  readonly attempt: number;
  /** Tries that failed, which go once this one is under way. */
  readonly replaces: readonly Snapshot[];
}

export interface BadCopy {
  readonly point: string;
  readonly source: string;
  readonly copy: Snapshot;
  readonly attempt: number;
  /** When it is tried again, where that is not yet. */
  readonly retryAt?: Date;
}

export interface CopyPlan {
  /** In this order, as many as there is room for. */
  readonly copy: readonly CopyOrder[];
  /** What there is no room for; the next run goes on. */
  readonly wait: readonly CopyOrder[];
  /** Copies that are of no use, which go. */
  readonly clear: readonly { readonly copy: Snapshot; readonly because: "failed" | "doubled" }[];
  /** Copies that failed and are wanted still. */
  readonly bad: readonly BadCopy[];
  /** Points here that cannot be copied, and why. */
  readonly left: readonly { readonly point: RecoveryPoint; readonly because: string }[];
  /** The points there, for retention: what is not whole yet and what the next copies build on is held. */
  readonly points: readonly RecoveryPoint[];
  /** The oldest point that is wanted there and not whole there; `wanted`: how many are. */
  readonly behind?: RecoveryPoint;
  readonly wanted: number;
}

const hour = 3_600_000;

/** How long a copy that failed is left before the next try; from the third on once a day. */
const pauses = [0, hour, 24 * hour] as const;

/**
 * Decides which points of ONE series are copied to one Region, from what both Regions list and nothing else.
 *
 * Only complete points are copied, never a copy, and only what the policy there would keep. The newest comes first,
 * since it is the one that is asked for after a disaster; then what is begun, since half a set is worth nothing; then
 * the oldest, which retention here gives up next. What is whole there or under way is never ordered again.
 */
export function planCopies({ here, there, policy, now, running }: CopyScene): CopyPlan {
  const copies = copiesThere(there, now);
  const points = pointsThere(copies, now);
  const byOrigin = new Map(copies.map((one) => [`${one.point} ${one.source}`, one]));
  const copiesOf = (point: RecoveryPoint, { id }: Snapshot) => byOrigin.get(`${point.id} ${id}`);
  const { eligible, left } = judge(here);
  const isWhole = (point: RecoveryPoint) =>
    point.snapshots.every((one) => copiesOf(point, one)?.keeper?.state === "completed");
  const missing = eligible.filter((point) => !isWhole(point));
  const wanted = wantedOf(missing, points, policy, now);
  const due: CopyOrder[] = [];
  const bad: BadCopy[] = [];
  for (const point of inOrder(wanted, eligible, copiesOf)) {
    for (const source of point.snapshots) {
      const known = copiesOf(point, source);
      if (known?.keeper !== undefined) continue;
      const failure = failureIn(known, now);
      if (failure !== undefined) bad.push(failure);
      if (failure?.retryAt !== undefined) continue;
      due.push({ point, source, attempt: (failure?.attempt ?? 0) + 1, replaces: known?.failed ?? [] });
    }
  }
  const room = Math.max(0, mostRunning - running);
  const behind = [...wanted].sort(newestFirst).at(-1);
  return {
    copy: due.slice(0, room),
    wait: due.slice(room),
    clear: clearances(copies, new Set(wanted.map(({ id }) => id)), now),
    bad,
    left,
    points: withChainHolds(points, wanted),
    ...(behind && { behind }),
    wanted: wanted.length,
  };
}

/** What of the points here can be copied at all. */
function judge(here: readonly RecoveryPoint[]): {
  eligible: readonly RecoveryPoint[];
  left: CopyPlan["left"];
} {
  const complete = here.filter(({ state }) => state === "complete");
  const reasons = complete.map((point) => ({ point, because: obstacleOf(point) }));
  return {
    eligible: reasons.flatMap(({ point, because }) => (because === undefined ? [point] : [])),
    left: reasons.flatMap(({ point, because }) => (because === undefined ? [] : [{ point, because }])),
  };
}

function obstacleOf(point: RecoveryPoint): string | undefined {
  if (point.snapshots.some(isCopy)) return "it is a copy itself";
  if (isMixed(point)) return "nobody can tell which of its snapshots are the point";
  if (point.series === "" || point.instanceArn === "" || point.job === "")
    return "its tags do not tell whose it is";
  if (point.image !== undefined) return "it is of an image";
  const archived = point.snapshots.find((one) => one.archived);
  return archived && `${archived.id} is archived, and EC2 copies no archived snapshot`;
}

/**
 * Of the points that are not whole there, those that the policy there would keep beside all that is there or is
 * going to be. What it would remove at once is not worth its price.
 */
function wantedOf(
  missing: readonly RecoveryPoint[],
  there: readonly RecoveryPoint[],
  policy: RetentionPolicy,
  now: Date,
): readonly RecoveryPoint[] {
  const ids = new Set(missing.map(({ id }) => id));
  const future = missing.map((point) => ({ ...point, policy }));
  const { keep } = planRetention([...future, ...there.filter(({ id }) => !ids.has(id))], policy, now);
  const kept = new Set(keep.map(({ point }) => point.id));
  return missing.filter(({ id }) => kept.has(id));
}

/** The newest of all if it is missing, then what is begun, then the oldest first. */
function inOrder(
  wanted: readonly RecoveryPoint[],
  eligible: readonly RecoveryPoint[],
  copiesOf: (point: RecoveryPoint, one: Snapshot) => CopiesOfOne | undefined,
): readonly RecoveryPoint[] {
  const [newest] = [...eligible].sort(newestFirst);
  const rank = (point: RecoveryPoint) => {
    if (point.id === newest?.id) return 0;
    return point.snapshots.some((one) => copiesOf(point, one)?.keeper !== undefined) ? 1 : 2;
  };
  return [...wanted].sort((a, b) => rank(a) - rank(b) || newestFirst(b, a));
}

function failureIn(known: CopiesOfOne | undefined, now: Date): BadCopy | undefined {
  const copy = known?.failed.at(-1);
  if (known === undefined || copy === undefined) return undefined;
  const attempt = Math.max(...known.failed.map(attemptOf));
  const pause = pauses[Math.min(attempt, pauses.length) - 1] ?? 0;
  const retryAt = new Date(copy.startTime.getTime() + pause);
  const { point, source } = known;
  return { point, source, copy, attempt, ...(pause > 0 && retryAt > now && { retryAt }) };
}

/** Failed copies that another has replaced or nobody wants, and doubles of one that is complete. */
function clearances(
  copies: readonly CopiesOfOne[],
  wanted: ReadonlySet<string>,
  now: Date,
): CopyPlan["clear"] {
  return copies.flatMap(({ point, keeper, doubled, failed }) => {
    // The last one says which try it was, as long as another is to follow.
    const useless = keeper !== undefined || !wanted.has(point) ? failed : failed.slice(0, -1);
    const surplus = keeper?.state === "completed" ? doubled.filter((one) => isSpare(one, keeper, now)) : [];
    return [
      ...useless.map((copy) => ({ copy, because: "failed" as const })),
      ...surplus.map((copy) => ({ copy, because: "doubled" as const })),
    ];
  });
}

/** Whether nothing holds a double, or nothing but the mark that came along from the source and holds the keeper, too. */
function isSpare(one: Snapshot, keeper: Snapshot, now: Date): boolean {
  const kept = holdsOf(keeper, now);
  return holdsOf(one, now).every(({ by }) => by === "keep-forever" && kept.some((hold) => hold.by === by));
}

/**
 * Holds what is being made whole, and the newest copy of each volume even where its set will never be whole: EC2
 * copies only what has changed since that one, and everything where it is gone.
 */
export function withChainHolds(
  points: readonly RecoveryPoint[],
  wanted: readonly RecoveryPoint[] = [],
): readonly RecoveryPoint[] {
  const ids = new Set(wanted.map(({ id }) => id));
  const seen = new Set<string>();
  const newest = new Map<RecoveryPoint, string[]>();
  for (const point of [...points].sort(newestFirst)) {
    const fresh = point.snapshots.filter((one) => one.state === "completed" && !seen.has(one.volumeId));
    for (const { volumeId } of fresh) seen.add(volumeId);
    if (point.state !== "complete" && fresh.length > 0)
      newest.set(
        point,
        fresh.map(({ volumeId }) => volumeId),
      );
  }
  return points.map((point) => {
    const volumes = newest.get(point);
    const detail =
      ids.has(point.id) && point.state !== "complete"
        ? "it is not whole yet"
        : volumes && `the newest copy of ${volumes.join(", ")}, which the next one builds on`;
    return detail === undefined
      ? point
      : { ...point, holds: [...point.holds, { by: "copy" as const, detail }] };
  });
}
