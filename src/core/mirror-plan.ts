import { brake } from "./brake.ts";
import { isMixed, type RecoveryPoint } from "./recovery-point.ts";
import { newestFirst, planRetention } from "./retention.ts";
import { defaultRetention, formatPolicy, parsePolicy, type RetentionPolicy } from "./retention-policy.ts";
import type { StoredSnapshot } from "./store-ports.ts";
import type { RememberedPolicy } from "./upkeep.ts";

/** What tells a snapshot and its copies in other repositories from all others. */
function identityOf({ id, original }: Pick<StoredSnapshot, "id" | "original">): string {
  return original ?? id;
}

/** A repository's points with the snapshots that they were made of. */
export interface Held {
  readonly points: readonly RecoveryPoint[];
  readonly snapshots: readonly StoredSnapshot[];
}

/** A point that is to be copied. */
export interface ToCopy {
  readonly point: RecoveryPoint;
  readonly snapshot: StoredSnapshot;
}

export interface MirrorPlan {
  readonly copy: readonly ToCopy[];
  /** What says of points that were copied while they looked whole that they are not. */
  readonly marks: readonly StoredSnapshot[];
  /** How many of the wished points are there already. */
  readonly there: number;
  /** How many are left out, since the mirror's own policy would remove them at once. */
  readonly beyond: number;
  /** Points of which the time is not believed: they are not copied. */
  readonly disbelieved: readonly RecoveryPoint[];
  /** How many are not complete: they are not copied. */
  readonly incomplete: number;
}

/**
 * What the target lacks of the source's complete points, oldest first, so that what is cut short leaves no hole.
 * What the mirror's policies give up is not copied, or it would be copied again after each removal. What is gone at
 * the source is no reason for anything.
 */
export function planMirror(
  source: Held,
  target: Held,
  isWished: (point: RecoveryPoint) => boolean,
  policies: readonly MirrorPolicy[],
  now: Date,
): MirrorPlan {
  const there = new Set(target.snapshots.map(identityOf));
  const byId = new Map(source.snapshots.map((one) => [one.id, one]));
  const isThere = ({ id }: { readonly id: string }): boolean => there.has(identityOf(byId.get(id) ?? { id }));
  const wished = source.points.filter(isWished);
  const good = wished.filter((point) => point.state === "complete" && !isMixed(point));
  const known = good.flatMap((point): ToCopy[] => {
    const snapshot = byId.get(point.snapshots[0]?.id ?? "");
    return snapshot === undefined || point.snapshots.length !== 1 ? [] : [{ point, snapshot }];
  });
  const missing = known.filter(({ snapshot }) => !there.has(identityOf(snapshot)));
  const unwanted = new Set(
    seriesOf([...target.points.filter(isCopy), ...missing.map(({ point }) => point)]).flatMap(([, points]) =>
      removable(points, policies, now),
    ),
  );
  const copy = missing.filter(({ point }) => !unwanted.has(point));
  // A run that died has its point judged by the next one, and a mirror may have come between the two.
  const halves = wished.filter(({ state, snapshots }) => state === "partial" && snapshots.some(isThere));
  const marks = halves.flatMap(({ stored }) => (stored?.markers ?? []).flatMap((id) => byId.get(id) ?? []));
  return {
    copy: copy.sort((a, b) => a.point.captured.getTime() - b.point.captured.getTime()),
    marks: marks.filter((one) => !there.has(identityOf(one))),
    there: known.length - missing.length,
    beyond: missing.length - copy.length,
    disbelieved: wished.filter(isMixed),
    incomplete: wished.length - good.length - wished.filter(isMixed).length,
  };
}

/** The points by their series. */
export function seriesOf(
  points: readonly RecoveryPoint[],
): readonly (readonly [string, readonly RecoveryPoint[]])[] {
  const found = new Map<string, RecoveryPoint[]>();
  for (const point of points) {
    const list = found.get(point.series);
    if (list === undefined) found.set(point.series, [point]);
    else list.push(point);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What copies are kept by: rules of the mirror's own, or those that each series records on its points. */
export type MirrorPolicy = RetentionPolicy | "recorded";

/** By what one mirror keeps copies. */
export interface MirrorRule {
  /** Those that its source has: only they are its own. */
  readonly series: ReadonlySet<string>;
  readonly policies: readonly MirrorPolicy[];
}

export function ruleOf(source: readonly RecoveryPoint[], policies: readonly MirrorPolicy[]): MirrorRule {
  const believed = source.filter((point) => !isMixed(point));
  return { series: new Set(believed.map(({ series }) => series)), policies };
}

/** Whether it was copied from another repository: only then its snapshot says what it was first. */
export function isCopy({ stored, snapshots }: RecoveryPoint): boolean {
  return stored !== undefined && snapshots.every(({ id }) => id !== stored.original);
}

/**
 * What is to be done with each series of a repository that holds copies. A copy goes if every mirror whose source has
 * its series gives it up, and stays where there is none; what was stored there directly uses up no slot of a copy.
 */
export function planThinning(
  points: readonly RecoveryPoint[],
  rules: readonly MirrorRule[],
  now: Date,
  yes: boolean,
) {
  return seriesOf(points).map(([series, all]) => {
    const copies = all.filter(isCopy);
    const given = rules
      .filter((rule) => rule.series.has(series))
      .map(({ policies }) => new Set(removable(copies, policies, now)));
    const goes = (point: RecoveryPoint) => given.length > 0 && given.every((some) => some.has(point));
    const keep = copies.filter((point) => !goes(point)).map((point) => ({ point, reasons: [] }));
    const { remove, postponed } = brake({ keep, remove: copies.filter(goes).sort(newestFirst) }, yes);
    return { series, kept: all.length - remove.length, remove, postponed, disbelieved: all.filter(isMixed) };
  });
}

/** The points of one series that every policy gives up; none without a policy. */
export function removable(
  points: readonly RecoveryPoint[],
  policies: readonly MirrorPolicy[],
  now: Date,
): readonly RecoveryPoint[] {
  if (policies.length === 0) return [];
  const plans = policies.map((policy) => new Set(givenUp(points, policy, now)));
  return points.filter((point) => plans.every((plan) => plan.has(point)));
}

function givenUp(
  points: readonly RecoveryPoint[],
  policy: MirrorPolicy,
  now: Date,
): readonly RecoveryPoint[] {
  if (policy === "recorded") {
    const recorded = recordedPolicy(points);
    return recorded === undefined ? [] : planRetention(points, recorded, now).remove;
  }
  // What is recorded on the points is the source's policy, which says nothing against the mirror's own.
  const bare = new Map(points.map((point) => [withoutPolicy(point), point]));
  const { remove } = planRetention([...bare.keys()], policy, now, { noShrinkDelay: true });
  return remove.flatMap((copy) => bare.get(copy) ?? []);
}

/** The policy of the newest point that can be believed; absent where it records none, or none that is understood. */
function recordedPolicy(points: readonly RecoveryPoint[]): RetentionPolicy | undefined {
  const [newest] = points.filter((point) => !isMixed(point) && point.state !== "failed").sort(newestFirst);
  return newest?.policy === "unreadable" ? undefined : newest?.policy;
}

function withoutPolicy({ policy: _, ...point }: RecoveryPoint): RecoveryPoint {
  return point;
}

/** The copies that are not among what the target lists after copying, or that say something else. */
export function unproven(copied: readonly ToCopy[], listed: readonly StoredSnapshot[]): readonly ToCopy[] {
  const there = new Map(listed.map((one) => [identityOf(one), one]));
  return copied.filter(({ snapshot }) => {
    const copy = there.get(identityOf(snapshot));
    return copy === undefined || essenceOf(copy) !== essenceOf(snapshot);
  });
}

/** What a copy and its original have in common. */
function essenceOf({ time, host, paths, tags }: StoredSnapshot): string {
  return JSON.stringify([time.getTime(), host, [...paths].sort(), [...tags].sort()]);
}

/**
 * The mirror's policies that count now, and what is to be remembered of them: a policy that another one took the
 * place of counts on for a while, so that a typing error has some days to be noticed.
 */
export function policiesInForce(
  policy: RetentionPolicy | undefined,
  remembered: readonly RememberedPolicy[],
  now: Date,
): { readonly policies: readonly MirrorPolicy[]; readonly remember: readonly RememberedPolicy[] } {
  const text = policy === undefined ? "recorded" : formatPolicy(policy);
  const delay = policy?.shrinkDelay ?? defaultRetention.shrinkDelay;
  const until = new Date(now.getTime() + delay).toISOString();
  const earlier = remembered
    .filter((one) => one.text !== text)
    .map((one) => ({ text: one.text, until: one.until ?? until }))
    .filter((one) => Date.parse(one.until) > now.getTime());
  const before = earlier.map((one) => (one.text === "recorded" ? one.text : parsePolicy(one.text)));
  const remember = [{ text }, ...earlier];
  // One that is not understood keeps all.
  if (before.includes(undefined)) return { policies: [], remember };
  return { policies: [policy ?? "recorded", ...before.flatMap((one) => one ?? [])], remember };
}
