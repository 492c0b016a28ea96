import {
  CreateSnapshotCommand,
  CreateSnapshotsCommand,
  type CreateSnapshotsCommandInput,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { archive, data, instance, refusal, root, type Simulation, simulate, volumes } from "./simulate.ts";

const snapshot = "snap-0123456789abcdef0";

function create(
  { ec2 }: Simulation,
  input: Partial<CreateSnapshotsCommandInput> & { instance?: Record<string, unknown> } = {},
) {
  const { instance: specification, ...rest } = input;
  return ec2.send(
    new CreateSnapshotsCommand({
      InstanceSpecification: { InstanceId: instance, ...specification },
      ...rest,
    }),
  );
}

const drop = ({ ec2 }: Simulation, SnapshotId: string) => ec2.send(new DeleteSnapshotCommand({ SnapshotId }));

async function statesOf({ ec2 }: Simulation): Promise<string[]> {
  const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
  return Snapshots.map(({ State = "" }) => State).sort();
}

describe("CreateSnapshots", () => {
  test("takes every volume of the instance at one instant", async () => {
    const { Snapshots = [] } = await create(await simulate());
    expect(Snapshots.map(({ VolumeId }) => VolumeId)).toEqual([root, data, archive]);
    expect(new Set(Snapshots.map(({ StartTime }) => StartTime?.getTime())).size).toBe(1);
  });

  test("is not idempotent: repeating it makes a second set", async () => {
    const simulation = await simulate({ settle: { seconds: 1 } });
    const first = await create(simulation);
    await simulation.control.clock({ advance: "15s" });
    const second = await create(simulation);
    expect(second.Snapshots?.[0]?.SnapshotId).not.toBe(first.Snapshots?.[0]?.SnapshotId);
    expect(await statesOf(simulation)).toHaveLength(6);
  });

  test.each([
    [
      "the root volume as a data volume",
      { ExcludeDataVolumeIds: [root] },
      "InvalidParameterValue",
      /use ExcludeBootVolume/,
    ],
    [
      "a volume that is not attached",
      { ExcludeDataVolumeIds: ["vol-00000000"] },
      "InvalidParameterValue",
      /not attached/,
    ],
    ["a malformed volume id", { ExcludeDataVolumeIds: ["vol-xyz"] }, "InvalidVolumeID.Malformed", /vol-xyz/],
    ["41 volumes", { ExcludeDataVolumeIds: Array(41).fill(data) }, "InvalidParameterValue", /at most 40/],
    [
      "everything",
      { ExcludeBootVolume: true, ExcludeDataVolumeIds: [data, archive] },
      "InvalidParameterValue",
      /No volume/,
    ],
    [
      "an unknown instance",
      { InstanceId: "i-00000000000000000" },
      "InvalidInstanceID.NotFound",
      /does not exist/,
    ],
    ["a malformed instance id", { InstanceId: "i-1" }, "InvalidInstanceID.Malformed", /Invalid id/],
  ])("refuses %s", async (_, specification, code, message) => {
    const simulation = await simulate();
    const refused = await refusal(create(simulation, { instance: specification }));
    expect(refused).toMatchObject({ code, status: 400, message: expect.stringMatching(message) });
    expect(await statesOf(simulation)).toEqual([]);
  });

  test("takes 128 volumes and refuses 129", async () => {
    const most = await simulate({ volumes: volumes(128) });
    expect((await create(most)).Snapshots).toHaveLength(128);
    const more = await simulate({ volumes: volumes(129) });
    expect(await refusal(create(more))).toMatchObject({ code: "InvalidParameterValue" });
    expect((await create(more, { instance: { ExcludeBootVolume: true } })).Snapshots).toHaveLength(128);
  });

  test("refuses a terminated instance", async () => {
    const simulation = await simulate();
    await simulation.control.instances({ change: { instance, state: "terminated" } });
    expect(await refusal(create(simulation))).toMatchObject({ code: "IncorrectInstanceState" });
  });

  test("refuses a description of 256 characters and takes one of 255", async () => {
    const simulation = await simulate();
    expect(await refusal(create(simulation, { Description: "d".repeat(256) }))).toMatchObject({
      code: "InvalidParameterValue",
    });
    expect((await create(simulation, { Description: "d".repeat(255) })).Snapshots).toHaveLength(3);
  });

  test("fails together: one failing member turns all of the set to error, and no other set", async () => {
    const simulation = await simulate({ settle: { seconds: 100 } });
    await create(simulation, { instance: { ExcludeDataVolumeIds: [archive] } });
    await simulation.control.clock({ advance: "15s" });
    simulation.control.faults([{ kind: "partial", action: "CreateSnapshots", volume: data }]);
    const { Snapshots: doomed = [] } = await create(simulation);
    expect(doomed.map(({ State }) => State)).toEqual(["pending", "pending", "pending"]);
    await simulation.control.clock({ advance: "49s" });
    expect(await statesOf(simulation)).toEqual(Array(5).fill("pending"));
    await simulation.control.clock({ advance: "1h" });
    expect(await statesOf(simulation)).toEqual(["completed", "completed", "error", "error", "error"]);
    const ids = doomed.map(({ SnapshotId = "" }) => SnapshotId);
    const { Snapshots = [] } = await simulation.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: ids }));
    expect(
      Snapshots.every(({ Progress, CompletionTime }) => Progress === "50%" && CompletionTime === undefined),
    ).toBe(true);
    const culprit = Snapshots.find(({ StateMessage }) => StateMessage === "Given key ID is not accessible");
    expect(culprit?.VolumeId).toBe(data);
  });

  test("larger volumes take longer when the scenario says so", async () => {
    const simulation = await simulate({ settle: { seconds: 10, secondsPerGiB: 1 } });
    await create(simulation);
    await simulation.control.clock({ advance: "110s" });
    expect(await statesOf(simulation)).toEqual(["completed", "completed", "pending"]);
  });
});

describe("CreateSnapshot", () => {
  test.each([
    ["an unknown volume", "vol-00000000000000000", "InvalidVolume.NotFound"],
    ["a malformed volume id", "vol-1", "InvalidVolumeID.Malformed"],
  ])("refuses %s", async (_, VolumeId, code) => {
    const { ec2 } = await simulate();
    expect(await refusal(ec2.send(new CreateSnapshotCommand({ VolumeId })))).toMatchObject({
      code,
      status: 400,
    });
  });
});

describe("DeleteSnapshot", () => {
  const scenario = { snapshots: [{ id: snapshot, volumeId: root }] };

  test("is told NotFound the second time", async () => {
    const simulation = await simulate(scenario);
    await drop(simulation, snapshot);
    expect(await refusal(drop(simulation, snapshot))).toMatchObject({
      code: "InvalidSnapshot.NotFound",
      status: 400,
    });
    expect(await statesOf(simulation)).toEqual([]);
  });

  test("refuses a malformed id", async () => {
    expect(await refusal(drop(await simulate(), "snap-1"))).toMatchObject({
      code: "InvalidSnapshotID.Malformed",
    });
  });

  test.each(["available", "disabled"] as const)(
    "refuses the snapshot of an image that is %s",
    async (state) => {
      const images = [{ id: "ami-0123456789abcdef0", state, snapshots: { "/dev/xvda": snapshot } }];
      const simulation = await simulate({ ...scenario, images });
      expect(await refusal(drop(simulation, snapshot))).toMatchObject({
        code: "InvalidSnapshot.InUse",
        status: 400,
        message: `The snapshot ${snapshot} is currently in use by ami-0123456789abcdef0`,
      });
      await simulation.control.snapshots({ change: { snapshot, image: null } });
      await drop(simulation, snapshot);
    },
  );

  test("refuses a locked snapshot", async () => {
    const simulation = await simulate(scenario);
    await simulation.control.snapshots({ change: { snapshot, lock: "governance" } });
    expect(await refusal(drop(simulation, snapshot))).toMatchObject({
      code: "OperationNotPermitted",
      status: 400,
    });
    expect(await statesOf(simulation)).toEqual(["completed"]);
  });

  test("refuses what AWS Backup manages", async () => {
    const simulation = await simulate(scenario);
    await simulation.control.snapshots({
      change: { snapshot, tags: { "aws:backup:source-resource": "arn" } },
    });
    expect(await refusal(drop(simulation, snapshot))).toMatchObject({
      code: "InvalidParameterValue",
      message: expect.stringContaining("managed by the AWS Backup service"),
    });
  });

  test("refuses the snapshot of another account", async () => {
    const simulation = await simulate();
    expect(await refusal(drop(simulation, "snap-0a3a0000000000001"))).toMatchObject({ code: "AuthFailure" });
  });

  test("of a pending one takes effect when it settles, and spares the rest of its set", async () => {
    const simulation = await simulate({ settle: { seconds: 60 } });
    const { Snapshots = [] } = await create(simulation);
    await drop(simulation, Snapshots[0]?.SnapshotId ?? "");
    expect(await statesOf(simulation)).toEqual(["pending", "pending", "pending"]);
    await simulation.control.clock({ advance: "61s" });
    expect(await statesOf(simulation)).toEqual(["completed", "completed"]);
  });

  test("moves what a Recycle Bin rule matches there, out of sight", async () => {
    const simulation = await simulate({
      recycleBin: { tag: { key: "keep" } },
      snapshots: [
        { id: snapshot, volumeId: root, tags: { keep: "yes" } },
        { id: "snap-0123456789abcdef1", volumeId: root },
      ],
    });
    await drop(simulation, snapshot);
    await drop(simulation, "snap-0123456789abcdef1");
    expect(await statesOf(simulation)).toEqual([]);
    expect(await refusal(drop(simulation, snapshot))).toMatchObject({ code: "InvalidSnapshot.NotFound" });
    const { snapshots } = await simulation.control.state();
    expect(Object.values(snapshots).map(({ id, state }) => [id, state])).toEqual([[snapshot, "recoverable"]]);
  });
});
