import type { PriceTable } from "./alarm-settings.ts";
import type { PublishedMetrics } from "./alarms.ts";
import type { Job } from "./job.ts";
import { ofVolumes } from "./metric-shape.ts";
import { type MetricName, metricTable, ofDrills, reachCloudWatch } from "./metrics.ts";

/** What the metrics and alarms of an instance cost a month, in dollars, without the free tier. */
export interface AlarmCost {
  readonly metrics: number;
  readonly alarms: number;
  readonly metricDollars: number;
  readonly alarmDollars: number;
  readonly dollars: number;
  readonly prices: PriceTable;
}

/** Metrics that not every job has. `SettleSeconds` comes of runs that wait, and is counted for all. */
const onlyIf: Partial<Record<MetricName, (job: Job) => boolean>> = {
  Degraded: ({ hooks, consistency }) => hooks.length > 0 || (consistency ?? "crash") !== "crash",
  CopyLag: ({ copy = [] }) => copy.length > 0,
  FrozenTime: ({ hooks }) => hooks.some((hook) => hook.kind === "freeze"),
};

/** The metrics that runs of a job publish. Each with its dimensions is paid for. */
function metricsOfJob(job: Job): readonly MetricName[] {
  const names = (Object.keys(metricTable) as MetricName[]).filter(
    (name) => !ofDrills.some((one) => one === name),
  );
  const own = names.filter((name) => onlyIf[name]?.(job) ?? true);
  // One for each Region.
  return [...own, ...(job.copy ?? []).slice(1).map(() => "CopyLag" as const)];
}

/** CloudWatch charges for every metric that got data in a month, and for every alarm. `volumes` = of the instance. */
export function costOf(
  jobs: readonly Job[],
  metrics: PublishedMetrics,
  volumes: number,
  alarms: number,
  prices: PriceTable,
  drills: readonly { readonly covers: number }[] = [],
): AlarmCost {
  const count = seriesOf(jobs, metrics, volumes) + seriesOfDrills(drills, metrics);
  const metricDollars = cents(count * prices.metric);
  const alarmDollars = cents(alarms * prices.alarm);
  return {
    metrics: count,
    alarms,
    metricDollars,
    alarmDollars,
    dollars: cents(metricDollars + alarmDollars),
    prices,
  };
}

/** How many metrics in CloudWatch's sense: names with a set of dimensions each. */
function seriesOf(jobs: readonly Job[], metrics: PublishedMetrics, volumes: number): number {
  const { enabled, outputs, only, dimensions, perVolume } = metrics;
  if (!enabled || !reachCloudWatch(outputs)) return 0;
  const wanted = (name: MetricName) => only === undefined || only.includes(name);
  const names = jobs.map((job) => metricsOfJob(job).filter(wanted));
  const each = dimensions.includes("Job")
    ? names.reduce((sum, list) => sum + list.length, 0)
    : new Set(names.flat()).size;
  if (dimensions.includes("Drive")) return each * volumes;
  const jobsApart = dimensions.includes("Job") ? jobs.length : Math.min(jobs.length, 1);
  return each + (perVolume ? ofVolumes.filter(wanted).length * volumes * jobsApart : 0);
}

/** One for the drill, two for each job of each machine that it covers. */
function seriesOfDrills(
  drills: readonly { readonly covers: number }[],
  { enabled, outputs, only }: PublishedMetrics,
): number {
  if (!enabled || !outputs.some((output) => output !== "prometheus")) return 0;
  const wanted = ofDrills.filter((name) => only === undefined || only.includes(name));
  const each = wanted.filter((name) => name !== "SecondsSinceLastRestoreVerified").length;
  return drills.reduce((sum, { covers }) => sum + each * covers + (wanted.length - each), 0);
}

function cents(dollars: number): number {
  return Math.round(dollars * 100) / 100;
}
