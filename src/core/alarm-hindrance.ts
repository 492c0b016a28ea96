import type { AlarmKind } from "./alarm.ts";
import { type Dimension, type MetricName, type MetricOutput, reachCloudWatch } from "./metrics.ts";

/** What an alarm would watch. */
interface Watching {
  readonly kind: AlarmKind;
  readonly metric: MetricName;
  /** Whether there are several of what it would watch one of. */
  readonly many: boolean;
}

/** Where metrics go, as far as alarms depend on it. */
interface Published {
  readonly enabled: boolean;
  readonly outputs: readonly MetricOutput[];
  readonly only?: readonly MetricName[];
  readonly dimensions: readonly Dimension[];
}

const all: Readonly<Partial<Record<AlarmKind, string>>> = {
  drill: "drills",
  upkeep: "jobs and repositories",
};

/** What keeps an alarm from meaning anything, whatever the job. */
export function hindrance(
  { kind, metric, many }: Watching,
  metrics: Published,
): { readonly because: string; readonly remedy: string } | undefined {
  if (!metrics.enabled) return { because: "metrics are switched off", remedy: "set metrics.enabled: true" };
  if (!reachCloudWatch(metrics.outputs))
    return {
      because: "the metrics do not go to CloudWatch (metrics.output: prometheus)",
      remedy: "add cloudwatch to metrics.output, or let Prometheus alert",
    };
  if (metrics.only?.includes(metric) === false)
    return {
      because: `${metric}, which it would watch, is not published (metrics.only)`,
      remedy: `add ${metric} to metrics.only`,
    };
  if (!metrics.dimensions.includes("Server")) {
    return {
      because: "the metrics of all instances are one, so a dead instance would be hidden by the others",
      remedy: "add Server to metrics.dimensions",
    };
  }
  if (metrics.dimensions.includes("Drive")) {
    return {
      because: "each volume has metrics of its own, so there is none that speaks for the job",
      remedy: "take Drive out of metrics.dimensions; metrics.perVolume adds it where it is of use",
    };
  }
  const alone = kind === "errors" || kind === "degraded";
  if (many && !alone && !metrics.dimensions.includes("Job")) {
    return {
      because: `the metrics of all ${all[kind] ?? "jobs"} are one, so one would hide another`,
      remedy: "add Job to metrics.dimensions",
    };
  }
  return undefined;
}
