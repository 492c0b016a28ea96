import { type CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { inGroups } from "../core/in-groups.ts";
import type { Metric, MetricSink } from "../core/ports.ts";
import { askAws } from "./ask.ts";

/** CloudWatch takes at most this many metrics in one PutMetricData. */
const most = 1000;

/** CloudWatch as a sink: one PutMetricData for all metrics of a run, or for each thousand of them. */
export function cloudWatchSink(client: CloudWatchClient, namespace: string, timeout: number): MetricSink {
  return {
    async publish(metrics, dimensions) {
      const doing = `publish metrics to ${namespace}`;
      for (const some of inGroups(metrics, most)) {
        const command = new PutMetricDataCommand({
          Namespace: namespace,
          MetricData: some.map((metric) => ({
            MetricName: metric.name,
            Unit: metric.unit,
            Value: metric.value,
            Dimensions: dimensionsOf(metric, dimensions),
          })),
        });
        await askAws(timeout, new AbortController().signal, doing, (abortSignal) =>
          client.send(command, { abortSignal }),
        );
      }
    },
  };
}

function dimensionsOf(metric: Metric, common: Readonly<Record<string, string>>) {
  return Object.entries({ ...common, ...metric.dimensions }).map(([Name, Value]) => ({ Name, Value }));
}
