import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  type CreateVolumeCommandInput,
  DeleteVolumeCommand,
  DescribeInstancesCommand,
  DescribeVolumeStatusCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { data, instance, refusal, root, type Simulation, simulate } from "./simulate.ts";

const zone = "eu-central-1a";
const snapshot = "snap-0123456789abcdef0";
const gib = 1_073_741_824;
const scenario: Scenario = {
  snapshots: [{ id: snapshot, volumeId: data, volumeSize: 100, fullSizeBytes: 60 * gib }],
};

const create = ({ ec2 }: Simulation, input: Partial<CreateVolumeCommandInput> = {}) =>
  ec2.send(new CreateVolumeCommand({ AvailabilityZone: zone, SnapshotId: snapshot, ...input }));
const attach = ({ ec2 }: Simulation, VolumeId: string, Device = "/dev/sdh", InstanceId = instance) =>
  ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device }));
const detach = ({ ec2 }: Simulation, VolumeId: string, Force = false) =>
  ec2.send(new DetachVolumeCommand({ VolumeId, Force }));
const remove = ({ ec2 }: Simulation, VolumeId: string) => ec2.send(new DeleteVolumeCommand({ VolumeId }));

async function volume({ ec2 }: Simulation, id: string) {
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }));
  return Volumes[0];
}

/** The state of a volume and of its attachment. */
async function state(simulation: Simulation, id: string): Promise<string> {
  const found = await volume(simulation, id);
  return [found?.State, ...(found?.Attachments ?? []).map(({ State }) => State)].join(" ");
}

/** A volume that is available. */
async function made(simulation: Simulation, input: Partial<CreateVolumeCommandInput> = {}): Promise<string> {
  const { VolumeId = "" } = await create(simulation, input);
  await simulation.control.clock({ advance: "2s" });
  return VolumeId;
}

async function used(simulation: Simulation): Promise<string> {
  const id = await made(simulation);
  await attach(simulation, id);
  await simulation.control.clock({ advance: "2s" });
  return id;
}

describe("CreateVolume", () => {
  test("makes gp2 of the snapshot's size where nothing else is asked for, and takes its time", async () => {
    const simulation = await simulate(scenario);
    const answer = await create(simulation);
    expect(answer).toMatchObject({
      VolumeType: "gp2",
      Size: 100,
      Iops: 300,
      State: "creating",
      Encrypted: false,
    });
    const id = answer.VolumeId ?? "";
    expect(await state(simulation, id)).toBe("creating");
    expect((await refusal(attach(simulation, id))).code).toBe("IncorrectState");
    expect((await refusal(remove(simulation, id))).code).toBe("IncorrectState");
    expect((await refusal(simulation.ec2.send(new CreateSnapshotCommand({ VolumeId: id })))).code).toBe(
      "IncorrectState",
    );
    await simulation.control.clock({ advance: "1999ms" });
    expect(await state(simulation, id)).toBe("creating");
    await simulation.control.clock({ advance: "1ms" });
    expect(await state(simulation, id)).toBe("available");
  });

  test("makes what is asked for", async () => {
    const simulation = await simulate(scenario);
    const wish = { VolumeType: "gp3", Size: 200, Iops: 4_000, Throughput: 500 } as const;
    const tags = [{ ResourceType: "volume", Tags: [{ Key: "a", Value: "b" }] }] as const;
    const id = await made(simulation, { ...wish, TagSpecifications: [...tags] as never });
    expect(await volume(simulation, id)).toMatchObject({ ...wish, SnapshotId: snapshot, Tags: tags[0].Tags });
    expect(await made(simulation, { SnapshotId: undefined, Size: 1, VolumeType: "gp3" })).toMatch(/^vol-0/);
  });

  test.each<[string, Partial<CreateVolumeCommandInput>, string, RegExp]>([
    ["less than the snapshot", { Size: 99 }, "InvalidParameterValue", /expect size >= 100GiB/],
    ["neither snapshot nor size", { SnapshotId: undefined }, "MissingParameter", /size/],
    ["an unknown type", { VolumeType: "gp9" as never }, "UnknownVolumeType", /gp9/],
    ["too small an st1", { VolumeType: "st1" }, "InvalidParameterValue", /minimum is 125GiB/],
    ["too large a gp2", { Size: 16_385 }, "InvalidParameterValue", /maximum is 16384GiB/],
    ["IOPS of gp2", { Iops: 3_000 }, "InvalidParameterCombination", /gp2/],
    ["io2 without IOPS", { VolumeType: "io2" }, "MissingParameter", /iops/],
    ["io1 with too many", { VolumeType: "io1", Iops: 5_001 }, "InvalidParameterValue", /maximum is 50/],
    ["few IOPS of gp3", { VolumeType: "gp3", Iops: 2_999 }, "InvalidParameterValue", /minimum is 3000/],
    ["throughput of gp2", { Throughput: 125 }, "InvalidParameterCombination", /gp2/],
    ["throughput beyond IOPS", { VolumeType: "gp3", Throughput: 751 }, "InvalidParameterValue", /0.25/],
    ["a key without encryption", { KmsKeyId: "alias/aws/ebs" }, "InvalidParameterDependency", /Encrypted/],
    ["another Region's zone", { AvailabilityZone: "us-east-1a" }, "InvalidZone.NotFound", /us-east-1a/],
    ["an unknown snapshot", { SnapshotId: "snap-00000000" }, "InvalidSnapshot.NotFound", /snap-00000000/],
    ["a malformed one", { SnapshotId: "snap-1" }, "InvalidSnapshotID.Malformed", /snap-1/],
    ["a rate of 99", { VolumeInitializationRate: 99 }, "InvalidParameterValue", /100 to 300/],
    [
      "a rate without snapshot",
      { SnapshotId: undefined, Size: 1, VolumeInitializationRate: 100 },
      "InvalidParameterCombination",
      /snapshot/,
    ],
    [
      "tags of a snapshot",
      { TagSpecifications: [{ ResourceType: "snapshot", Tags: [{ Key: "a", Value: "" }] }] },
      "InvalidParameterValue",
      /taggable/,
    ],
    ["Multi-Attach of gp3", { MultiAttachEnabled: true }, "InvalidParameterCombination", /Multi/],
    ["a dry run", { DryRun: true }, "DryRunOperation", /DryRun/],
  ])("refuses %s", async (_, input, code, message) => {
    const simulation = await simulate(scenario);
    const refused = await refusal(create(simulation, input));
    expect(refused).toMatchObject({ code, message: expect.stringMatching(message) });
    const { Volumes } = await simulation.ec2.send(new DescribeVolumesCommand({}));
    expect(Volumes).toHaveLength(3);
  });

  test.each([
    ["pending", { state: "pending" }, "IncorrectState"],
    ["failed", { state: "error" }, "IncorrectState"],
    ["in the Recycle Bin", { state: "recoverable" }, "InvalidSnapshot.NotFound"],
    ["archived", { storageTier: "archive" }, "IncorrectState"],
  ] as const)("refuses a snapshot that is %s", async (_, change, code) => {
    const simulation = await simulate({ snapshots: [{ id: snapshot, volumeId: data, ...change }] });
    expect((await refusal(create(simulation))).code).toBe(code);
  });

  test("gives the same volume to the same client token, and refuses it for another", async () => {
    const simulation = await simulate(scenario);
    const [first, second] = await Promise.all([
      create(simulation, { ClientToken: "once" }),
      create(simulation, { ClientToken: "once" }),
    ]);
    expect(second.VolumeId).toBe(first.VolumeId);
    const other = await refusal(create(simulation, { ClientToken: "once", Size: 101 }));
    expect(other.code).toBe("IdempotentParameterMismatch");
    expect((await create(simulation, { ClientToken: "twice" })).VolumeId).not.toBe(first.VolumeId);
  });

  test("gives it also when the first answer was lost", async () => {
    const simulation = await simulate(scenario);
    simulation.control.faults([{ kind: "reset-after", action: "CreateVolume" }]);
    await expect(create(simulation, { ClientToken: "once" })).rejects.toThrow();
    const { VolumeId = "" } = await create(simulation, { ClientToken: "once" });
    const { Volumes = [] } = await simulation.ec2.send(new DescribeVolumesCommand({}));
    expect(Volumes.map((each) => each.VolumeId).filter((id) => id === VolumeId)).toHaveLength(1);
    expect(Volumes).toHaveLength(4);
  });

  test.each(["vanishes", "error"] as const)(
    "with a key that cannot be used it %s later",
    async (keyFault) => {
      const simulation = await simulate({ ...scenario, keyFault, keys: [{ id: "abc", state: "Disabled" }] });
      const { VolumeId = "" } = await create(simulation, { Encrypted: true, KmsKeyId: "abc" });
      expect(await state(simulation, VolumeId)).toBe("creating");
      await simulation.control.clock({ advance: "2s" });
      if (keyFault === "error") {
        expect(await state(simulation, VolumeId)).toBe("error");
        await remove(simulation, VolumeId);
      } else expect((await refusal(volume(simulation, VolumeId))).code).toBe("InvalidVolume.NotFound");
    },
  );

  test("inherits the encryption of its snapshot", async () => {
    const key = "arn:aws:kms:eu-central-1:111122223333:key/abc";
    const encrypted = { id: snapshot, volumeId: data, encrypted: true, kmsKeyId: key };
    const simulation = await simulate({ snapshots: [encrypted], keys: [{ id: "abc" }] });
    expect(await create(simulation)).toMatchObject({ Encrypted: true, KmsKeyId: key });
    expect((await refusal(create(simulation, { Encrypted: false }))).code).toBe("InvalidParameterValue");
  });

  test("is initialized at the rate that is paid for, within the quota", async () => {
    const simulation = await simulate({ ...scenario, initializationQuota: 500 });
    const id = await made(simulation, { VolumeInitializationRate: 300 });
    expect((await refusal(create(simulation, { VolumeInitializationRate: 201 }))).code).toBe(
      "ResourceLimitExceeded",
    );
    await simulation.control.clock({ advance: "100s" });
    const details = async () => {
      const { VolumeStatuses = [] } = await simulation.ec2.send(
        new DescribeVolumeStatusCommand({ VolumeIds: [id] }),
      );
      return VolumeStatuses[0]?.InitializationStatusDetails;
    };
    // 60 GiB at 300 MiB/s: 204.8 seconds.
    expect(await details()).toMatchObject({
      InitializationType: "provisioned-rate",
      Progress: 49,
      EstimatedTimeToCompleteInSeconds: 103,
    });
    await simulation.control.clock({ advance: "103s" });
    expect(await details()).toMatchObject({ Progress: 100, EstimatedTimeToCompleteInSeconds: 0 });
    await create(simulation, { VolumeInitializationRate: 201 });
  });

  test("is not seen at once where the account is slow to know", async () => {
    const simulation = await simulate({ ...scenario, consistency: { seconds: 10 } });
    const { VolumeId = "" } = await create(simulation);
    expect((await refusal(volume(simulation, VolumeId))).code).toBe("InvalidVolume.NotFound");
    expect((await refusal(attach(simulation, VolumeId))).code).toBe("InvalidVolume.NotFound");
    const { Volumes } = await simulation.ec2.send(new DescribeVolumesCommand({}));
    expect(Volumes).toHaveLength(3);
    await simulation.control.clock({ advance: "10s" });
    expect(await state(simulation, VolumeId)).toBe("available");
  });
});

describe("AttachVolume and DetachVolume", () => {
  test("take their time, and DescribeInstances tells the same", async () => {
    const simulation = await simulate(scenario);
    const id = await made(simulation);
    expect(await attach(simulation, id)).toMatchObject({ State: "attaching", Device: "/dev/sdh" });
    expect(await state(simulation, id)).toBe("in-use attaching");
    await simulation.control.clock({ advance: "2s" });
    expect(await state(simulation, id)).toBe("in-use attached");
    const { Reservations } = await simulation.ec2.send(new DescribeInstancesCommand({}));
    const mappings = Reservations?.[0]?.Instances?.[0]?.BlockDeviceMappings ?? [];
    expect(mappings.find(({ Ebs }) => Ebs?.VolumeId === id)).toMatchObject({
      DeviceName: "/dev/sdh",
      Ebs: { Status: "attached", DeleteOnTermination: false },
    });
    expect((await refusal(remove(simulation, id))).code).toBe("VolumeInUse");
    expect(await detach(simulation, id)).toMatchObject({ State: "detaching" });
    expect(await state(simulation, id)).toBe("in-use detaching");
    expect((await refusal(detach(simulation, id))).code).toBe("IncorrectState");
    await simulation.control.clock({ advance: "2s" });
    expect(await state(simulation, id)).toBe("available");
    expect((await refusal(detach(simulation, id))).code).toBe("IncorrectState");
    await remove(simulation, id);
    expect(await state(simulation, id)).toBe("deleting");
    await simulation.control.clock({ advance: "1s" });
    expect((await refusal(remove(simulation, id))).code).toBe("InvalidVolume.NotFound");
  });

  const stranger = "i-0d3a0de0c0ffee002";
  test.each([
    ["one in use", data, "/dev/sdh", instance, "VolumeInUse"],
    ["a device that is taken", undefined, "/dev/sdf", instance, "InvalidParameterValue"],
    ["the same without /dev", undefined, "sdf", instance, "InvalidParameterValue"],
    ["what is no device", undefined, "/dev/nvme1n1", instance, "InvalidParameterValue"],
    ["one of another zone", undefined, "/dev/sdh", stranger, "InvalidVolume.ZoneMismatch"],
    ["a terminated instance", undefined, "/dev/sdh", "i-0d3a0de0c0ffee003", "IncorrectState"],
    ["an unknown instance", undefined, "/dev/sdh", "i-00000000", "InvalidInstanceID.NotFound"],
    ["an unknown volume", "vol-00000000", "/dev/sdh", instance, "InvalidVolume.NotFound"],
  ])("refuses %s", async (_, given, device, to, code) => {
    const subnets = ["a", "b"].map((letter) => ({
      id: `subnet-0000000${letter}`,
      zone: `eu-central-1${letter}`,
      vpc: "vpc-00000000",
    }));
    const simulation = await simulate({ ...scenario, subnets });
    await simulation.control.instances([
      { create: { id: stranger, subnetId: "subnet-0000000b" } },
      { create: { id: "i-0d3a0de0c0ffee003", state: "terminated" } },
    ]);
    const id = given ?? (await made(simulation));
    expect((await refusal(attach(simulation, id, device, to))).code).toBe(code);
  });

  test("refuse more volumes than the instance takes", async () => {
    const simulation = await simulate({ ...scenario, attachmentLimit: 4 });
    const [one, two] = [await made(simulation), await made(simulation)];
    await attach(simulation, one, "/dev/sdh");
    expect((await refusal(attach(simulation, two, "/dev/sdi"))).code).toBe("AttachmentLimitExceeded");
  });

  test("leave the root of a running instance alone, and give that of a stopped one", async () => {
    const simulation = await simulate(scenario);
    expect((await refusal(detach(simulation, root, true))).code).toBe("OperationNotPermitted");
    await simulation.control.instances({ change: { instance, state: "stopped" } });
    await detach(simulation, root);
    await simulation.control.clock({ advance: "2s" });
    expect(await state(simulation, root)).toBe("available");
  });

  test("detaching is stuck in busy while the guest holds the device, until it lets go or force is used", async () => {
    const simulation = await simulate(scenario);
    const id = await used(simulation);
    await simulation.control.volumes({ change: { volume: id, held: true } });
    await detach(simulation, id);
    await simulation.control.clock({ advance: "1h" });
    expect(await state(simulation, id)).toBe("in-use busy");
    await simulation.control.volumes({ change: { volume: id, held: false } });
    expect(await state(simulation, id)).toBe("available");
    await attach(simulation, id);
    await simulation.control.clock({ advance: "2s" });
    await simulation.control.volumes({ change: { volume: id, held: true } });
    await detach(simulation, id);
    await simulation.control.clock({ advance: "1h" });
    await detach(simulation, id, true);
    await simulation.control.clock({ advance: "2s" });
    expect(await state(simulation, id)).toBe("available");
  });

  test("a guest that is played decides when its device is gone", async () => {
    const simulation = await simulate(scenario);
    const id = await used(simulation);
    const tell = async (devices: { volume: string; held: boolean }[]) =>
      (await simulation.control.guest({ devices })).devices.find((each) => each.volume === id);
    expect(await tell([{ volume: id, held: false }])).toMatchObject({
      serial: id.replace("-", ""),
      state: "attached",
      leaving: false,
    });
    await detach(simulation, id);
    expect(await tell([{ volume: id, held: true }])).toMatchObject({ state: "busy", leaving: true });
    await simulation.control.clock({ advance: "1h" });
    expect(await state(simulation, id)).toBe("in-use busy");
    await tell([{ volume: id, held: false }]);
    expect(await state(simulation, id)).toBe("in-use detaching");
    await tell([]);
    expect(await state(simulation, id)).toBe("available");
  });

  test("faults leave attaching and detaching stuck", async () => {
    const simulation = await simulate(scenario);
    const id = await made(simulation);
    simulation.control.faults([
      { kind: "partial", action: "AttachVolume" },
      { kind: "partial", action: "DetachVolume" },
    ]);
    await attach(simulation, id);
    await simulation.control.clock({ advance: "1h" });
    expect(await state(simulation, id)).toBe("in-use attaching");
    await detach(simulation, id, true);
    await simulation.control.clock({ advance: "1h" });
    expect(await state(simulation, id)).toBe("in-use busy");
    await detach(simulation, id, true);
    await simulation.control.clock({ advance: "2s" });
    expect(await state(simulation, id)).toBe("available");
  });
});

test("creating, attaching, detaching and deleting have buckets and can be denied", async () => {
  const simulation = await simulate({ ...scenario, deny: [{ action: "ec2:AttachVolume" }] });
  const id = await made(simulation);
  expect((await refusal(attach(simulation, id))).code).toBe("UnauthorizedOperation");
  // 100 at once and 5 a second.
  const calls = await Promise.allSettled(
    Array.from({ length: 200 }, () => create(simulation, { DryRun: true })),
  );
  const codes = calls.map((each) => (each.status === "rejected" ? each.reason.name : "OK"));
  expect(new Set(codes)).toEqual(new Set(["DryRunOperation", "RequestLimitExceeded"]));
});

test.each([
  ["throttle", "RequestLimitExceeded", 3],
  ["500", "InternalError", 3],
  ["reset-before", /./, 3],
  ["reset-after", /./, 4],
  ["truncated", /./, 4],
] as const)("a CreateVolume that ends in %s has had its effect or has not", async (kind, code, count) => {
  const simulation = await simulate(scenario);
  simulation.control.faults([{ kind, action: "CreateVolume" }]);
  expect((await refusal(create(simulation))).code).toEqual(
    typeof code === "string" ? code : expect.stringMatching(code),
  );
  const { Volumes } = await simulation.ec2.send(new DescribeVolumesCommand({}));
  expect(Volumes).toHaveLength(count);
  expect(simulation.control.calls()[0]).toMatchObject({
    action: "CreateVolume",
    parameters: { SnapshotId: snapshot },
    faults: [kind],
  });
});
