import { brake } from "./brake.ts";
import { isLess } from "./consistency.ts";
import { type Forecast, forecast, mostRuns } from "./forecast.ts";
import type { Instance, Volume } from "./instance.ts";
import type { Job } from "./job.ts";
import { knownGaps } from "./known-gaps.ts";
import { lastDrill } from "./last-drill.ts";
import { medianOf } from "./median.ts";
import { type RecoveryPoint, sizeOf } from "./recovery-point.ts";
import { summaryOf } from "./report.ts";
import type { ForecastPage, JobPage, PointPage, TimingPage, VolumePage } from "./report-page.ts";
import { restoreRecipe } from "./restore-recipe.ts";
import { newestFirst, planRetention } from "./retention.ts";
import { describePolicy } from "./retention-policy.ts";
import { durationsOf, type RunHistory } from "./run-history.ts";
import { parseSchedule, slotsBetween } from "./schedule.ts";
import { splayOf } from "./splay.ts";
import { judgeJob, type KnownJob, type VolumeAge, volumeAges } from "./status.ts";
import { volumesSeen } from "./volume-ages.ts";

/** What EC2 and this host know of one job. */
export interface JobFacts {
  readonly name: string;
  /** Absent where the configuration in force has no such job. */
  readonly job?: Job;
  /** The points of its series. */
  readonly points: readonly RecoveryPoint[];
  /** The volumes that it takes now; of a series in a repository what it is of, and the repository. */
  readonly chosen: readonly Pick<Volume, "id" | "device">[];
  /** What this host remembers. */
  readonly known?: KnownJob;
  readonly history?: RunHistory;
  /** It is one series in a repository: `files` or `dump/<name>`. */
  readonly stored?: { readonly source: string };
}

/** So many weeks are looked ahead. */
const weeksAhead = 8;
const week = 7 * 86_400_000;
/** One more than are thought through, so that it shows that there are more. */
const mostSlots = mostRuns + 1;

/** Puts together what the page says of a job. */
export function jobPage(facts: JobFacts, instance: Instance, now: Date): JobPage {
  const { name, job, chosen, known, history, stored } = facts;
  const points = [...facts.points].sort(newestFirst);
  const judged = judgeJob(
    { ...known, job: name, volumes: volumesSeen(chosen, points) },
    job,
    instance.id,
    now,
  );
  const { schedule, next, promise, running, alarms, report } = judged;
  const ahead = job === undefined ? undefined : expectation(job, points, instance, now);
  const newest = points.find((point) => point.state === "complete");
  const timing = history && timingOf(history);
  const drill = lastDrill(points);
  const gaps = job && promise && knownGaps(points, history, job, promise.seconds, now);
  return {
    job: name,
    configured: job !== undefined,
    ...(schedule !== undefined && { schedule }),
    ...(next && { next }),
    ...(promise && { promise }),
    ...(job && {
      timezone: job.timezone,
      policy: describePolicy(job.retention),
      demanded: job.retention.demanded,
    }),
    ...(newest && {
      newest: {
        captured: newest.captured.toISOString(),
        bytes: sizeOf(newest),
        ageSeconds: Math.max(0, (now.getTime() - newest.captured.getTime()) / 1000),
      },
      // What lies in a repository is restored by other words.
      ...(newest.stored === undefined && { recipe: restoreRecipe(newest, instance) }),
    }),
    ...(stored && { stored: newest === undefined ? {} : { restore: restoreOf(stored.source) } }),
    volumes: volumePages(points, chosen, judged.volumes, now),
    points: pointPages(points, job, ahead?.forecast, now),
    ...(job?.prune !== undefined && { beyond: planRetention(points, job.retention, now).remove.length }),
    ...(ahead && { forecast: forecastPage(ahead) }),
    ...(gaps?.since !== undefined && { gaps: gaps.gaps, gapsSince: gaps.since }),
    ...(history && history.runs.length > 0 && { runs: history.runs }),
    ...(timing && { timing }),
    ...(drill && { drill }),
    ...(report?.copies && { copies: report.copies.map(({ retention: _, ...facts }) => facts) }),
    problems: report?.problems ?? [],
    ...(running && { running }),
    ...(alarms && { alarms }),
  };
}

/** Where it was, but never over what is there; a dump as the file that it is. */
function restoreOf(source: string): string {
  return source === "files" ? "ec2-backup restore file /PATH" : `ec2-backup restore file ${source}`;
}

function volumePages(
  points: readonly RecoveryPoint[],
  chosen: JobFacts["chosen"],
  judged: readonly VolumeAge[],
  now: Date,
): VolumePage[] {
  const taken = new Set(chosen.map(({ id }) => id));
  const former = new Map<string, string>();
  for (const { snapshots, recipe } of points)
    for (const { volumeId } of snapshots)
      if (!taken.has(volumeId) && !former.has(volumeId))
        former.set(volumeId, recipe.find((one) => one.volumeId === volumeId)?.device ?? "");
  const complete = points.filter((point) => point.state === "complete");
  const counted = (volume: string) =>
    complete.filter((point) => point.snapshots.some((one) => one.volumeId === volume)).length;
  const gone = [...former].map(([id, device]) => ({ id, device }));
  // Of a volume that is not taken any more nothing is promised.
  return [
    ...judged.map((one) => ({ ...one, taken: true })),
    ...volumeAges(volumesSeen(gone, points), undefined, now, true).map((one) => ({ ...one, taken: false })),
  ].map((one) => ({ ...one, points: counted(one.volume) }));
}

function pointPages(
  points: readonly RecoveryPoint[],
  job: Job | undefined,
  ahead: Forecast | undefined,
  now: Date,
): PointPage[] {
  const plan = job && planRetention(points, job.retention, now);
  const postponed = new Set(plan && brake(plan, false).postponed);
  const kept = new Map(plan?.keep.map(({ point, reasons }) => [point, reasons.map(({ detail }) => detail)]));
  return points.map((point) => {
    const reasons = kept.get(point);
    const leaves = ahead?.leaving.get(point.id);
    return {
      ...summaryOf(point),
      lesser: job !== undefined && isLess(point.consistency, job.retention.demanded),
      holds: point.holds.map(({ by, detail }) => `${by}: ${detail}`),
      verdict:
        plan === undefined
          ? "unknown"
          : reasons
            ? "keep"
            : job?.prune !== undefined
              ? "elsewhere"
              : postponed.has(point)
                ? "postponed"
                : "remove",
      reasons: reasons ?? [],
      ...(leaves !== undefined && { leaves }),
    };
  });
}

interface Expectation {
  readonly forecast: Forecast;
  readonly everySeconds?: number;
}

function expectation(
  job: Job,
  points: readonly RecoveryPoint[],
  { id }: Instance,
  now: Date,
): Expectation | undefined {
  if (job.schedule !== undefined) {
    const splay = splayOf(`${id}/${job.name}`, job.splay);
    // A slot that has passed may have its run still to come.
    const from = now.getTime() - splay;
    const [after, end] = [new Date(from), new Date(from + weeksAhead * week)];
    const slots = slotsBetween(parseSchedule(job.schedule), job.timezone, after, end, mostSlots);
    const runs = slots.map((slot) => new Date(slot.getTime() + splay));
    return { forecast: forecast(points, job.retention, runs, now, weeksAhead) };
  }
  const every = usualGap(points);
  if (every === undefined) return undefined;
  const newest = points[0]?.captured.getTime() ?? now.getTime();
  const first = Math.max(1, Math.ceil((now.getTime() + 1 - newest) / every));
  const count = Math.min(mostSlots, Math.ceil((weeksAhead * week) / every));
  const runs = Array.from({ length: count }, (_, index) => new Date(newest + (first + index) * every));
  return { forecast: forecast(points, job.retention, runs, now, weeksAhead), everySeconds: every / 1000 };
}

/** How far the newest points are apart as a rule, in ms; without three of them nobody can say. */
function usualGap(points: readonly RecoveryPoint[]): number | undefined {
  const times = points.slice(0, 11).map(({ captured }) => captured.getTime());
  if (times.length < 3) return undefined;
  const gap = medianOf(times.slice(1).map((time, index) => (times[index] ?? time) - time)) ?? 0;
  return gap >= 60_000 ? gap : undefined;
}

function forecastPage({ forecast: ahead, everySeconds }: Expectation): ForecastPage {
  const { until, weeks, expected, runs, shortened } = ahead;
  const basis = everySeconds === undefined ? "schedule" : "observed";
  return { basis, ...(everySeconds && { everySeconds }), until, weeks, expected, runs, shortened };
}

function timingOf({ runs }: RunHistory): TimingPage | undefined {
  const durations = durationsOf(runs);
  const medianMs = medianOf(durations);
  if (medianMs === undefined) return undefined;
  const frozen = runs.flatMap(({ frozenMs }) => (frozenMs === undefined ? [] : [frozenMs]));
  const median = medianOf(frozen);
  return {
    runs: durations.length,
    medianMs,
    longestMs: Math.max(...durations),
    ...(median !== undefined && {
      frozen: { runs: frozen.length, medianMs: median, longestMs: Math.max(...frozen) },
    }),
  };
}
