import {
  CreateSnapshotsCommand,
  DeleteSnapshotCommand,
  DescribeLockedSnapshotsCommand,
  LockSnapshotCommand,
  type LockSnapshotCommandInput,
  UnlockSnapshotCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { data, instance, refusal, type Simulation, simulate } from "./simulate.ts";

const snapshot = "snap-0123456789abcdef0";
const scenario = { snapshots: [{ id: snapshot, volumeId: data }] };

type Wish = Partial<LockSnapshotCommandInput>;

const lock = ({ ec2 }: Simulation, wish: Wish = {}) =>
  ec2.send(
    new LockSnapshotCommand({
      SnapshotId: snapshot,
      LockMode: "governance",
      ...(wish.ExpirationDate === undefined ? { LockDuration: 7 } : {}),
      ...wish,
    }),
  );
const unlock = ({ ec2 }: Simulation) => ec2.send(new UnlockSnapshotCommand({ SnapshotId: snapshot }));
const drop = ({ ec2 }: Simulation) => ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshot }));

async function locked({ ec2 }: Simulation) {
  const { Snapshots = [] } = await ec2.send(new DescribeLockedSnapshotsCommand({}));
  return Snapshots;
}

describe("a lock", () => {
  test("holds a snapshot for its days, and no longer", async () => {
    const simulation = await simulate(scenario);
    expect(await lock(simulation)).toMatchObject({ LockState: "governance", LockDuration: 7 });
    expect((await refusal(drop(simulation))).message).toMatch(/locked in governance/);
    await simulation.control.clock({ advance: "167h" });
    expect(await refusal(drop(simulation))).toMatchObject({ status: 400 });
    await simulation.control.clock({ advance: "1h" });
    expect(await locked(simulation)).toMatchObject([{ SnapshotId: snapshot, LockState: "expired" }]);
    await drop(simulation);
  });

  test("of a pending snapshot begins to count when that is complete, and holds before", async () => {
    const simulation = await simulate({ settle: { seconds: 7_200 } });
    const { Snapshots = [] } = await simulation.ec2.send(
      new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: instance } }),
    );
    const SnapshotId = Snapshots[0]?.SnapshotId ?? "";
    const answer = await lock(simulation, { SnapshotId, LockDuration: 1 });
    expect(answer.LockState).toBe("governance");
    expect(answer.LockExpiresOn).toBeUndefined();
    await refusal(simulation.ec2.send(new DeleteSnapshotCommand({ SnapshotId })));
    await simulation.control.clock({ advance: "24h" });
    expect((await locked(simulation))[0]?.LockState).toBe("governance");
    await simulation.control.clock({ advance: "3h" });
    expect((await locked(simulation))[0]?.LockState).toBe("expired");
  });

  test("goes with a creation that fails", async () => {
    const simulation = await simulate({ snapshots: [{ id: snapshot, volumeId: data, state: "pending" }] });
    await lock(simulation);
    await simulation.control.snapshots({ change: { snapshot, state: "error" } });
    expect(await locked(simulation)).toEqual([]);
  });

  test("in governance mode is taken off by who may", async () => {
    const simulation = await simulate(scenario);
    await lock(simulation);
    await unlock(simulation);
    expect(await locked(simulation)).toEqual([]);
    expect((await refusal(unlock(simulation))).status).toBe(400);
    await drop(simulation);
  });

  test("in compliance mode is taken off while it cools off, and by nobody afterwards", async () => {
    const simulation = await simulate(scenario);
    const wish = { LockMode: "compliance", CoolOffPeriod: 2 } as const;
    expect((await lock(simulation, wish)).LockState).toBe("compliance-cooloff");
    await unlock(simulation);
    await lock(simulation, wish);
    await simulation.control.clock({ advance: "2h" });
    expect((await locked(simulation))[0]?.LockState).toBe("compliance");
    for (const tried of [unlock(simulation), drop(simulation), lock(simulation)])
      expect((await refusal(tried)).code).toBe("OperationNotPermitted");
    await refusal(lock(simulation, { LockMode: "compliance", LockDuration: 6 }));
    expect((await lock(simulation, { LockMode: "compliance", LockDuration: 9 })).LockDuration).toBe(9);
  });

  test("in governance mode may be made shorter", async () => {
    const simulation = await simulate(scenario);
    await lock(simulation);
    expect((await lock(simulation, { LockDuration: 1 })).LockDuration).toBe(1);
  });
});

test.each<[string, Wish, string]>([
  ["no duration", { LockDuration: undefined }, "InvalidParameterCombination"],
  ["two", { LockDuration: 1, ExpirationDate: new Date("2027-01-01") }, "InvalidParameterCombination"],
  ["a duration of nothing", { LockDuration: 0 }, "InvalidParameterValue"],
  ["more than a hundred years", { LockDuration: 36_501 }, "InvalidParameterValue"],
  ["an end within the day", { ExpirationDate: new Date("2026-03-01T12:00:00Z") }, "InvalidParameterValue"],
  ["a cooling-off of governance", { CoolOffPeriod: 1 }, "InvalidParameterCombination"],
  ["four days of cooling-off", { LockMode: "compliance", CoolOffPeriod: 96 }, "InvalidParameterValue"],
  ["another mode", { LockMode: "soft" as "governance" }, "InvalidParameterValue"],
  ["a snapshot that is not there", { SnapshotId: "snap-00000000000000000" }, "InvalidSnapshot.NotFound"],
])("a lock with %s is refused", async (_, wish, code) => {
  const simulation = await simulate(scenario);
  expect((await refusal(lock(simulation, wish))).code).toBe(code);
  expect(await locked(simulation)).toEqual([]);
});

test("a dry run locks nothing, and locking has a bucket of fifty", async () => {
  const simulation = await simulate(scenario);
  expect((await refusal(lock(simulation, { DryRun: true }))).code).toBe("DryRunOperation");
  expect(await locked(simulation)).toEqual([]);
  const calls = await Promise.allSettled(Array.from({ length: 120 }, () => lock(simulation)));
  const refused = calls.filter((one) => one.status === "rejected");
  expect(refused.map(({ reason }) => (reason as Error).name)).toContain("RequestLimitExceeded");
  expect(calls.length - refused.length).toBeGreaterThanOrEqual(49);
});
