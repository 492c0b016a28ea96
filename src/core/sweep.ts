import { brake } from "./brake.ts";
import { isMixed, type RecoveryPoint } from "./recovery-point.ts";
import { newestFirst, planRetention } from "./retention.ts";
import { countedRules, type RetentionPolicy } from "./retention-policy.ts";
import { expiredPoints, expiredVolumes, latest, type SeriesGround } from "./sweep-expiry.ts";
import type { SweepPruneRules, TaggedRules } from "./sweep-settings.ts";
import { doomedSince, isMarked } from "./sweep-tags.ts";

/** What is to be done with one series. Every point is in exactly one of keep, remove, mark, waiting and postponed. */
export interface SeriesPlan {
  readonly keep: readonly RecoveryPoint[];
  /** Oldest last, as everywhere. */
  readonly remove: readonly RecoveryPoint[];
  /** Given up, and to be marked until a later sweep removes them. */
  readonly mark: readonly RecoveryPoint[];
  /** Given up and marked, and not long enough yet. */
  readonly waiting: readonly RecoveryPoint[];
  /** Given up and left, because of the brake. */
  readonly postponed: readonly RecoveryPoint[];
  /** Of those that are kept: marked by an earlier sweep, which is taken off again. */
  readonly unmark: readonly RecoveryPoint[];
  /** Of those that are kept: they would go, and record no policy that can be read. */
  readonly silent: number;
  /** Of those that go: nothing but their being the last kept them, and that has expired. */
  readonly expired: number;
  /** Why nothing of the series is removed. */
  readonly left?: string;
}

export interface SweepConsent {
  /** Releases the brake. */
  readonly yes: boolean;
}

/**
 * Decides about the points of ONE series by the policy that they record: what a run of the agent would decide, less
 * what the tags of the instance keep beyond it, what records no policy, and what is too young for rules that count.
 * The last points of what is gone for good go when they have expired. `now` is the clock of the listing.
 */
export function planSweep(
  points: readonly RecoveryPoint[],
  ground: SeriesGround,
  rules: SweepPruneRules,
  consent: SweepConsent,
  now: Date,
): SeriesPlan {
  const ordered = [...points].sort(newestFirst);
  const left = unreadable(ordered, ground);
  if (left !== undefined) return leftAlone(ordered, left);
  const policy = policyOf(ordered);
  if (policy === undefined) return leftAlone(ordered, "none of its points can be believed");
  const forget = expiredVolumes(ordered, ground, rules, now);
  const plan = planRetention(ordered, policy, now, { forget });
  const stays = new Set(
    ground.tagged.flatMap((tag) =>
      tag === "unreadable" ? [] : keptByTag(ordered, tag, policy, now, forget),
    ),
  );
  const expired = new Set(expiredPoints(plan.keep, ordered, { ground, rules, forget }, now));
  const given = new Set(plan.remove.filter((point) => !stays.has(point)));
  for (const point of expired) given.add(point);
  if (!consent.yes && failsNow(ordered, ground)) keepAllButFailed(given);
  const silent = [...given].filter(recordsNone);
  const young = [...given].filter((point) => isTooYoung(point, policy, rules, now));
  for (const point of [...silent, ...young]) given.delete(point);
  const steps = inSteps(ordered, given, rules, consent, now);
  return {
    ...steps,
    unmark: steps.keep.filter(isMarked),
    silent: silent.length,
    expired: [...steps.remove, ...steps.mark].filter((point) => expired.has(point)).length,
  };
}

/** A tag says rules alone; the zone that they count in is that of the points. */
function keptByTag(
  points: readonly RecoveryPoint[],
  { counts, within }: TaggedRules,
  { timezone, demanded, shrinkDelay }: RetentionPolicy,
  now: Date,
  forget: ReadonlySet<string>,
): RecoveryPoint[] {
  const rules = within === undefined ? { counts } : { counts, within };
  const plan = planRetention(points, { ...rules, timezone, demanded, shrinkDelay }, now, { forget });
  return plan.keep.map(({ point }) => point);
}

function leftAlone(points: readonly RecoveryPoint[], left: string): SeriesPlan {
  const none = { remove: [], mark: [], waiting: [], postponed: [], expired: 0 };
  return {
    ...none,
    keep: points,
    unmark: points.filter(isMarked),
    silent: points.filter(recordsNone).length,
    left,
  };
}

/** Whose wish nobody can read keeps everything. */
function unreadable(ordered: readonly RecoveryPoint[], { tagged }: SeriesGround): string | undefined {
  if (tagged.includes("unreadable")) return "the retention tag of its instance cannot be read";
  if (ordered.every(({ series }) => series === "")) return "its tags do not say which series it is of";
  const [newest] = believed(ordered);
  if (newest === undefined || typeof newest.policy === "object") return undefined;
  const what = newest.policy === undefined ? "records no policy" : "records a policy that cannot be read";
  return `its newest point ${newest.id} ${what}`;
}

function policyOf(ordered: readonly RecoveryPoint[]): RetentionPolicy | undefined {
  const policy = believed(ordered)[0]?.policy;
  return typeof policy === "object" ? policy : undefined;
}

function believed(ordered: readonly RecoveryPoint[]): readonly RecoveryPoint[] {
  return ordered.filter((point) => point.state !== "failed" && !isMixed(point));
}

/** While an instance's new points come to nothing, the old ones are all there is. */
function failsNow(ordered: readonly RecoveryPoint[], { gone }: SeriesGround): boolean {
  const newest = ordered.find(({ state }) => state !== "pending");
  return newest !== undefined && newest.state !== "complete" && !gone(newest);
}

function keepAllButFailed(given: Set<RecoveryPoint>): void {
  for (const point of given) if (point.state !== "failed") given.delete(point);
}

/** A failed set holds nothing that a policy could keep. */
function recordsNone(point: RecoveryPoint): boolean {
  return typeof point.policy !== "object" && point.state !== "failed";
}

/** A rule of ages alone says what is old; one that counts goes by how many there are, which a fault can swell. */
function isTooYoung(
  point: RecoveryPoint,
  policy: RetentionPolicy,
  { minimumAge }: SweepPruneRules,
  now: Date,
): boolean {
  if (point.state === "failed" || now.getTime() - latest(point) >= minimumAge) return false;
  return (
    policy.within === undefined || countedRules.some((rule) => rule !== "minimum" && policy.counts[rule])
  );
}

/** What is given up, within what one sweep may mark and may remove. */
function inSteps(
  ordered: readonly RecoveryPoint[],
  given: ReadonlySet<RecoveryPoint>,
  { mark }: SweepPruneRules,
  { yes }: SweepConsent,
  now: Date,
): Pick<SeriesPlan, "keep" | "remove" | "mark" | "waiting" | "postponed"> {
  const braked = (some: readonly RecoveryPoint[]) => {
    if (some.length === 0) return { remove: some, postponed: [] };
    const chosen = new Set(some);
    const others = ordered.filter((point) => !chosen.has(point));
    return brake({ keep: others.map((point) => ({ point, reasons: [] })), remove: some }, yes);
  };
  const going = ordered.filter((point) => given.has(point));
  const keep = ordered.filter((point) => !given.has(point));
  if (mark === 0) {
    const { remove, postponed } = braked(going);
    return { keep, remove, postponed, mark: [], waiting: [] };
  }
  // What a mark of the future says is no mark: it would go too late or, once the clock is right, never.
  const since = (point: RecoveryPoint) => {
    const at = doomedSince(point)?.getTime();
    return at === undefined || at > now.getTime() ? undefined : at;
  };
  const isDue = (at: number) => now.getTime() - at >= mark;
  const marked = going.filter((point) => since(point) !== undefined);
  const removal = braked(marked.filter((point) => isDue(since(point) ?? now.getTime())));
  const marking = braked(going.filter((point) => since(point) === undefined));
  return {
    keep,
    remove: removal.remove,
    mark: marking.remove,
    waiting: marked.filter((point) => !isDue(since(point) ?? now.getTime())),
    postponed: [...removal.postponed, ...marking.postponed],
  };
}
