import { type Dimension, type MetricName, metricsOf } from "./metrics.ts";
import type { Metric } from "./ports.ts";
import type { RunReport } from "./report.ts";
import type { VolumeSeen } from "./volume-ages.ts";

/** Which metrics of a run are published, and of what. */
export interface MetricShape {
  /** `Drive` stands for each volume: then every metric is published once a volume. */
  readonly dimensions: readonly Dimension[];
  /** These metrics alone; absent = all. */
  readonly only?: readonly MetricName[];
  /** Beside the job's own metrics those of {@link ofVolumes} for each volume. */
  readonly perVolume: boolean;
}

/**
 * The metrics of a run cut to a shape. The dimensions that all have in common are the sink's; a metric of one
 * volume carries its `Drive`, the device name, in addition.
 *
 * `remembered` are the job's devices as last known, for a run that came to no selection: with `Drive` among
 * the dimensions its errors would otherwise be heard by nobody who listens to a drive.
 */
export function shapedMetrics(
  report: RunReport,
  { dimensions, only, perVolume }: MetricShape,
  remembered: readonly string[] = [],
): readonly Metric[] {
  const wanted = ({ name }: Metric) => only === undefined || only.some((one) => one === name);
  const whole = metricsOf(report).filter(wanted);
  const volumes = report.outcome === "skipped" ? [] : (report.series?.volumes ?? []);
  const own = new Map(volumes.map((seen) => [seen.device, ofVolume(seen, report)]));
  if (dimensions.includes("Drive")) {
    const chosen = report.chosen.map(({ device }) => device);
    const drives = chosen.length > 0 ? chosen : remembered;
    if (drives.length === 0) return whole;
    return drives.flatMap((drive) => whole.flatMap((metric) => onDrive(metric, drive, own.get(drive))));
  }
  if (!perVolume) return whole;
  const each = [...own].flatMap(([Drive, metrics]) =>
    metrics.map((metric) => ({ ...metric, dimensions: { Drive } })),
  );
  return [...whole, ...each.filter(wanted)];
}

/**
 * What is different for each volume: its bytes, and the age of its newest complete copy. Time, errors and
 * consistency are those of the run, since one request captures all volumes.
 */
export const ofVolumes = ["Size", "SecondsSinceLastBackup"] as const satisfies readonly MetricName[];

function ofVolume({ newest, bytes }: VolumeSeen, { series }: RunReport): Metric[] {
  const reference = series?.newestComplete;
  if (newest === undefined || bytes === undefined || reference === undefined) return [];
  const behind = (Date.parse(reference.captured) - Date.parse(newest)) / 1000;
  return [
    { name: "Size", unit: "Bytes", value: bytes },
    { name: "SecondsSinceLastBackup", unit: "Seconds", value: reference.ageSeconds + behind },
  ];
}

/** A metric of the run for one volume; what is different for each volume is the volume's own, or not known. */
function onDrive(metric: Metric, Drive: string, own: readonly Metric[] | undefined): Metric[] {
  const mine = ofVolumes.some((name) => name === metric.name)
    ? own?.find(({ name }) => name === metric.name)
    : metric;
  return mine === undefined ? [] : [{ ...mine, dimensions: { ...mine.dimensions, Drive } }];
}
