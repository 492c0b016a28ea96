import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { Call } from "../../src/simulator/call-log.ts";
import { Bench } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";
import { expectOneGoodRun } from "./oracle.ts";

const volumeCount = 3;

interface MetricData {
  readonly MetricData: readonly { readonly MetricName: string; readonly Value: number }[];
}

function metricsBy(calls: readonly Call[], run: string): Record<string, number> {
  const own = calls.filter(
    (call) => call.action === "PutMetricData" && call.userAgent.includes(`run/${run}`),
  );
  return Object.fromEntries(
    own.flatMap((call) =>
      (call.parameters as MetricData).MetricData.map((one) => [one.MetricName, one.Value] as const),
    ),
  );
}

test("of two runs at once one exits 75, changes nothing and publishes nothing that could quiet an alarm", async () => {
  await using bench = await Bench.start(scenarioOf(volumeCount, 7));
  const { control } = bench.simulator;
  const before = await control.state();
  control.faults([{ kind: "hang-after", action: "CreateSnapshots" }]);
  await bench.configure({ capture: "4s" });
  const first = bench.run();
  for (let seen = 0; !control.calls().some((call) => call.action === "CreateSnapshots"); seen += 1)
    await control.waitForCalls(seen, 1_000);

  const state = () => readFile(path.join(bench.state, instance.id, "job-default.json"), "utf8");
  const noted = await state();
  const held = await control.state();
  const second = await bench.run();
  expect(second.code, second.stderr).toBe(75);
  expect(second.report.outcome).toBe("skipped");
  expect(second.report.problems.map((problem) => problem.kind)).toEqual(["locked"]);
  expect(second.report.problems[0]?.found).toMatch(/process \d+, run [0-9a-f-]{36}/);
  expect(second.stderr).toContain("another run holds its lock");
  expect(Object.keys((await control.state()).snapshots)).toEqual(Object.keys(held.snapshots));
  expect(await state()).toBe(noted);
  expect(metricsBy(control.calls(), second.report.run)).toEqual({ Errors: 1 });

  const run = await first;
  expect(run.code, run.stderr).toBe(0);
  expectOneGoodRun(before, await control.state(), volumeCount);
  const metrics = metricsBy(control.calls(), run.report.run);
  expect(metrics).toMatchObject({ Errors: 0 });
  expect(Object.keys(metrics)).toContain("SecondsSinceLastBackup");

  await bench.tomorrow();
  expect((await bench.run()).code).toBe(0);
});
