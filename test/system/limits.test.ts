import { describe, expect, test } from "vitest";
import type { Fault } from "../../src/simulator/faults.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { Bench } from "./bench.ts";
import { scenarioOf, volumesOf } from "./history.ts";
import { expectNoHarm, expectOneGoodRun, newSets } from "./oracle.ts";

const volumeCount = 3;
const data = volumesOf(volumeCount)[1]?.id ?? "";

/** Resolves when a call was answered with this code. */
async function refused(bench: Bench, code: string): Promise<void> {
  const { control } = bench.simulator;
  for (;;) {
    if (control.calls().some((call) => call.outcome?.code === code)) return;
    await control.waitForCalls(control.calls().length, 1_000);
  }
}

function captures(bench: Bench) {
  return bench.apiCalls().filter(({ action }) => action === "CreateSnapshots");
}

/** Snapshots of a volume that somebody else began and that are not done. */
function underWay(count: number, type: "gp3" | "st1"): Scenario {
  const scenario = scenarioOf(volumeCount, 7);
  const others = Array.from({ length: count }, (_, index) => ({
    id: `snap-0ff0000000000000${index}`,
    volumeId: data,
    state: "pending" as const,
    startTime: new Date().toISOString(),
  }));
  return {
    ...scenario,
    volumes: (scenario.volumes ?? []).map((one) => (one.id === data ? { ...one, type } : one)),
    snapshots: [...(scenario.snapshots ?? []), ...others],
  };
}

describe("limits of a volume are waited out", () => {
  test("one snapshot in fifteen seconds", async () => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 7), { retryFor: "30s" });
    const { control } = bench.simulator;
    expect((await bench.run()).code).toBe(0);
    const before = await control.state();
    const second = bench.run();
    await refused(bench, "SnapshotCreationPerVolumeRateExceeded");
    await control.clock({ advance: "15s" });
    const run = await second;
    expect(run.code, run.stderr).toBe(0);
    const after = await control.state();
    expectNoHarm(before, after, volumeCount);
    expect(newSets(before, after)).toHaveLength(1);
  });

  test.each([
    [5, "gp3"],
    [1, "st1"],
  ] as const)("%i pending snapshots of a volume of type %s", async (count, type) => {
    await using bench = await Bench.start(underWay(count, type), { retryFor: "30s" });
    const { control } = bench.simulator;
    const second = bench.run();
    await refused(bench, "ConcurrentSnapshotLimitExceeded");
    const before = await control.state();
    await control.clock({ advance: "10m" });
    const run = await second;
    expect(run.code, run.stderr).toBe(0);
    expectOneGoodRun(before, await control.state(), volumeCount);
  });

  test.each(["RequestLimitExceeded", "PendingSnapshotLimitExceeded"])(
    "%s, in growing pauses",
    async (code) => {
      await using bench = await Bench.start(scenarioOf(volumeCount, 7), {
        retryFor: "30s",
        retryEvery: "100ms",
      });
      const { control } = bench.simulator;
      const before = await control.state();
      control.faults([{ kind: "error", action: "CreateSnapshots", code, status: 503, count: 3 }]);
      const run = await bench.run();
      expect(run.code, run.stderr).toBe(0);
      expectOneGoodRun(before, await control.state(), volumeCount);
      const times = captures(bench).map((call) => Date.parse(call.time));
      const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
      expect(pauses).toHaveLength(3);
      pauses.forEach((pause, index) => {
        expect(pause).toBeGreaterThanOrEqual(100 * 2 ** index - 1);
      });
    },
  );
});

describe("beyond the budget the run fails with 69, has made nothing, and the next one heals", () => {
  const codes = [
    "SnapshotCreationPerVolumeRateExceeded",
    "ConcurrentSnapshotLimitExceeded",
    "PendingSnapshotLimitExceeded",
    "RequestLimitExceeded",
  ];
  test.each(codes)("%s", async (code) => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 7), { retryFor: "500ms" });
    const { control } = bench.simulator;
    const before = await control.state();
    const status = code === "RequestLimitExceeded" ? 503 : 400;
    const fault: Fault = { kind: "error", action: "CreateSnapshots", code, status, count: "always" };
    control.faults([fault]);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(69);
    expect(run.report.problems.map((problem) => [problem.kind, problem.code])).toEqual([["throttled", code]]);
    expect(captures(bench).length).toBeGreaterThan(1);
    expect(Object.keys((await control.state()).snapshots)).toEqual(Object.keys(before.snapshots));

    control.clearFaults();
    await bench.tomorrow();
    const tomorrow = await control.state();
    const next = await bench.run();
    expect(next.code, next.stderr).toBe(0);
    expectOneGoodRun(tomorrow, await control.state(), volumeCount);
  });
});
