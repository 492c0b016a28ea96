import { describe, expect, test } from "vitest";
import type { Fault } from "../../src/simulator/faults.ts";
import { Bench } from "./bench.ts";
import { scenarioOf, setsOf } from "./history.ts";
import { expectNoHarm, expectOneGoodRun, newSets } from "./oracle.ts";

const volumeCount = 3;

/** Answers that never came to captures that took effect. */
const lost: readonly (readonly [string, readonly Fault[]])[] = [
  [
    "the point is not listed in time",
    [
      { kind: "reset-after", action: "CreateSnapshots" },
      { kind: "invisible", action: "CreateSnapshots", seconds: 600 },
    ],
  ],
  [
    "nobody answers whether there is one",
    [
      { kind: "reset-after", action: "CreateSnapshots" },
      { kind: "throttle", action: "DescribeSnapshots", count: "always" },
    ],
  ],
  [
    "nobody is allowed to look",
    [
      { kind: "malformed", action: "CreateSnapshots" },
      { kind: "denied", action: "DescribeSnapshots", count: "always" },
    ],
  ],
];

describe("a capture whose answer is lost and that cannot be found", () => {
  test.each(lost)("fails without a second try when %s, and the next run adopts it", async (_, faults) => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 7));
    const { control } = bench.simulator;
    const before = await control.state();
    control.faults(faults);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(69);
    expect(run.report.points).toEqual([]);
    expect(run.report.problems[0]?.code).toBe("UnknownOutcome");
    const after = await control.state();
    expectNoHarm(before, after, volumeCount);
    expect(newSets(before, after)).toHaveLength(1);
    expect(bench.apiCalls().filter(({ action }) => action === "CreateSnapshots")).toHaveLength(1);

    control.clearFaults();
    await bench.tomorrow();
    const tomorrow = await control.state();
    const next = await bench.run();
    expect(next.code, next.stderr).toBe(0);
    expectOneGoodRun(tomorrow, await control.state(), volumeCount);
    const adopted = newSets(before, tomorrow)[0]?.id;
    expect(next.report.retention?.keep.map((one) => one.point.id)).toContain(adopted);
  });
});

describe("eventual consistency", () => {
  test("what is created, removed and tagged is seen late, and nothing goes wrong by it", async () => {
    await using bench = await Bench.start(
      scenarioOf(volumeCount, 7, { consistency: { seconds: 3600 }, limits: false }),
    );
    const { control } = bench.simulator;
    for (let round = 0; round < 2; round += 1) {
      const before = await control.state();
      const run = await bench.run();
      expect(run.code, run.stderr).toBe(0);
      const after = await control.state();
      expectNoHarm(before, after, volumeCount);
      expect(newSets(before, after)).toHaveLength(1);
      // Deletions that are not seen yet are asked for again, and found done.
      if (round > 0) expect(run.report.retention?.removals.map((one) => one.outcome)).toContain("was-gone");
      await control.clock({ advance: "90s" });
    }
    await bench.tomorrow();
    const before = await control.state();
    expect((await bench.run()).code).toBe(0);
    expectOneGoodRun(before, await control.state(), volumeCount);
  });

  test("a capture whose answer is lost is found when some members are listed later than others", async () => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 7));
    const { control } = bench.simulator;
    const before = await control.state();
    control.faults([
      { kind: "reset-after", action: "CreateSnapshots" },
      { kind: "partial-listing", action: "DescribeSnapshots", items: 2 },
    ]);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(0);
    expectOneGoodRun(before, await control.state(), volumeCount);
  });

  test("a set that turns to error is told once and cleaned up, also when its run waited for it", async () => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 7, { settle: { seconds: 0.4 } }));
    await bench.configure({ settleFor: "10s", settleEvery: "100ms" });
    const { control } = bench.simulator;
    const before = await control.state();
    control.faults([{ kind: "partial", action: "CreateSnapshots", seconds: 0.2 }]);
    const run = await bench.run({}, "--wait");
    expect(run.code, run.stderr).toBe(1);
    expect(run.report.problems.map((problem) => problem.code)).toContain("SnapshotError");
    expectNoHarm(before, await control.state(), volumeCount);
    await bench.tomorrow();
    const next = await bench.run();
    expect(next.code, next.stderr).toBe(0);
    const left = setsOf(await control.state()).flatMap((set) => set.snapshots.map((one) => one.state));
    expect(left).not.toContain("error");
  });
});
