import { expect, test } from "vitest";
import { cloudWatchSink } from "../../src/aws/cloudwatch.ts";
import type { Metric } from "../../src/core/ports.ts";
import { simulate } from "../simulator/simulate.ts";

const metric = (index: number): Metric => ({
  name: "Size",
  unit: "Bytes",
  value: index,
  dimensions: { Drive: `/dev/sd${index}` },
});

test("more metrics than one request takes go by several, and none twice", async () => {
  const { cloudwatch, control } = await simulate();
  const all = Array.from({ length: 2_001 }, (_, index) => metric(index));
  await cloudWatchSink(cloudwatch, "EC2Backup", 10_000).publish(all, { Server: "i-1" });
  const series = Object.values((await control.state()).series);
  expect(series).toHaveLength(2_001);
  expect(series.every(({ points }) => points.length === 1)).toBe(true);
  expect(control.calls().filter(({ action }) => action === "PutMetricData")).toHaveLength(3);
});

test("what a metric is of stands beside what all have in common", async () => {
  const { cloudwatch, control } = await simulate();
  const whole: Metric = { name: "Errors", unit: "Count", value: 0 };
  await cloudWatchSink(cloudwatch, "EC2Backup", 10_000).publish([whole, metric(1)], { Server: "i-1" });
  const series = Object.values((await control.state()).series).map(({ name, dimensions }) => [
    name,
    ...dimensions.map(({ Name, Value }) => `${Name}=${Value}`),
  ]);
  expect(series).toEqual([
    ["Errors", "Server=i-1"],
    ["Size", "Server=i-1", "Drive=/dev/sd1"],
  ]);
});

test("nothing is asked for where there is nothing to publish, and what is refused is a failure", async () => {
  const { cloudwatch, control } = await simulate({ deny: [{ action: "cloudwatch:*" }] });
  const sink = cloudWatchSink(cloudwatch, "EC2Backup", 10_000);
  await sink.publish([], { Server: "i-1" });
  expect(control.calls()).toEqual([]);
  await expect(sink.publish([metric(1)], {})).rejects.toMatchObject({
    kind: "denied",
    doing: "publish metrics to EC2Backup",
  });
});
