import { beforeEach, describe, expect, test } from "vitest";
import type { Fault } from "../../src/simulator/faults.ts";
import { need } from "../host/places.ts";
import { HoldBench, type HoldReport } from "./hold-bench.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";

beforeEach((context) => need(context, loopDisksCan, loopDisksNeed));

const waits = {
  request: "1s",
  capture: "10s",
  retryFor: "1s",
  retryEvery: "50ms",
  reconcileFor: "500ms",
  reconcileEvery: "50ms",
};

/** The resources of each CreateTags, with how it ended. */
function marking(bench: HoldBench): { ids: string[]; status: number | null }[] {
  return bench.within
    .apiCalls()
    .filter(({ action }) => action === "CreateTags")
    .map(({ parameters, outcome }) => ({
      ids: (parameters as { ResourceId?: string[] }).ResourceId ?? [],
      status: outcome?.status ?? null,
    }));
}

const consistencyTags = async (bench: HoldBench, report: HoldReport): Promise<(string | undefined)[]> =>
  (await bench.tagsOf(report)).map((tags) => tags["ec2-backup:consistency"]);

describe.concurrent("the mark after the release", () => {
  test.for<{ kind: Fault["kind"]; tries: number; lost: boolean }>([
    { kind: "reset-before", tries: 2, lost: true },
    { kind: "500", tries: 2, lost: true },
    { kind: "hang", tries: 1, lost: true },
    { kind: "denied", tries: 1, lost: true },
    { kind: "reset-after", tries: 2, lost: false },
  ])(
    "that never comes back ($kind) is told, and repaired by the next run",
    async ({ kind, tries, lost }, context) => {
      const { bench } = await HoldBench.start(context, "ext4", "ext4");
      await bench.configure([{ freeze: "data" }], { waits });
      bench.control.faults([{ kind, action: "CreateTags", count: "always" }]);
      const { code, report } = await bench.run();
      expect(code).toBe(1);
      expect(report.outcome).toBe("degraded");
      expect(report.stillness).toMatchObject({ achieved: "filesystem", hooks: [{ outcome: "held" }] });
      expect(report.problems.filter(({ severity }) => severity === "error")).toHaveLength(1);
      expect(marking(bench).length).toBeGreaterThanOrEqual(tries);
      if (kind === "denied") expect(marking(bench)).toHaveLength(1);
      const before = lost ? "crash" : "filesystem";
      expect(await consistencyTags(bench, report)).toEqual([before, before]);

      bench.control.clearFaults();
      const asked = marking(bench).length;
      const next = await bench.run();
      expect(next.code, next.stderr).toBe(0);
      expect(await consistencyTags(bench, report)).toEqual(["filesystem", "filesystem"]);
      const { frozenMs } = report.stillness ?? {};
      for (const tags of await bench.tagsOf(report)) expect(tags["ec2-backup:frozen"]).toBe(String(frozenMs));
      // Its own point, and the one that was to be repaired, each in one call for the whole set.
      const more = marking(bench).slice(asked);
      expect(more.map(({ ids, status }) => [ids.length, status])).toEqual(
        Array.from({ length: lost ? 2 : 1 }, () => [2, 200]),
      );
    },
  );

  test("is sent again where EC2 does not know the fresh snapshots yet", async (context) => {
    const { bench } = await HoldBench.start(context, "ext4");
    await bench.configure([{ freeze: "data" }], { waits });
    const code = "InvalidSnapshot.NotFound";
    bench.control.faults([
      { kind: "error", action: "CreateTags", code, status: 400, message: "?", count: 2 },
    ]);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(0);
    expect(run.report.problems).toEqual([]);
    expect(marking(bench).map(({ status }) => status)).toEqual([400, 400, 200]);
    expect(await consistencyTags(bench, run.report)).toEqual(["filesystem"]);
  });

  test("of nothing that was held is not sent", async (context) => {
    const { bench } = await HoldBench.start(context, "ext4");
    await bench.configure([{ command: { before: "exit 1" } }], { waits });
    const run = await bench.run();
    expect(run.code).toBe(1);
    expect(marking(bench)).toEqual([]);
    expect(await consistencyTags(bench, run.report)).toEqual(["crash"]);
  });
});
