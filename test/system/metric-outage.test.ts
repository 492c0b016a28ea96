import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Bench } from "./bench.ts";
import { until } from "./daemon-process.ts";
import { instance, scenarioOf } from "./history.ts";

/** Both ways to CloudWatch: plainly, and cut to what is configured. */
const ways = [
  { how: "all of them", metrics: "{}" },
  { how: "some of them", metrics: "{ only: [Errors, SecondsSinceLastBackup] }" },
];

async function benchWith(metrics: string, waits: string): Promise<Bench> {
  const bench = await Bench.start(scenarioOf(1, 3, { limits: false }));
  const job = `{ retention: { last: 4 }, waits: { request: 10s, capture: 10s, ${waits} } }`;
  await writeFile(bench.config, `version: 1\njobs: { default: ${job} }\nmetrics: ${metrics}\n`, {
    mode: 0o600,
  });
  return bench;
}

const puts = (bench: Bench) => bench.apiCalls().filter(({ action }) => action === "PutMetricData").length;

/** Whether the host has recorded the report of a run. */
function recorded(bench: Bench): boolean {
  const file = path.join(bench.state, instance.id, "job-default.json");
  return existsSync(file) && readFileSync(file, "utf8").includes('"report"');
}

describe.each(ways)("of metrics, $how", ({ metrics }) => {
  test("that CloudWatch does not take for a moment arrive all the same, and the report has no fault", async () => {
    await using bench = await benchWith(metrics, "retryFor: 20s, retryEvery: 50ms");
    // The SDK itself tries three times.
    bench.simulator.control.faults([{ kind: "500", action: "PutMetricData", count: 7 }]);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(0);
    expect(run.report.problems).toEqual([]);
    expect(run.stderr).toMatch(/warn: the metrics were not taken \(.*500.*\), trying again in 0 s/);
    const series = Object.values((await bench.simulator.control.state()).series) as unknown as {
      name: string;
    }[];
    expect(series.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["Errors", "SecondsSinceLastBackup"]),
    );
    expect(puts(bench)).toBe(8);
  });

  test("that are refused are not tried again", async () => {
    await using bench = await benchWith(metrics, "retryFor: 20s, retryEvery: 50ms");
    bench.simulator.control.faults([{ kind: "denied", action: "PutMetricData", count: "always" }]);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(0);
    expect(run.report.problems).toMatchObject([{ severity: "warning", kind: "denied" }]);
    expect(puts(bench)).toBe(1);
  });

  test("that are never taken are given up when the time is up, and that stands in the report", async () => {
    await using bench = await benchWith(metrics, "retryFor: 2s, retryEvery: 200ms");
    bench.simulator.control.faults([
      { kind: "500", action: "PutMetricData", count: 3 },
      { kind: "hang", action: "PutMetricData", count: "always" },
    ]);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(0);
    expect(run.report.problems).toMatchObject([
      { severity: "warning", kind: "unreachable", found: expect.stringContaining("500") },
    ]);
    expect(puts(bench)).toBeGreaterThan(3);
    // The try that hangs is not waited for, though its own deadline is 10 s.
    expect(run.ms).toBeLessThan(8_000);
  });

  test("are given up at once when the run is told to stop, and the report is recorded before", async () => {
    await using bench = await benchWith(metrics, "retryFor: 60s, retryEvery: 30s");
    bench.simulator.control.faults([{ kind: "500", action: "PutMetricData", count: "always" }]);
    let stopped = 0;
    const run = await bench.run({
      onStart: (pid) =>
        void until(
          () => puts(bench) === 3 && recorded(bench),
          () => "neither three tries nor a report",
        ).then(() => {
          stopped = performance.now();
          process.kill(pid, "SIGTERM");
        }),
    });
    expect(performance.now() - stopped).toBeLessThan(5_000);
    expect(run.report.points).toHaveLength(1);
    expect(run.report.problems).toMatchObject([{ severity: "warning", kind: "unreachable" }]);
    expect(puts(bench)).toBe(3);
  });
});
