import { brake } from "./brake.ts";
import { isMixed, type RecoveryPoint, restorableVolumes } from "./recovery-point.ts";
import { newestFirst, planRetention } from "./retention.ts";
import type { RetentionPolicy } from "./retention-policy.ts";

/** A point that does not exist yet. Times are ISO 8601. */
export interface ExpectedPoint {
  readonly captured: string;
  /** When a run removes it; absent if it outlives what is looked at. */
  readonly leaves?: string;
}

/** The series as it will be at an instant. */
export interface Week {
  readonly at: string;
  readonly points: number;
  /** Since the week before. */
  readonly made: number;
  readonly removed: number;
  readonly oldest?: string;
}

/** What retention will do if every run succeeds and nobody changes anything. */
export interface Forecast {
  readonly until: string;
  /** The present first, then each week. */
  readonly weeks: readonly Week[];
  /** When each point that goes is removed, by its id. */
  readonly leaving: ReadonlyMap<string, string>;
  readonly expected: readonly ExpectedPoint[];
  /** Runs that were thought through. */
  readonly runs: number;
  /** True if there are so many runs that fewer weeks than wanted were looked at. */
  readonly shortened: boolean;
}

const day = 86_400_000;
const week = 7 * day;

/** No more runs than these are thought through; a schedule of every minute has ten times as many. */
export const mostRuns = 10_000;

/** So many points are judged in all, at some 10 microseconds each. */
const mostWork = 400_000;

/**
 * Thinks the runs at the given instants (oldest first, all after `asOf`) through: each makes a point and removes what
 * retention gives up, under the brake as a run does. Of frequent runs the first is judged, and then the last of each
 * day for all of that day, so that a removal is right to the day. `points` are those of ONE series.
 */
export function forecast(
  points: readonly RecoveryPoint[],
  policy: RetentionPolicy,
  slots: readonly Date[],
  asOf: Date,
  weeks: number,
): Forecast {
  const within = slots.filter((slot) => slot.getTime() <= asOf.getTime() + weeks * week);
  const days = daysOf(within.slice(0, mostRuns), asOf);
  const template = templateOf(points);
  const gone = new Map<string, Date>();
  const made: RecoveryPoint[] = [];
  let there: RecoveryPoint[] = [...points];
  let work = 0;
  for (const runs of days) {
    if (work > mostWork) break;
    // By the next run what was pending has settled, and so is this one judged.
    for (const slot of runs) made.push(expectedAt(slot, template, policy, made.length));
    there = [...there.map(settled), ...made.slice(-runs.length)];
    const now = runs.at(-1) ?? asOf;
    for (let run = 0; run < runs.length; run++) {
      work += there.length;
      const removed = removedBy(there, policy, now, made.length === 1 && isSpoilt(points));
      if (removed.length === 0) break;
      for (const point of removed) gone.set(point.id, now);
      there = there.filter((point) => !gone.has(point.id));
    }
  }
  const shortened = made.length < within.length;
  const last = made.at(-1)?.captured ?? asOf;
  const whole = shortened ? Math.floor((last.getTime() - asOf.getTime()) / week) : weeks;
  return {
    until: (shortened ? last : new Date(asOf.getTime() + whole * week)).toISOString(),
    weeks: weeksOf([...points, ...made], gone, asOf, whole),
    leaving: new Map(points.flatMap(({ id }) => entryOf(id, gone))),
    expected: made.map(({ id, captured }) => {
      const leaves = gone.get(id)?.toISOString();
      return { captured: captured.toISOString(), ...(leaves !== undefined && { leaves }) };
    }),
    runs: made.length,
    shortened,
  };
}

function entryOf(id: string, gone: ReadonlyMap<string, Date>): [string, string][] {
  const at = gone.get(id);
  return at === undefined ? [] : [[id, at.toISOString()]];
}

/** The runs by days that begin with `asOf`; the very first run is by itself. */
function daysOf(runs: readonly Date[], asOf: Date): Date[][] {
  const days: Date[][] = [];
  let current = -1;
  runs.forEach((run, index) => {
    const number = Math.ceil((run.getTime() - asOf.getTime()) / day);
    const list = days.at(-1);
    if (index > 1 && number === current && list !== undefined) list.push(run);
    else days.push([run]);
    current = number;
  });
  return days;
}

/** What a run at that instant removes. After a point that did not become complete only empty sets go. */
function removedBy(
  points: readonly RecoveryPoint[],
  policy: RetentionPolicy,
  now: Date,
  spoilt: boolean,
): readonly RecoveryPoint[] {
  const { remove } = brake(planRetention(points, policy, now), false);
  return spoilt ? remove.filter((point) => point.state === "failed") : remove;
}

function isSpoilt(points: readonly RecoveryPoint[]): boolean {
  const [last] = points.filter((point) => point.state !== "pending").sort(newestFirst);
  return last !== undefined && last.state !== "complete";
}

/** The series' newest whole point: what the next ones will look like. */
function templateOf(points: readonly RecoveryPoint[]): RecoveryPoint | undefined {
  const ordered = [...points].filter((point) => !isMixed(point)).sort(newestFirst);
  return ordered.find((point) => point.state === "complete") ?? ordered[0];
}

/** A point as the next ones will be; what it holds is the template's. */
export function expectedAt(
  captured: Date,
  template: RecoveryPoint | undefined,
  policy: RetentionPolicy,
  index: number,
): RecoveryPoint {
  const volumes = template === undefined ? ["all"] : restorableVolumes(template);
  return {
    id: `expected-${String(index).padStart(6, "0")}`,
    run: "",
    job: template?.job ?? "",
    series: template?.series ?? "",
    instanceArn: template?.instanceArn ?? "",
    state: "complete",
    captured,
    consistency: policy.demanded,
    snapshots: (volumes.length === 0 ? ["all"] : volumes).map((volumeId) => ({
      id: "",
      volumeId,
      state: "completed",
      startTime: captured,
      volumeSizeGiB: 0,
      encrypted: false,
      archived: false,
      tags: {},
    })),
    recipe: [],
    policy,
    holds: [],
  };
}

function settled(point: RecoveryPoint): RecoveryPoint {
  if (point.state !== "pending") return point;
  const snapshots = point.snapshots.map((one) => ({ ...one, state: "completed" as const }));
  return { ...point, state: "complete", snapshots };
}

function weeksOf(
  all: readonly RecoveryPoint[],
  gone: ReadonlyMap<string, Date>,
  asOf: Date,
  weeks: number,
): Week[] {
  return Array.from({ length: weeks + 1 }, (_, index) => {
    const at = asOf.getTime() + index * week;
    const before = index === 0 ? Number.POSITIVE_INFINITY : at - week;
    const captured = (point: RecoveryPoint) => point.captured.getTime();
    const left = (point: RecoveryPoint) => gone.get(point.id)?.getTime() ?? Number.POSITIVE_INFINITY;
    const there = all.filter((point) => captured(point) <= at && left(point) > at);
    const oldest = Math.min(...there.map(captured));
    return {
      at: new Date(at).toISOString(),
      points: there.length,
      made: all.filter((point) => captured(point) > before && captured(point) <= at).length,
      removed: all.filter((point) => left(point) > before && left(point) <= at).length,
      ...(there.length === 0 ? {} : { oldest: new Date(oldest).toISOString() }),
    };
  });
}
