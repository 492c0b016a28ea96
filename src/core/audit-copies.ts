import type { AuditFacts, AuditFinding } from "./audit-ports.ts";
import { mostRunning } from "./copies.ts";
import { copiesThere, pointsThere } from "./copies-there.ts";
import { targetsOfTag } from "./copy-target.ts";
import { formatSpan } from "./duration.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import { newestFirst } from "./retention.ts";

/** What of a unit is kept until those that it copies to have been looked at. */
export interface CopyGround {
  readonly unit: string;
  readonly account: string;
  readonly region: string;
  readonly asOf: Date;
  /** Of each series that is copied: to where, and its points with the ids of their snapshots. */
  readonly copied: readonly {
    readonly region: string;
    readonly points: readonly { readonly id: string; readonly captured: Date }[];
  }[];
  /** Points that are whole here as copies, by id. */
  readonly whole: ReadonlySet<string>;
}

export function copyGroundOf({ unit, asOf, points, copies }: AuditFacts): CopyGround {
  const series = Map.groupBy(
    points.filter(({ state, image }) => state === "complete" && image === undefined),
    (point) => point.series,
  );
  const copied = [...series.values()].flatMap((its) => {
    const ordered = its.sort(newestFirst);
    return targetsOf(ordered[0]).map((region) => ({
      region,
      points: ordered.map(({ id, captured }) => ({ id, captured })),
    }));
  });
  const there = pointsThere(copiesThere(copies, asOf), asOf);
  const whole = new Set(there.filter(({ state }) => state === "complete").map(({ id }) => id));
  return { unit: unit.id, account: unit.account, region: unit.region, asOf, copied, whole };
}

function targetsOf(point: RecoveryPoint | undefined): readonly string[] {
  if (typeof point?.policy !== "object") return [];
  const targets = targetsOfTag(point.snapshots[0]?.tags ?? {}, point.policy) ?? [];
  return targets.map(({ region }) => region);
}

/** Series whose newest copy in a target is older than `after` milliseconds, and targets that nobody looked into. */
export function judgeCopies(grounds: readonly CopyGround[], after: number): AuditFinding[] {
  const byPlace = new Map(grounds.map((one) => [`${one.account}/${one.region}`, one]));
  return grounds.flatMap((ground) => {
    const byTarget = Map.groupBy(ground.copied, ({ region }) => region);
    return [...byTarget].flatMap(([region, all]) => judgeTarget(ground, region, all, byPlace, after));
  });
}

function judgeTarget(
  { unit, account, asOf }: CopyGround,
  region: string,
  all: CopyGround["copied"],
  byPlace: ReadonlyMap<string, CopyGround>,
  after: number,
): AuditFinding[] {
  const there = byPlace.get(`${account}/${region}`);
  if (there === undefined)
    return [
      {
        severity: "note",
        kind: "unread",
        unit,
        what: `${all.length} series of points are copied to ${region}, which was not looked into`,
        why: "whether the copies are there is unknown",
        command: `ec2-backup sweep audit --region ${unit.split("/")[1]} --region ${region}`,
        about: [],
      },
    ];
  // The oldest point that is newer than all that is whole there is what would be lost with this Region.
  const lags = all.flatMap(({ points }) => {
    const missing = points.slice(0, Math.max(0, firstOr(points, there.whole)));
    const oldest = missing.at(-1);
    const lag = oldest === undefined ? 0 : asOf.getTime() - oldest.captured.getTime();
    return lag > after && oldest !== undefined ? [{ lag, point: oldest.id }] : [];
  });
  if (lags.length === 0) return [];
  const worst = Math.max(...lags.map(({ lag }) => lag));
  return [
    {
      severity: "error",
      kind: "copy-lag",
      unit,
      what: `the copies in ${region} of ${lags.length} series lag behind, by up to ${formatSpan(worst / 1_000)}`,
      why: "what is lost with this Region is all that is not there yet",
      advice: `a key there that may not be used is the usual cause; see on the instance which copies failed. AWS runs at most ${mostRunning} copies into a Region of an account at once`,
      command: "ec2-backup copy --dry-run",
      about: lags.map(({ point }) => point),
    },
  ];
}

/** How many points are newer than the newest that is whole there; all of them where none is. */
function firstOr(points: CopyGround["copied"][number]["points"], whole: ReadonlySet<string>): number {
  const first = points.findIndex(({ id }) => whole.has(id));
  return first < 0 ? points.length : first;
}
