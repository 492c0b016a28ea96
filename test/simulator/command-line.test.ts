import { describe, expect, test } from "vitest";
import { aws, cli, missing } from "./aws-cli.ts";
import { data, instance, root, simulate } from "./simulate.ts";

test("there is an AWS CLI where everything must run", ({ skip }) => {
  if (process.env.CI !== "true") skip(missing !== undefined, missing);
  expect(missing).toBeUndefined();
});

describe.skipIf(missing !== undefined)(
  `the AWS CLI parses ${"version" in cli ? `(${cli.version.split(" ")[0]})` : ""}`,
  () => {
    const snapshot = "snap-0123456789abcdef0";
    const scenario = {
      snapshots: [{ id: snapshot, volumeId: root, tags: { job: "nightly" } }],
      images: [{ id: "ami-00000001", snapshots: { "/dev/xvda": snapshot } }],
    };
    const id = `--instance-specification InstanceId=${instance}`;

    const cases: [string, object | string | undefined][] = [
      [
        `ec2 describe-instances --instance-ids ${instance}`,
        { Reservations: [{ Instances: [{ InstanceId: instance, State: { Code: 16, Name: "running" } }] }] },
      ],
      [
        `ec2 describe-volumes --filters Name=attachment.instance-id,Values=${instance} --max-items 2`,
        { Volumes: [{ VolumeId: root, Size: 8 }, { VolumeId: data }] },
      ],
      [`ec2 describe-volumes --page-size 5 --volume-ids ${data}`, "InvalidParameterCombination"],
      [
        "ec2 describe-snapshots --owner-ids self --page-size 5",
        {
          Snapshots: [
            {
              SnapshotId: snapshot,
              State: "completed",
              Progress: "100%",
              Tags: [{ Key: "job", Value: "nightly" }],
            },
          ],
        },
      ],
      [
        `ec2 create-snapshots ${id},ExcludeBootVolume=true,ExcludeDataVolumeIds=${data} --copy-tags-from-source volume --tag-specifications ResourceType=snapshot,Tags=[{Key=a,Value=b}]`,
        {
          Snapshots: [
            {
              State: "pending",
              Progress: "",
              Tags: [
                { Key: "Name", Value: "demo archive" },
                { Key: "a", Value: "b" },
              ],
            },
          ],
        },
      ],
      [`ec2 create-snapshots ${id} --dry-run`, "DryRunOperation"],
      [
        `ec2 create-snapshot --volume-id ${data} --description one`,
        { VolumeId: data, State: "pending", Description: "one", VolumeSize: 100 },
      ],
      [`ec2 delete-snapshot --snapshot-id ${snapshot}`, "InvalidSnapshot.InUse"],
      ["ec2 delete-snapshot --snapshot-id snap-00000000", "InvalidSnapshot.NotFound"],
      [`ec2 create-tags --resources ${root} ${data} --tags Key=a,Value=b`, undefined],
      [`ec2 delete-tags --resources ${root} --tags Key=Name`, undefined],
      [
        "ec2 describe-tags --filters Name=key,Values=job",
        { Tags: [{ ResourceId: snapshot, ResourceType: "snapshot", Key: "job", Value: "nightly" }] },
      ],
      [
        `ec2 describe-images --owners self --filters Name=block-device-mapping.snapshot-id,Values=${snapshot}`,
        { Images: [{ ImageId: "ami-00000001", BlockDeviceMappings: [{ Ebs: { SnapshotId: snapshot } }] }] },
      ],
      [
        "ec2 describe-regions --region-names eu-central-1",
        { Regions: [{ RegionName: "eu-central-1", OptInStatus: "opt-in-not-required" }] },
      ],
      ["cloudwatch put-metric-data --namespace AWS/X --metric-name m --value 1", "InvalidParameterValue"],
      ["sts get-caller-identity", { Account: "111122223333", Arn: "arn:aws:iam::111122223333:user/tester" }],
    ];

    test.each(cases)("%s", { timeout: 60_000 }, async (command, expected) => {
      const simulation = await simulate(scenario);
      const answer = aws(simulation, command);
      if (typeof expected === "string")
        await expect(answer).rejects.toMatchObject({ stderr: expect.stringContaining(`(${expected})`) });
      else if (expected === undefined) expect(await answer).toBeUndefined();
      else expect(await answer).toMatchObject(expected);
    });

    test("the metrics that it has put itself", { timeout: 60_000 }, async () => {
      const simulation = await simulate(scenario);
      await aws(
        simulation,
        "cloudwatch put-metric-data --namespace Backup --metric-name Size --value 2.5 --unit Bytes --dimensions Server=i",
      );
      const metric = {
        Namespace: "Backup",
        MetricName: "Size",
        Dimensions: [{ Name: "Server", Value: "i" }],
      };
      expect(await aws(simulation, "cloudwatch list-metrics --namespace Backup")).toEqual({
        Metrics: [metric],
      });
      const range = "--start-time 2026-03-01T01:30:00Z --end-time 2026-03-01T02:30:00Z --period 3600";
      const names = "--namespace Backup --metric-name Size --dimensions Name=Server,Value=i";
      const read = await aws(
        simulation,
        `cloudwatch get-metric-statistics ${names} ${range} --statistics Sum SampleCount`,
      );
      expect(read).toMatchObject({
        Label: "Size",
        Datapoints: [{ Sum: 2.5, SampleCount: 1, Unit: "Bytes" }],
      });
    });

    test("with credentials of the metadata service", { timeout: 60_000 }, async () => {
      const simulation = await simulate({ ...scenario, clock: { speed: 0 } });
      // Older releases put the path right behind it.
      const environment = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `${simulation.simulator.url}/` };
      const arn = `arn:aws:sts::111122223333:assumed-role/ec2-backup/${instance}`;
      expect(await aws(simulation, "sts get-caller-identity", environment)).toMatchObject({ Arn: arn });
    });
  },
);
