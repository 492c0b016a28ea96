import {
  CreateSnapshotCommand,
  CreateSnapshotsCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { archive, data, instance, refusal, root, type Simulation, simulate } from "./simulate.ts";

const take = ({ ec2 }: Simulation, VolumeId: string) => ec2.send(new CreateSnapshotCommand({ VolumeId }));

describe("limits of a volume", () => {
  test("15 seconds between snapshots, and none of the set is made when one volume is too early", async () => {
    const simulation = await simulate();
    await take(simulation, data);
    await simulation.control.clock({ advance: "14s" });
    const set = () =>
      simulation.ec2.send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: instance } }));
    expect(await refusal(set())).toMatchObject({
      code: "SnapshotCreationPerVolumeRateExceeded",
      status: 400,
    });
    expect(Object.keys((await simulation.control.state()).snapshots)).toHaveLength(2);
    await simulation.control.clock({ advance: "1s" });
    expect((await set()).Snapshots).toHaveLength(3);
  });

  test.each([
    ["gp3", data, 5],
    ["st1", archive, 1],
  ])("%s: so many under way, then no more until one completes", async (_, volume, most) => {
    const simulation = await simulate({ settle: { seconds: 3_600 } });
    for (let count = 0; count < most; count += 1) {
      await take(simulation, volume);
      await simulation.control.clock({ advance: "15s" });
    }
    expect(await refusal(take(simulation, volume))).toMatchObject({
      code: "ConcurrentSnapshotLimitExceeded",
      status: 400,
    });
    await simulation.control.clock({ advance: "1h" });
    await take(simulation, volume);
  });

  test("one deleted while pending, and one in error, still count", async () => {
    const simulation = await simulate({ settle: { seconds: 60 } });
    const { SnapshotId = "" } = await take(simulation, archive);
    await simulation.ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
    await simulation.control.clock({ advance: "20s" });
    expect(await refusal(take(simulation, archive))).toMatchObject({
      code: "ConcurrentSnapshotLimitExceeded",
    });
    await simulation.control.clock({ advance: "1m" });
    simulation.control.faults([{ kind: "partial" }]);
    const failed = await take(simulation, archive);
    await simulation.control.clock({ advance: "1h" });
    expect(await refusal(take(simulation, archive))).toMatchObject({
      code: "ConcurrentSnapshotLimitExceeded",
    });
    await simulation.ec2.send(new DeleteSnapshotCommand({ SnapshotId: failed.SnapshotId ?? "" }));
    await take(simulation, archive);
  });

  test("switched off with the limits", async () => {
    const simulation = await simulate({ limits: false });
    await take(simulation, archive);
    await take(simulation, archive);
  });
});

describe("request buckets", () => {
  /** How many of so many calls at once are not throttled; an answer that is none of EC2's fails the test. */
  async function passed(count: number, call: () => Promise<unknown>): Promise<number> {
    const codes = await Promise.all(Array.from({ length: count }, () => call().then(() => "OK", codeOf)));
    return codes.filter((code) => code !== "RequestLimitExceeded").length;
  }

  function codeOf(error: Error & { $metadata?: { httpStatusCode?: number } }): string {
    expect(error.$metadata?.httpStatusCode).toBeGreaterThanOrEqual(400);
    return error.name;
  }

  test.each([
    ["paginated", 100, { MaxResults: 5 }],
    ["filtered", 100, { Filters: [{ Name: "volume-id", Values: ["*"] }] }],
    ["neither", 50, {}],
    ["by id only", 50, { VolumeIds: [root] }],
  ])("Describe calls, %s: %i at once", async (_, most, input) => {
    const { ec2 } = await simulate();
    const got = await passed(most + 200, () => ec2.send(new DescribeVolumesCommand(input)));
    // Real time goes on while the calls are made, and refills a little.
    expect(got).toBeGreaterThanOrEqual(most);
    expect(got).toBeLessThan(most + 200);
  });

  test("each action has a bucket of its own", async () => {
    const { ec2 } = await simulate();
    await passed(200, () => ec2.send(new DescribeVolumesCommand({})));
    expect(await passed(10, () => ec2.send(new DescribeInstancesCommand({})))).toBe(10);
  });

  test("a dry run is charged like the real call", async () => {
    const { ec2 } = await simulate();
    const input = { InstanceSpecification: { InstanceId: instance }, DryRun: true };
    const got = await passed(300, () => ec2.send(new CreateSnapshotsCommand(input)));
    expect(got).toBeGreaterThanOrEqual(100);
    expect(got).toBeLessThan(300);
  });

  test("jumps of simulated time refill", async () => {
    const { ec2, control } = await simulate();
    const SnapshotId = "snap-00000000000000000";
    const erase = () => ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
    expect(await passed(300, erase)).toBeLessThan(300);
    await control.clock({ advance: "6s" });
    const got = await passed(200, erase);
    expect(got).toBeGreaterThanOrEqual(30);
    expect(got).toBeLessThan(200);
  });

  test("real time refills although simulated time stands still", async () => {
    const { ec2, control } = await simulate();
    await passed(300, () =>
      ec2.send(new CreateTagsCommand({ Resources: [root], Tags: [{ Key: "a", Value: "b" }] })),
    );
    const before = (await control.clock({})).now;
    await expect
      .poll(
        () =>
          ec2.send(new CreateTagsCommand({ Resources: [root], Tags: [{ Key: "a", Value: "b" }] })).then(
            () => "OK",
            () => "no",
          ),
        { timeout: 10_000 },
      )
      .toBe("OK");
    expect((await control.clock({})).now).toBe(before);
  });

  test("none with the limits switched off", async () => {
    const { ec2 } = await simulate({ limits: false });
    expect(await passed(130, () => ec2.send(new DescribeSnapshotsCommand({})))).toBe(130);
  });
});

describe("DryRun", () => {
  test("answers 412 DryRunOperation when it would succeed, and does nothing", async () => {
    const { ec2, control } = await simulate();
    const input = { InstanceSpecification: { InstanceId: instance }, DryRun: true };
    expect(await refusal(ec2.send(new CreateSnapshotsCommand(input)))).toMatchObject({
      code: "DryRunOperation",
      status: 412,
    });
    expect(
      Object.values((await control.state()).snapshots).filter(({ ownerId }) => ownerId === "111122223333"),
    ).toEqual([]);
  });

  test("is refused as the real call would be", async () => {
    const { ec2 } = await simulate({ deny: [{ action: "ec2:CreateSnapshots" }] });
    const input = { InstanceSpecification: { InstanceId: instance }, DryRun: true };
    expect(await refusal(ec2.send(new CreateSnapshotsCommand(input)))).toMatchObject({
      code: "UnauthorizedOperation",
      status: 403,
    });
    const bad = { SnapshotId: "snap-00000000000000000", DryRun: true };
    expect(await refusal(ec2.send(new DeleteSnapshotCommand(bad)))).toMatchObject({
      code: "InvalidSnapshot.NotFound",
    });
  });

  test("of a reading call too", async () => {
    const { ec2 } = await simulate();
    expect(await refusal(ec2.send(new DescribeVolumesCommand({ DryRun: true })))).toMatchObject({
      code: "DryRunOperation",
      status: 412,
    });
  });
});
