import {
  CreateImageCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeSnapshotTierStatusCommand,
  DescribeVolumesCommand,
  ListSnapshotsInRecycleBinCommand,
  RegisterImageCommand,
  type RegisterImageCommandInput,
  RestoreSnapshotFromRecycleBinCommand,
  RestoreSnapshotTierCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { data, instance, refusal, root, type Simulation, simulate } from "./simulate.ts";

const ofRoot = "snap-0000000000000000a";
const scenario = { snapshots: [{ id: ofRoot, volumeId: root }] };
const advance = ({ control }: Simulation, time: string) => control.clock({ advance: time });
const zone = { AvailabilityZone: "eu-central-1a" };

/** What an image for a present type of instance needs. */
const whole = {
  Name: "restored",
  RootDeviceName: "/dev/xvda",
  Architecture: "x86_64",
  VirtualizationType: "hvm",
  EnaSupport: true,
  BootMode: "uefi-preferred",
  BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId: ofRoot, VolumeType: "gp3" } }],
} satisfies RegisterImageCommandInput;

const register = ({ ec2 }: Simulation, input: Partial<RegisterImageCommandInput> = {}) =>
  ec2.send(new RegisterImageCommand({ ...whole, ...input }));
const launch = ({ ec2 }: Simulation, input: Partial<RunInstancesCommandInput>) =>
  ec2.send(new RunInstancesCommand({ MinCount: 1, MaxCount: 1, InstanceType: "m7i.large", ...input }));

async function image({ ec2 }: Simulation, id: string) {
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: [id] }));
  return Images[0];
}

describe("RegisterImage", () => {
  test("makes an image of a snapshot, which the snapshot then is held by", async () => {
    const simulation = await simulate(scenario);
    const { ImageId = "" } = await register(simulation);
    expect(await image(simulation, ImageId)).toMatchObject({
      State: "available",
      Architecture: "x86_64",
      BootMode: "uefi-preferred",
      EnaSupport: true,
      RootDeviceName: "/dev/xvda",
      BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId: ofRoot, VolumeType: "gp3" } }],
    });
    const remove = () => simulation.ec2.send(new DeleteSnapshotCommand({ SnapshotId: ofRoot }));
    expect((await refusal(remove())).code).toBe("InvalidSnapshot.InUse");
    await simulation.ec2.send(new DeregisterImageCommand({ ImageId }));
    expect((await refusal(image(simulation, ImageId))).code).toBe("InvalidAMIID.NotFound");
    await remove();
  });

  test("has defaults that no present instance runs with", async () => {
    const simulation = await simulate(scenario);
    const { ec2 } = simulation;
    const { Name, RootDeviceName } = whole;
    const BlockDeviceMappings = [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId: ofRoot } }];
    const bare = new RegisterImageCommand({ Name, RootDeviceName, BlockDeviceMappings });
    const { ImageId = "" } = await ec2.send(bare);
    expect(await image(simulation, ImageId)).toMatchObject({
      Architecture: "i386",
      VirtualizationType: "paravirtual",
      EnaSupport: false,
      BlockDeviceMappings: [{ Ebs: { VolumeType: "standard" } }],
    });
    expect((await refusal(launch(simulation, { ImageId }))).message).toMatch(/architecture 'i386'/);
    const pv = await register(simulation, { Name: "pv1", VirtualizationType: undefined });
    expect((await refusal(launch(simulation, pv))).message).toMatch(/paravirtual/);
    const slow = await register(simulation, { Name: "slow", EnaSupport: undefined });
    expect((await refusal(launch(simulation, slow))).message).toMatch(/ENA/);
  });

  test.each<[string, Partial<RegisterImageCommandInput>, string]>([
    ["a short name", { Name: "ab" }, "InvalidAMIName.Malformed"],
    ["no root snapshot", { RootDeviceName: "/dev/sda1" }, "InvalidBlockDeviceMapping"],
    ["an unknown architecture", { Architecture: "vax" as never }, "InvalidParameterValue"],
    [
      "an unknown snapshot",
      { BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId: "snap-00000000" } }] },
      "InvalidSnapshot.NotFound",
    ],
  ])("refuses %s", async (_, input, code) => {
    const simulation = await simulate(scenario);
    expect((await refusal(register(simulation, input))).code).toBe(code);
    await register(simulation);
    expect((await refusal(register(simulation))).code).toBe("InvalidAMIName.Duplicate");
  });
});

describe("CreateImage", () => {
  test("takes snapshots of all volumes, reboots unless told not to, and is pending until they are done", async () => {
    const simulation = await simulate({ settle: { seconds: 90 } });
    const { ec2, control } = simulation;
    const make = (Name: string, NoReboot: boolean) =>
      ec2.send(
        new CreateImageCommand({
          InstanceId: instance,
          Name,
          NoReboot,
          BlockDeviceMappings: [{ DeviceName: "/dev/sdg", NoDevice: "" }],
        }),
      );
    const { ImageId = "" } = await make("monthly", true);
    const found = await image(simulation, ImageId);
    expect(found).toMatchObject({ State: "pending", Name: "monthly", SourceInstanceId: instance });
    expect(found?.BlockDeviceMappings?.map(({ DeviceName }) => DeviceName)).toEqual([
      "/dev/xvda",
      "/dev/sdf",
    ]);
    await advance(simulation, "60s");
    expect((await image(simulation, ImageId))?.State).toBe("pending");
    expect((await refusal(launch(simulation, { ImageId }))).code).toBe("InvalidAMIID.Unavailable");
    await advance(simulation, "30s");
    expect((await image(simulation, ImageId))?.State).toBe("available");
    expect((await control.guest({ devices: [] })).boots).toBe(1);
    await make("another", false);
    await advance(simulation, "10s");
    expect((await control.guest({ devices: [] })).boots).toBe(2);
    control.faults([{ kind: "partial", action: "CreateImage" }]);
    await advance(simulation, "15s");
    const failed = await make("broken", true);
    expect((await image(simulation, failed.ImageId ?? ""))?.State).toBe("failed");
  });
});

describe("RunInstances", () => {
  test("launches an image with the volumes, network, profile and user data that are asked for", async () => {
    const simulation = await simulate({
      ...scenario,
      subnets: [
        { id: "subnet-0000000a", zone: "eu-central-1a", vpc: "vpc-00000001" },
        { id: "subnet-0000000b", zone: "eu-central-1b", vpc: "vpc-00000001" },
      ],
      securityGroups: [
        { id: "sg-00000001", name: "default", vpc: "vpc-00000001" },
        { id: "sg-00000002", name: "web", vpc: "vpc-00000001" },
        { id: "sg-00000003", name: "far", vpc: "vpc-00000002" },
      ],
    });
    const { ec2 } = simulation;
    const { ImageId } = await register(simulation);
    const input = {
      ImageId,
      SubnetId: "subnet-0000000b",
      SecurityGroupIds: ["sg-00000002"],
      IamInstanceProfile: { Name: "web" },
      UserData: Buffer.from("#!/bin/sh\n").toString("base64"),
      ClientToken: "once",
      BlockDeviceMappings: [
        { DeviceName: "/dev/xvda", Ebs: { VolumeSize: 20, Iops: 4_000 } },
        { DeviceName: "/dev/sdf", Ebs: { VolumeSize: 5, DeleteOnTermination: false } },
      ],
      TagSpecifications: [
        { ResourceType: "instance" as const, Tags: [{ Key: "Name", Value: "again" }] },
        { ResourceType: "volume" as const, Tags: [{ Key: "a", Value: "b" }] },
      ],
    };
    const { Instances = [] } = await launch(simulation, input);
    const id = Instances[0]?.InstanceId ?? "";
    expect(Instances[0]?.State?.Name).toBe("pending");
    expect((await launch(simulation, input)).Instances?.[0]?.InstanceId).toBe(id);
    expect((await refusal(launch(simulation, { ...input, KeyName: "k" }))).code).toBe(
      "IdempotentParameterMismatch",
    );
    await advance(simulation, "10s");
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    expect(Reservations?.[0]?.Instances?.[0]).toMatchObject({
      State: { Name: "running" },
      ImageId,
      SubnetId: "subnet-0000000b",
      VpcId: "vpc-00000001",
      Placement: { AvailabilityZone: "eu-central-1b" },
      SecurityGroups: [{ GroupId: "sg-00000002", GroupName: "web" }],
      IamInstanceProfile: { Arn: "arn:aws:iam::111122223333:instance-profile/web" },
      BootMode: "uefi-preferred",
      ClientToken: "once",
      Tags: [{ Key: "Name", Value: "again" }],
    });
    const attribute = { InstanceId: id, Attribute: "userData" } as const;
    const { UserData } = await ec2.send(new DescribeInstanceAttributeCommand(attribute));
    expect(UserData?.Value).toBe(input.UserData);
    const Filters = [{ Name: "attachment.instance-id", Values: [id] }];
    const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters }));
    expect(Volumes.sort((a, b) => (b.Size ?? 0) - (a.Size ?? 0))).toMatchObject([
      {
        Size: 20,
        VolumeType: "gp3",
        Iops: 4_000,
        SnapshotId: ofRoot,
        Attachments: [{ DeleteOnTermination: true }],
      },
      { Size: 5, VolumeType: "gp2", SnapshotId: "", Attachments: [{ DeleteOnTermination: false }] },
    ]);
    expect(
      Volumes.every((each) => each.AvailabilityZone === "eu-central-1b" && each.Tags?.[0]?.Key === "a"),
    ).toBe(true);
    const wrong: [Partial<RunInstancesCommandInput>, string][] = [
      [{ SubnetId: "subnet-00000000" }, "InvalidSubnetID.NotFound"],
      [{ SecurityGroupIds: ["sg-00000009"] }, "InvalidGroup.NotFound"],
      [{ SecurityGroupIds: ["sg-00000003"] }, "InvalidParameter"],
      [{ UserData: "no base64!" }, "InvalidParameterValue"],
      [{ InstanceType: "m7g.large" }, "InvalidParameterValue"],
      [{ ImageId: "ami-00000000" }, "InvalidAMIID.NotFound"],
      [{ DryRun: true }, "DryRunOperation"],
    ];
    await advance(simulation, "10s");
    for (const [change, code] of wrong) {
      const refused = await refusal(launch(simulation, { ...input, ClientToken: code, ...change }));
      expect(refused.code).toBe(code);
      await advance(simulation, "1s");
    }
  });

  test("an instance that cannot start is terminated, and tells why", async () => {
    const simulation = await simulate({ ...scenario, keys: [{ id: "abc", state: "PendingDeletion" }] });
    const { ImageId } = await register(simulation);
    const Ebs = { Encrypted: true, KmsKeyId: "abc" };
    const BlockDeviceMappings = [{ DeviceName: "/dev/xvda", Ebs }];
    const locked = await launch(simulation, { ImageId, BlockDeviceMappings });
    simulation.control.faults([{ kind: "partial", action: "RunInstances" }]);
    const unlucky = await launch(simulation, { ImageId });
    await advance(simulation, "10s");
    const InstanceIds = [locked, unlucky].map(({ Instances }) => Instances?.[0]?.InstanceId ?? "");
    const { Reservations = [] } = await simulation.ec2.send(new DescribeInstancesCommand({ InstanceIds }));
    const told = Reservations.map(({ Instances }) => Instances?.[0]);
    expect(told.map((each) => each?.State?.Name)).toEqual(["terminated", "terminated"]);
    expect(told.map((each) => each?.StateReason?.Code).sort()).toEqual([
      "Client.InternalError",
      "Client.InvalidKMSKey.InvalidState",
    ]);
    const { Volumes } = await simulation.ec2.send(new DescribeVolumesCommand({}));
    expect(Volumes).toHaveLength(3);
  });

  test("is seen late where the account is slow to know, and may not pass a role without leave", async () => {
    const deny = [{ action: "iam:PassRole" }];
    const simulation = await simulate({ ...scenario, consistency: { seconds: 5 }, deny });
    const { ImageId } = await register(simulation);
    expect((await refusal(launch(simulation, { ImageId }))).code).toBe("InvalidAMIID.NotFound");
    await advance(simulation, "5s");
    const profile = { ImageId, IamInstanceProfile: { Name: "web" } };
    expect((await refusal(launch(simulation, profile))).code).toBe("UnauthorizedOperation");
    const { Instances = [] } = await launch(simulation, { ImageId });
    const InstanceIds = [Instances[0]?.InstanceId ?? ""];
    const look = () => simulation.ec2.send(new DescribeInstancesCommand({ InstanceIds }));
    expect((await refusal(look())).code).toBe("InvalidInstanceID.NotFound");
    await advance(simulation, "5s");
    expect((await look()).Reservations).toHaveLength(1);
  });
});

describe("what is out of reach", () => {
  test("the Recycle Bin lists a snapshot until when it is kept, and gives it back", async () => {
    const simulation = await simulate({ ...scenario, recycleBin: { days: 3 } });
    const { ec2 } = simulation;
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId: ofRoot }));
    const make = () => ec2.send(new CreateVolumeCommand({ ...zone, SnapshotId: ofRoot }));
    expect((await refusal(make())).code).toBe("InvalidSnapshot.NotFound");
    const { Snapshots } = await ec2.send(new ListSnapshotsInRecycleBinCommand({}));
    expect(Snapshots).toMatchObject([
      {
        SnapshotId: ofRoot,
        RecycleBinEnterTime: new Date("2026-03-01T02:00:00Z"),
        RecycleBinExitTime: new Date("2026-03-04T02:00:00Z"),
      },
    ]);
    await ec2.send(new RestoreSnapshotFromRecycleBinCommand({ SnapshotId: ofRoot }));
    await make();
    const again = new RestoreSnapshotFromRecycleBinCommand({ SnapshotId: ofRoot });
    expect((await refusal(ec2.send(again))).code).toBe("InvalidSnapshot.NotFound");
  });

  test("an archived snapshot must be restored first, for some days or for good", async () => {
    const id = "snap-0000000000000000d";
    const simulation = await simulate({ snapshots: [{ id, volumeId: data, storageTier: "archive" }] });
    const { ec2 } = simulation;
    const make = () => ec2.send(new CreateVolumeCommand({ ...zone, SnapshotId: id }));
    const tier = async () => {
      const { SnapshotTierStatuses = [] } = await ec2.send(new DescribeSnapshotTierStatusCommand({}));
      return SnapshotTierStatuses[0];
    };
    const restore = (input: { TemporaryRestoreDays?: number; PermanentRestore?: boolean }) =>
      ec2.send(new RestoreSnapshotTierCommand({ SnapshotId: id, ...input }));
    expect((await refusal(make())).code).toBe("IncorrectState");
    expect((await refusal(restore({}))).code).toBe("InvalidParameterCombination");
    expect((await refusal(restore({ TemporaryRestoreDays: 181 }))).code).toBe("InvalidParameterValue");
    expect(await restore({ TemporaryRestoreDays: 2 })).toMatchObject({ RestoreDuration: 2 });
    await advance(simulation, "12h");
    expect(await tier()).toMatchObject({
      StorageTier: "archive",
      LastTieringOperationStatus: "temporary-restore-in-progress",
      LastTieringProgress: 50,
    });
    expect((await refusal(make())).code).toBe("IncorrectState");
    await advance(simulation, "12h");
    expect(await tier()).toMatchObject({
      StorageTier: "standard",
      RestoreExpiryTime: new Date("2026-03-04T02:00:00Z"),
    });
    await make();
    await advance(simulation, "48h");
    expect((await refusal(make())).code).toBe("IncorrectState");
    await restore({ PermanentRestore: true });
    await advance(simulation, "96h");
    await make();
    const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
    expect(Snapshots?.[0]?.StorageTier).toBe("standard");
  });
});
