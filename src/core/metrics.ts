import { isLess } from "./consistency.ts";
import type { Metric } from "./ports.ts";
import type { RunReport, StillnessReport } from "./report.ts";

/** Every metric that a run or a drill may publish; alarms are made from the same table. */
export const metricTable = {
  /** Duration of the run without settling. */
  ElapsedTime: { unit: "Seconds" },
  /** From capture until the point could be restored, where the run waited. */
  SettleSeconds: { unit: "Seconds" },
  /** Size of the newest complete point, of files and dumps in sum with it. */
  Size: { unit: "Bytes" },
  /** Errors in the run's report. */
  Errors: { unit: "Count" },
  /** 1 if the run's point is less consistent than the job demands, or not locked as it asks, else 0. */
  Degraded: { unit: "Count" },
  /** How long filesystems stood still for the capture. */
  FrozenTime: { unit: "Milliseconds" },
  /** Complete points kept. */
  RecoveryPoints: { unit: "Count" },
  /** Age of the newest complete point as EC2 or a repository lists it; of several series of a job that which is furthest behind. */
  SecondsSinceLastBackup: { unit: "Seconds" },
  /** Age of the oldest point that a Region lacks a copy of; with the dimension Region. */
  CopyLag: { unit: "Seconds" },
  /** 1 if a drill restored the point and every check passed, else 0. */
  RestoreVerified: { unit: "Count" },
  /** How long a drill took to restore the point and to check it. */
  RestoreSeconds: { unit: "Seconds" },
  /** Age of the last good drill of all that the drill covers. */
  SecondsSinceLastRestoreVerified: { unit: "Seconds" },
} as const satisfies Record<string, { unit: Metric["unit"] }>;

export type MetricName = keyof typeof metricTable;

/** Where metrics go. */
export const metricOutputs = ["cloudwatch", "emf", "prometheus"] as const;

export type MetricOutput = (typeof metricOutputs)[number];

/** Whether CloudWatch has the metrics, where alarms watch them: also those in its embedded format get there. */
export function reachCloudWatch(outputs: readonly MetricOutput[]): boolean {
  return outputs.some((output) => output !== "prometheus");
}
/** Those that drills publish, and no run. */
export const ofDrills = [
  "RestoreVerified",
  "RestoreSeconds",
  "SecondsSinceLastRestoreVerified",
] as const satisfies readonly MetricName[];

/**
 * The metrics of a run. One that was skipped because another held the lock publishes its errors only:
 * nothing that could quiet the alarm for missed backups. The age is published by every run that could
 * list and by no other; where no point is complete yet, it is the age of nothing and left out.
 */
export function metricsOf(report: RunReport): readonly Metric[] {
  const metrics: Metric[] = [];
  const put = (name: MetricName, value: number | undefined): void => {
    if (value !== undefined) metrics.push({ name, unit: metricTable[name].unit, value });
  };
  put("Errors", report.problems.filter((problem) => problem.severity === "error").length);
  if (report.outcome === "skipped") return metrics;
  put("ElapsedTime", report.elapsedMs / 1000);
  put("SettleSeconds", report.settleMs === undefined ? undefined : report.settleMs / 1000);
  // A job that holds nothing still, demands nothing and locks nothing has nothing to lose, and each metric costs money.
  const { stillness, locks } = report;
  const unlocked = locks !== undefined && locks.missing.length > 0;
  const degraded = unlocked || (stillness !== undefined && isDegraded(stillness));
  put("Degraded", stillness === undefined && locks === undefined ? undefined : Number(degraded));
  put("FrozenTime", stillness?.frozenMs);
  put("RecoveryPoints", report.series?.complete);
  // restic before 0.17 tells no size of what is there already: that is not a size of 0.
  put("Size", report.series?.newestComplete?.bytes || undefined);
  put("SecondsSinceLastBackup", report.series?.newestComplete?.ageSeconds);
  for (const { region, lagSeconds } of report.copies ?? []) {
    const { unit } = metricTable.CopyLag;
    if (lagSeconds !== undefined)
      metrics.push({ name: "CopyLag", unit, value: lagSeconds, dimensions: { Region: region } });
  }
  return metrics;
}

function isDegraded({ achieved, demanded }: StillnessReport): boolean {
  return isLess(achieved, demanded);
}

/** A name that every metric of a run carries, and of a volume `Drive`. */
export type Dimension = "Server" | "Job" | "Drive";

/** The dimensions that all metrics of a run or a job have in common: never `Drive`, which is of one volume. */
export function commonDimensions(
  { instance, job }: { readonly instance?: { readonly id: string }; readonly job: string },
  names: readonly Dimension[],
  server = instance?.id ?? "unknown",
): Readonly<Record<string, string>> {
  const values: Partial<Record<Dimension, string>> = { Server: server, Job: job };
  return Object.fromEntries(names.flatMap((name) => (values[name] ? [[name, values[name]]] : [])));
}
