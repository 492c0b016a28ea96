import { describe, expect, test } from "vitest";
import { shapedMetrics } from "../../src/core/metric-shape.ts";
import { commonDimensions } from "../../src/core/metrics.ts";
import type { Metric } from "../../src/core/ports.ts";
import type { RunReport } from "../../src/core/report.ts";
import { captured, problem, report } from "./reports.ts";

const usual = { dimensions: ["Server", "Job"], perVolume: false } as const;

/** Two volumes, one of which was last captured a day before the other; nothing is known of the third. */
const run: RunReport = report({
  instance: { id: "i-1", arn: "arn" },
  points: [captured],
  chosen: ["/dev/xvda", "/dev/sdf", "/dev/sdg"].map((device) => ({ volume: device, device, because: "" })),
  series: {
    complete: 2,
    newestComplete: { captured: "2027-03-28T01:00:00.000Z", bytes: 3_000, ageSeconds: 60 },
    volumes: [
      { volume: "vol-1", device: "/dev/xvda", newest: "2027-03-28T01:00:00.000Z", bytes: 1_000 },
      { volume: "vol-2", device: "/dev/sdf", newest: "2027-03-27T01:00:00.000Z", bytes: 2_000 },
      { volume: "vol-3", device: "/dev/sdg" },
    ],
  },
});

/** `Size@/dev/sdf=2000` */
const words = (metrics: readonly Metric[]) =>
  metrics.map(
    ({ name, value, dimensions }) => `${name}${dimensions ? `@${dimensions["Drive"]}` : ""}=${value}`,
  );

describe("the metrics of a run, cut to a shape", () => {
  test("are those of the run where nothing is asked", () => {
    expect(words(shapedMetrics(run, usual))).toEqual([
      "Errors=0",
      "ElapsedTime=2.5",
      "RecoveryPoints=2",
      "Size=3000",
      "SecondsSinceLastBackup=60",
    ]);
  });

  test("are only those that were chosen", () => {
    expect(words(shapedMetrics(run, { ...usual, only: ["Errors", "Size"] }))).toEqual([
      "Errors=0",
      "Size=3000",
    ]);
  });

  test("have size and age of each volume beside them, of a volume without a copy neither", () => {
    const metrics = shapedMetrics(run, { ...usual, perVolume: true });
    expect(words(metrics).slice(5)).toEqual([
      "Size@/dev/xvda=1000",
      "SecondsSinceLastBackup@/dev/xvda=60",
      "Size@/dev/sdf=2000",
      "SecondsSinceLastBackup@/dev/sdf=86460",
    ]);
    expect(metrics.slice(5).map(({ unit }) => unit)).toEqual(["Bytes", "Seconds", "Bytes", "Seconds"]);
    expect(words(shapedMetrics(run, { ...usual, perVolume: true, only: ["Size"] }))).toEqual([
      "Size=3000",
      "Size@/dev/xvda=1000",
      "Size@/dev/sdf=2000",
    ]);
  });

  test("are, with Drive among the dimensions, all of one volume each, and nothing twice", () => {
    const shape = { dimensions: ["Server", "Drive"], only: ["ElapsedTime", "Size", "Errors"] } as const;
    for (const perVolume of [false, true])
      expect(words(shapedMetrics(run, { ...shape, perVolume }))).toEqual([
        "Errors@/dev/xvda=0",
        "ElapsedTime@/dev/xvda=2.5",
        "Size@/dev/xvda=1000",
        "Errors@/dev/sdf=0",
        "ElapsedTime@/dev/sdf=2.5",
        "Size@/dev/sdf=2000",
        "Errors@/dev/sdg=0",
        "ElapsedTime@/dev/sdg=2.5",
      ]);
  });

  test("reach the drives that were known before, where a run came to no selection", () => {
    const lost = report({ outcome: "failed", problems: [problem("unreachable")] });
    const shape = { dimensions: ["Server", "Drive"], perVolume: false, only: ["Errors"] } as const;
    expect(words(shapedMetrics(lost, shape, ["/dev/xvda", "/dev/sdf"]))).toEqual([
      "Errors@/dev/xvda=1",
      "Errors@/dev/sdf=1",
    ]);
    expect(words(shapedMetrics(lost, shape))).toEqual(["Errors=1"]);
  });

  test("of a run that was kept out are its errors alone, also of a volume", () => {
    const skipped: RunReport = { ...run, outcome: "skipped", problems: [problem("locked")] };
    expect(words(shapedMetrics(skipped, { ...usual, perVolume: true }))).toEqual(["Errors=1"]);
  });
});

test("the dimensions that all have in common are those that are configured, without the drive", () => {
  expect(commonDimensions(run, ["Server", "Job"])).toEqual({ Server: "i-1", Job: "default" });
  expect(commonDimensions(run, ["Server", "Drive"])).toEqual({ Server: "i-1" });
  expect(commonDimensions(report(), ["Server"])).toEqual({ Server: "unknown" });
  expect(commonDimensions(report(), ["Server"], "i-2")).toEqual({ Server: "i-2" });
});
