import {
  GetMetricStatisticsCommand,
  ListMetricsCommand,
  PutMetricDataCommand,
} from "@aws-sdk/client-cloudwatch";
import {
  CreateSnapshotCommand,
  CreateSnapshotsCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeRegionsCommand,
  DescribeSnapshotsCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { describe, expect, test } from "vitest";
import { archive, data, instance, refusal, root, simulate } from "./simulate.ts";

const start = new Date("2026-03-01T02:00:00Z");

describe("the AWS SDK parses", () => {
  test("DescribeInstances", async () => {
    const { ec2 } = await simulate();
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instance] }));
    expect(Reservations).toHaveLength(1);
    expect(Reservations?.[0]?.OwnerId).toBe("111122223333");
    expect(Reservations?.[0]?.Instances?.[0]).toMatchObject({
      InstanceId: instance,
      State: { Code: 16, Name: "running" },
      InstanceType: "m7i.large",
      RootDeviceName: "/dev/xvda",
      RootDeviceType: "ebs",
      LaunchTime: new Date("2026-01-30T02:00:00Z"),
      Placement: { AvailabilityZone: "eu-central-1a" },
      IamInstanceProfile: { Arn: "arn:aws:iam::111122223333:instance-profile/ec2-backup" },
      Tags: [
        { Key: "Name", Value: "demo" },
        { Key: "Backup", Value: "yes" },
      ],
      BlockDeviceMappings: [
        { DeviceName: "/dev/xvda", Ebs: { VolumeId: root, Status: "attached", DeleteOnTermination: true } },
        { DeviceName: "/dev/sdf", Ebs: { VolumeId: data, Status: "attached", DeleteOnTermination: false } },
        { DeviceName: "/dev/sdg", Ebs: { VolumeId: archive } },
      ],
    });
  });

  test("DescribeVolumes", async () => {
    const { ec2 } = await simulate({
      volumes: [
        {
          id: data,
          size: 100,
          type: "gp3",
          iops: 4_000,
          throughput: 250,
          kmsKeyId: "arn:aws:kms:eu-central-1:111122223333:key/1",
          tags: { Name: 'a <b> & "c"' },
          operator: "workspaces.amazonaws.com",
          attachments: [{ instance, device: "/dev/sdf", attachTime: "2026-02-01T00:00:00.000Z" }],
        },
      ],
    });
    const { Volumes } = await ec2.send(new DescribeVolumesCommand({}));
    expect(Volumes).toEqual([
      {
        VolumeId: data,
        Size: 100,
        SnapshotId: "",
        AvailabilityZone: "eu-central-1a",
        State: "in-use",
        CreateTime: new Date("2026-01-30T02:00:00Z"),
        Attachments: [
          {
            VolumeId: data,
            InstanceId: instance,
            Device: "/dev/sdf",
            State: "attached",
            AttachTime: new Date("2026-02-01T00:00:00Z"),
            DeleteOnTermination: false,
          },
        ],
        VolumeType: "gp3",
        Iops: 4_000,
        Throughput: 250,
        Encrypted: true,
        KmsKeyId: "arn:aws:kms:eu-central-1:111122223333:key/1",
        MultiAttachEnabled: false,
        Operator: { Managed: true, Principal: "workspaces.amazonaws.com" },
        Tags: [{ Key: "Name", Value: 'a <b> & "c"' }],
      },
    ]);
  });

  test("CreateSnapshots and DescribeSnapshots, from pending to completed", async () => {
    const { ec2, control } = await simulate({ settle: { seconds: 100 } });
    const created = await ec2.send(
      new CreateSnapshotsCommand({
        InstanceSpecification: {
          InstanceId: instance,
          ExcludeBootVolume: true,
          ExcludeDataVolumeIds: [archive],
        },
        Description: "one of three",
        CopyTagsFromSource: "volume",
        TagSpecifications: [{ ResourceType: "snapshot", Tags: [{ Key: "set", Value: "1" }] }],
      }),
    );
    const tags = [
      { Key: "Name", Value: "demo data" },
      { Key: "set", Value: "1" },
    ];
    const id = created.Snapshots?.[0]?.SnapshotId;
    expect(created.Snapshots).toEqual([
      {
        SnapshotId: expect.stringMatching(/^snap-[0-9a-f]{17}$/),
        VolumeId: data,
        State: "pending",
        Progress: "",
        StartTime: start,
        OwnerId: "111122223333",
        Description: "one of three",
        VolumeSize: 100,
        Encrypted: false,
        Tags: tags,
      },
    ]);

    await control.clock({ advance: "37s" });
    const pending = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id ?? ""] }));
    expect(pending.Snapshots?.[0]).toMatchObject({ State: "pending", Progress: "37%", Tags: tags });
    expect(pending.Snapshots?.[0]).not.toHaveProperty("CompletionTime");
    expect(pending.Snapshots?.[0]).not.toHaveProperty("FullSnapshotSizeInBytes");

    await control.clock({ advance: "1h" });
    const completed = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id ?? ""] }));
    expect(completed.Snapshots?.[0]).toMatchObject({
      State: "completed",
      Progress: "100%",
      StartTime: start,
      CompletionTime: new Date("2026-03-01T02:01:40Z"),
      FullSnapshotSizeInBytes: 25 * 1_073_741_824,
      StorageTier: "standard",
    });
  });

  test("CreateSnapshot", async () => {
    const { ec2 } = await simulate();
    const tags = [{ Key: "a", Value: "b" }];
    const created = await ec2.send(
      new CreateSnapshotCommand({
        VolumeId: root,
        Description: "root",
        TagSpecifications: [{ ResourceType: "snapshot", Tags: tags }],
      }),
    );
    expect(created).toMatchObject({
      VolumeId: root,
      State: "pending",
      StartTime: start,
      VolumeSize: 8,
      Tags: tags,
    });
  });

  test("tagging and untagging, and DescribeTags", async () => {
    const { ec2 } = await simulate();
    const Resources = [root, data];
    await ec2.send(new CreateTagsCommand({ Resources, Tags: [{ Key: "k", Value: "v" }, { Key: "empty" }] }));
    await ec2.send(new DeleteTagsCommand({ Resources: [data], Tags: [{ Key: "k" }] }));
    const { Tags } = await ec2.send(
      new DescribeTagsCommand({
        Filters: [
          { Name: "key", Values: ["k", "empty"] },
          { Name: "resource-type", Values: ["volume"] },
        ],
      }),
    );
    expect(Tags).toEqual([
      { ResourceId: root, ResourceType: "volume", Key: "empty", Value: "" },
      { ResourceId: root, ResourceType: "volume", Key: "k", Value: "v" },
      { ResourceId: data, ResourceType: "volume", Key: "empty", Value: "" },
    ]);
  });

  test("DescribeImages by the snapshot that an image uses", async () => {
    const snapshot = "snap-0123456789abcdef0";
    const { ec2 } = await simulate({
      snapshots: [{ id: snapshot, volumeId: root }],
      images: [{ id: "ami-0123456789abcdef0", name: "golden", snapshots: { "/dev/xvda": snapshot } }],
    });
    const { Images } = await ec2.send(
      new DescribeImagesCommand({
        Owners: ["self"],
        Filters: [{ Name: "block-device-mapping.snapshot-id", Values: [snapshot] }],
      }),
    );
    expect(Images).toHaveLength(1);
    expect(Images?.[0]).toMatchObject({
      ImageId: "ami-0123456789abcdef0",
      Name: "golden",
      State: "available",
      OwnerId: "111122223333",
      BlockDeviceMappings: [
        { DeviceName: "/dev/xvda", Ebs: { SnapshotId: snapshot, VolumeSize: 8, DeleteOnTermination: true } },
      ],
    });
  });

  test("DescribeRegions", async () => {
    const { ec2 } = await simulate();
    const { Regions } = await ec2.send(new DescribeRegionsCommand({ RegionNames: ["eu-central-1"] }));
    expect(Regions).toEqual([
      {
        RegionName: "eu-central-1",
        Endpoint: "ec2.eu-central-1.amazonaws.com",
        OptInStatus: "opt-in-not-required",
      },
    ]);
    const offered = await ec2.send(new DescribeRegionsCommand({}));
    const all = await ec2.send(new DescribeRegionsCommand({ AllRegions: true }));
    expect(all.Regions?.length).toBeGreaterThan(offered.Regions?.length ?? 0);
    expect(
      await refusal(ec2.send(new DescribeRegionsCommand({ RegionNames: ["xx-nowhere-1"] }))),
    ).toMatchObject({
      code: "InvalidParameterValue",
    });
  });

  test("CloudWatch's three calls", async () => {
    const { cloudwatch } = await simulate();
    const Dimensions = [{ Name: "Server", Value: instance }];
    await cloudwatch.send(
      new PutMetricDataCommand({
        Namespace: "Backup",
        MetricData: [
          { MetricName: "Size", Dimensions, Value: 3, Unit: "Bytes", Timestamp: start },
          { MetricName: "Size", Dimensions, Values: [5, 7], Counts: [1, 3], Unit: "Bytes", Timestamp: start },
        ],
      }),
    );
    const listed = await cloudwatch.send(new ListMetricsCommand({ Namespace: "Backup" }));
    expect(listed.Metrics).toEqual([{ Namespace: "Backup", MetricName: "Size", Dimensions }]);
    const statistics = await cloudwatch.send(
      new GetMetricStatisticsCommand({
        Namespace: "Backup",
        MetricName: "Size",
        Dimensions,
        StartTime: start,
        EndTime: new Date("2026-03-01T03:00:00Z"),
        Period: 3_600,
        Statistics: ["Average", "Sum", "Minimum", "Maximum", "SampleCount"],
      }),
    );
    expect(statistics).toMatchObject({ Label: "Size" });
    expect(statistics.Datapoints).toEqual([
      { Timestamp: start, SampleCount: 5, Sum: 29, Average: 29 / 5, Minimum: 3, Maximum: 7, Unit: "Bytes" },
    ]);
  });

  test("GetCallerIdentity", async () => {
    const { sts } = await simulate();
    expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({
      Account: "111122223333",
      Arn: "arn:aws:iam::111122223333:user/tester",
    });
  });

  test("errors, with code, status, sentence and request id", async () => {
    const { ec2, cloudwatch, sts, control } = await simulate();
    const SnapshotId = "snap-00000000000000000";
    const missing = ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
    await expect(missing).rejects.toMatchObject({
      name: "InvalidSnapshot.NotFound",
      message: `The snapshot '${SnapshotId}' does not exist.`,
      $metadata: { httpStatusCode: 400, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    control.faults([{ kind: "throttle", count: 3 }]);
    expect(await refusal(ec2.send(new DescribeVolumesCommand({})))).toMatchObject({
      code: "RequestLimitExceeded",
      status: 503,
    });
    expect(await refusal(cloudwatch.send(new ListMetricsCommand({})))).toMatchObject({
      code: "ThrottlingException",
      status: 400,
    });
    expect(await refusal(sts.send(new GetCallerIdentityCommand({})))).toMatchObject({
      code: "Throttling",
      status: 400,
    });
  });
});
