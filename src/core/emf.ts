import type { Metric } from "./ports.ts";

/** Where CloudWatch Logs is to keep the lines, if the one who passes them on is not to decide. */
export interface EmfOrder {
  readonly namespace: string;
  readonly logGroup?: string;
}

/**
 * Metrics in CloudWatch's embedded metric format, one line for each set of dimensions: a line has one value a
 * dimension. Its limits (100 metrics a line, 30 dimensions, 1 MB) are far off.
 *
 * Source: AWS, "Specification: Embedded metric format". `Timestamp` is demanded there, so unlike in
 * PutMetricData it is the host's clock that dates them. Which member names the log group is what AWS's own
 * libraries send to the CloudWatch agent.
 */
export function emfLines(
  metrics: readonly Metric[],
  dimensions: Readonly<Record<string, string>>,
  { namespace, logGroup }: EmfOrder,
  now: Date,
): string[] {
  const sets = new Map<string, { values: Record<string, string>; metrics: Metric[] }>();
  for (const metric of metrics) {
    const values = { ...dimensions, ...metric.dimensions };
    const key = JSON.stringify(values);
    const set = sets.get(key) ?? { values, metrics: [] };
    sets.set(key, set);
    set.metrics.push(metric);
  }
  return [...sets.values()].map((set) =>
    JSON.stringify({
      _aws: {
        Timestamp: now.getTime(),
        ...(logGroup === undefined ? {} : { LogGroupName: logGroup }),
        CloudWatchMetrics: [
          {
            Namespace: namespace,
            Dimensions: [Object.keys(set.values)],
            Metrics: set.metrics.map(({ name, unit }) => ({ Name: name, Unit: unit })),
          },
        ],
      },
      ...set.values,
      ...Object.fromEntries(set.metrics.map(({ name, value }) => [name, value])),
    }),
  );
}
