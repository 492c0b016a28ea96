import { type CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import type { MetricSink } from "../core/ports.ts";
import { withDeadline } from "./deadline.ts";
import { awsFailure } from "./failure.ts";

/** CloudWatch as a sink: one PutMetricData for all metrics of a run. */
export function cloudWatchSink(client: CloudWatchClient, namespace: string, timeout: number): MetricSink {
  return {
    async publish(metrics, dimensions) {
      if (metrics.length === 0) return;
      const doing = `publish metrics to ${namespace}`;
      const command = new PutMetricDataCommand({
        Namespace: namespace,
        MetricData: metrics.map((metric) => ({
          MetricName: metric.name,
          Unit: metric.unit,
          Value: metric.value,
          Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        })),
      });
      try {
        await withDeadline(timeout, new AbortController().signal, doing, (abortSignal) =>
          client.send(command, { abortSignal }),
        );
      } catch (error) {
        throw awsFailure(error, doing);
      }
    },
  };
}
