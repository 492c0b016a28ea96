import { ListMetricsCommand } from "@aws-sdk/client-cloudwatch";
import {
  CreateSnapshotsCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { createFaultPlan, type Fault, type FaultKind } from "../../src/simulator/faults.ts";
import { instance, refusal, type Simulation, simulate } from "./simulate.ts";

const create = ({ ec2 }: Simulation, signal?: AbortSignal) =>
  ec2.send(
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: instance } }),
    signal ? { abortSignal: signal } : {},
  );

const own = async ({ control }: Simulation) =>
  Object.values((await control.state()).snapshots).filter(({ ownerId }) => ownerId === "111122223333");

describe("answers that refuse, without any effect", () => {
  const cases: [Fault, string, number][] = [
    [{ kind: "throttle" }, "RequestLimitExceeded", 503],
    [{ kind: "500" }, "InternalError", 500],
    [{ kind: "503" }, "Unavailable", 503],
    [{ kind: "expired" }, "RequestExpired", 400],
    [{ kind: "denied" }, "UnauthorizedOperation", 403],
    [
      { kind: "error", code: "PendingSnapshotLimitExceeded", status: 400, message: "too many" },
      "PendingSnapshotLimitExceeded",
      400,
    ],
  ];
  test.each(cases)("%o", async (fault, code, status) => {
    const simulation = await simulate();
    simulation.control.faults([fault]);
    expect(await refusal(create(simulation))).toMatchObject({ code, status });
    expect(await own(simulation)).toEqual([]);
    expect(simulation.control.calls()).toMatchObject([{ outcome: { status, code }, faults: [fault.kind] }]);
    expect((await create(simulation)).Snapshots).toHaveLength(3);
  });
});

describe("answers that never come whole", () => {
  const cases: [FaultKind, number][] = [
    ["reset-before", 0],
    ["reset-after", 3],
    ["malformed", 3],
    ["truncated", 3],
  ];
  test.each(cases)("%s: the client fails, and %i snapshots exist", async (kind, count) => {
    const simulation = await simulate();
    simulation.control.faults([{ kind }]);
    await expect(create(simulation)).rejects.toThrow();
    expect(await own(simulation)).toHaveLength(count);
  });

  test.each([
    ["hang", 0],
    ["hang-after", 3],
  ] as const)("%s: the client waits until it gives up, and %i snapshots exist", async (kind, count) => {
    const simulation = await simulate();
    simulation.control.faults([{ kind }]);
    const giveUp = new AbortController();
    const call = create(simulation, giveUp.signal);
    const ended = expect(call).rejects.toMatchObject({ name: "AbortError" });
    const [seen] = await simulation.control.waitForCalls(0, 5_000);
    expect(seen).toMatchObject({ action: "CreateSnapshots", outcome: { status: null, code: kind } });
    expect(await own(simulation)).toHaveLength(count);
    giveUp.abort();
    await ended;
  });

  test("delay: the call takes that long and then succeeds", async () => {
    const simulation = await simulate();
    simulation.control.faults([{ kind: "delay", ms: 300 }]);
    const begin = performance.now();
    await create(simulation);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(299);
  });
});

describe("effects that differ", () => {
  test("invisible: what is created stays unseen for so long", async () => {
    const simulation = await simulate();
    simulation.control.faults([{ kind: "invisible", seconds: 20 }]);
    await create(simulation);
    const seen = async () => {
      const { Snapshots } = await simulation.ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
      return Snapshots?.length;
    };
    expect(await seen()).toBe(0);
    await simulation.control.clock({ advance: "20s" });
    expect(await seen()).toBe(3);
  });

  test("partial-listing: the newest things are missing", async () => {
    const { ec2, control } = await simulate({
      snapshots: ["01", "02", "03"].map((day) => ({
        id: `snap-000000${day}`,
        volumeId: "vol-00000001",
        startTime: `2026-02-${day}T00:00:00Z`,
      })),
    });
    control.faults([{ kind: "partial-listing", items: 2 }]);
    const list = async () =>
      (await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }))).Snapshots?.map(
        (each) => each.SnapshotId,
      );
    expect(await list()).toEqual(["snap-00000001"]);
    expect(await list()).toHaveLength(3);
  });

  test("short-page: few things, and a next page", async () => {
    const { ec2, control } = await simulate();
    control.faults([{ kind: "short-page", items: 1 }]);
    const first = await ec2.send(new DescribeVolumesCommand({ MaxResults: 5 }));
    expect(first.Volumes).toHaveLength(1);
    const second = await ec2.send(new DescribeVolumesCommand({ MaxResults: 5, NextToken: first.NextToken }));
    expect(second.Volumes).toHaveLength(2);
    expect(second.NextToken).toBeUndefined();
  });
});

describe("which calls are hit", () => {
  const outcomes = ({ control }: Simulation) => control.calls().map(({ outcome }) => outcome?.status);
  const call = ({ ec2 }: Simulation) => ec2.send(new DescribeVolumesCommand({})).catch(() => undefined);

  test("the Nth of all, whatever its action", async () => {
    const simulation = await simulate();
    simulation.control.faults([{ index: 2, kind: "500" }]);
    await call(simulation);
    await simulation.cloudwatch.send(new ListMetricsCommand({})).catch(() => undefined);
    await call(simulation);
    expect(outcomes(simulation)).toEqual([200, 500, 200]);
  });

  test("those of one action, after some have passed, so many times", async () => {
    const simulation = await simulate();
    simulation.control.faults([{ action: "DescribeV*", skip: 1, count: 2, kind: "503" }]);
    await simulation.ec2.send(new DescribeInstancesCommand({}));
    for (let count = 0; count < 4; count += 1) await call(simulation);
    expect(outcomes(simulation)).toEqual([200, 200, 503, 503, 200]);
    expect(simulation.control.pendingFaults()).toEqual([]);
  });

  test("those of one service", async () => {
    const simulation = await simulate();
    simulation.control.faults([{ service: "cloudwatch", kind: "500", count: "always" }]);
    await call(simulation);
    await simulation.cloudwatch.send(new ListMetricsCommand({})).catch(() => undefined);
    expect(outcomes(simulation)).toEqual([200, 500]);
  });

  test("only dry runs, or none of them", async () => {
    const simulation = await simulate();
    simulation.control.faults([{ action: "DescribeVolumes", dryRun: false, kind: "500" }]);
    await simulation.ec2.send(new DescribeVolumesCommand({ DryRun: true })).catch(() => undefined);
    await call(simulation);
    expect(outcomes(simulation)).toEqual([412, 500]);
  });

  test("new faults are added, or replace the others; none are left after clearing", async () => {
    const { control } = await simulate();
    control.faults([{ kind: "500" }]);
    control.faults([{ kind: "503", count: 3 }]);
    expect(control.pendingFaults().map(({ fault, left }) => [fault.kind, left])).toEqual([
      ["500", 1],
      ["503", 3],
    ]);
    control.faults([{ kind: "hang", count: "always" }], true);
    expect(control.pendingFaults()).toEqual([{ fault: { kind: "hang", count: "always" }, left: null }]);
    control.clearFaults();
    expect(control.pendingFaults()).toEqual([]);
  });

  test("a rate hits about that share, the same calls for the same seed", () => {
    const hits = (seed: number) => {
      const plan = createFaultPlan();
      plan.arm([{ kind: "500", rate: 0.3, seed }], false);
      const target = { service: "ec2", action: "X", account: null, region: null, dryRun: false } as const;
      return Array.from({ length: 1_000 }, () => plan.strike(target).length);
    };
    const sum = hits(7).reduce((total, each) => total + each, 0);
    expect(sum).toBeGreaterThan(250);
    expect(sum).toBeLessThan(350);
    expect(hits(7)).toEqual(hits(7));
    expect(hits(8)).not.toEqual(hits(7));
  });
});
