import { expect, test } from "vitest";
import { emfLines } from "../../src/core/emf.ts";
import type { Metric } from "../../src/core/ports.ts";

const now = new Date("2027-03-28T01:00:00.000Z");
const errors: Metric = { name: "Errors", unit: "Count", value: 2 };
const size: Metric = { name: "Size", unit: "Bytes", value: 5_000 };

test("a line is one document of AWS's format, with the values beside the words that make metrics of them", () => {
  const lines = emfLines([errors, size], { Server: "i-1", Job: "a" }, { namespace: "EC2Backup" }, now);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      _aws: {
        Timestamp: 1_806_195_600_000,
        CloudWatchMetrics: [
          {
            Namespace: "EC2Backup",
            Dimensions: [["Server", "Job"]],
            Metrics: [
              { Name: "Errors", Unit: "Count" },
              { Name: "Size", Unit: "Bytes" },
            ],
          },
        ],
      },
      Server: "i-1",
      Job: "a",
      Errors: 2,
      Size: 5_000,
    },
  ]);
  expect(lines.join("")).not.toContain("\n");
});

test("each volume has a line of its own, since a line has one value a dimension", () => {
  const of = (Drive: string) => ({ ...size, dimensions: { Drive } });
  const lines = emfLines(
    [errors, of("/dev/xvda"), of("/dev/sdf")],
    { Server: "i-1" },
    { namespace: "N", logGroup: "backups" },
    now,
  ).map((line) => JSON.parse(line));
  expect(lines.map(({ _aws, ...values }) => values)).toEqual([
    { Server: "i-1", Errors: 2 },
    { Server: "i-1", Drive: "/dev/xvda", Size: 5_000 },
    { Server: "i-1", Drive: "/dev/sdf", Size: 5_000 },
  ]);
  expect(lines.map(({ _aws }) => _aws.CloudWatchMetrics[0].Dimensions)).toEqual([
    [["Server"]],
    [["Server", "Drive"]],
    [["Server", "Drive"]],
  ]);
  expect(lines.map(({ _aws }) => _aws.LogGroupName)).toEqual(["backups", "backups", "backups"]);
});

test("lines stay far below the limits of the format and of a datagram, also of 128 volumes", () => {
  const metrics = Array.from({ length: 128 }, (_, index) => ({
    ...size,
    dimensions: { Drive: `/dev/sd${index}` },
  }));
  const lines = emfLines(metrics, { Server: "i-1", Job: "a" }, { namespace: "N" }, now);
  expect(lines).toHaveLength(128);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(1_000);
  expect(emfLines([], {}, { namespace: "N" }, now)).toEqual([]);
});
