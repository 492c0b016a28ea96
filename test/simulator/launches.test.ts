import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  DeleteKeyPairCommand,
  DeleteSecurityGroupCommand,
  DescribeAvailabilityZonesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  DescribeKeyPairsCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  GetConsoleOutputCommand,
  ImportKeyPairCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, describe, expect, test } from "vitest";
import { keys, refusal, root, simulate } from "./simulate.ts";

const image = "ami-0000000000000000a";
const parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
const scenario = {
  snapshots: [{ id: "snap-0000000000000000a", volumeId: root }],
  images: [{ id: image, ownerId: "137112412989", snapshots: { "/dev/xvda": "snap-0000000000000000a" } }],
  ssm: { parameters: { [parameter]: image } },
  launches: { publicIp: "127.0.0.1", console: "cloud-init\nssh-ed25519 AAAA\n", consoleAfter: 30 },
};

const place = mkdtempSync(path.join(tmpdir(), "launches-"));
execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path.join(place, "key")]);
const material = readFileSync(path.join(place, "key.pub"));
afterAll(() => rmSync(place, { recursive: true }));

const spec = (type: "key-pair" | "security-group" | "instance") => [
  { ResourceType: type, Tags: [{ Key: "work", Value: "one" }] },
];

describe("a throw-away instance", () => {
  test("has a key pair, a group, an image by a public parameter, and a console that is late", async () => {
    const simulation = await simulate(scenario);
    const { ec2, control } = simulation;
    const ssm = new SSMClient({
      endpoint: simulation.simulator.url,
      region: "eu-central-1",
      credentials: keys,
    });
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: parameter }));
    expect(Parameter?.Value).toBe(image);
    expect((await refusal(ssm.send(new GetParameterCommand({ Name: "/aws/none" })))).code).toBe(
      "ParameterNotFound",
    );
    const key = { KeyName: "k", PublicKeyMaterial: material, TagSpecifications: spec("key-pair") };
    const { KeyPairId = "" } = await ec2.send(new ImportKeyPairCommand(key));
    expect((await refusal(ec2.send(new ImportKeyPairCommand(key)))).code).toBe("InvalidKeyPair.Duplicate");
    const { KeyPairs } = await ec2.send(
      new DescribeKeyPairsCommand({ Filters: [{ Name: "tag-key", Values: ["work"] }] }),
    );
    expect(KeyPairs).toMatchObject([{ KeyPairId, KeyName: "k", KeyType: "ed25519" }]);
    const { Subnets } = await ec2.send(
      new DescribeSubnetsCommand({ Filters: [{ Name: "default-for-az", Values: ["true"] }] }),
    );
    expect(Subnets).toMatchObject([{ MapPublicIpOnLaunch: true }]);
    const group = { GroupName: "g", Description: "d", VpcId: Subnets?.[0]?.VpcId ?? "" };
    const made = await ec2.send(
      new CreateSecurityGroupCommand({ ...group, TagSpecifications: spec("security-group") }),
    );
    const GroupId = made.GroupId ?? "";
    const rule = {
      GroupId,
      IpPermissions: [
        { IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "192.0.2.1/32" }] },
      ],
    };
    await ec2.send(new AuthorizeSecurityGroupIngressCommand(rule));
    expect((await refusal(ec2.send(new AuthorizeSecurityGroupIngressCommand(rule)))).code).toBe(
      "InvalidPermission.Duplicate",
    );
    const launch = {
      ImageId: image,
      InstanceType: "t3.small" as const,
      KeyName: "k",
      SecurityGroupIds: [GroupId],
      SubnetId: Subnets?.[0]?.SubnetId ?? "",
      MinCount: 1,
      MaxCount: 1,
    };
    expect((await refusal(ec2.send(new RunInstancesCommand({ ...launch, KeyName: "other" })))).code).toBe(
      "InvalidKeyPair.NotFound",
    );
    const { Instances } = await ec2.send(new RunInstancesCommand(launch));
    const InstanceId = Instances?.[0]?.InstanceId ?? "";
    expect((await ec2.send(new GetConsoleOutputCommand({ InstanceId }))).Output).toBeUndefined();
    await control.clock({ advance: "20s" });
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [InstanceId] }));
    expect(Reservations?.[0]?.Instances?.[0]).toMatchObject({ PublicIpAddress: "127.0.0.1", KeyName: "k" });
    expect((await ec2.send(new GetConsoleOutputCommand({ InstanceId }))).Output).toBeUndefined();
    await control.clock({ advance: "30s" });
    const { Output = "" } = await ec2.send(new GetConsoleOutputCommand({ InstanceId, Latest: true }));
    expect(Buffer.from(Output, "base64").toString()).toContain("ssh-ed25519 AAAA");
    await ec2.send(
      new CreateTagsCommand({ Resources: [GroupId, KeyPairId], Tags: [{ Key: "lease", Value: "x" }] }),
    );
    const groups = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [GroupId] }));
    expect(groups.SecurityGroups?.[0]).toMatchObject({
      Tags: [{ Key: "work" }, { Key: "lease" }],
      IpPermissions: [{ FromPort: 22, IpRanges: [{ CidrIp: "192.0.2.1/32" }] }],
    });
    // A group goes when its last instance has.
    const removal = () => ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
    expect((await refusal(removal())).code).toBe("DependencyViolation");
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }));
    expect((await refusal(removal())).code).toBe("DependencyViolation");
    await control.clock({ advance: "20s" });
    await removal();
    expect((await refusal(removal())).code).toBe("InvalidGroup.NotFound");
    await ec2.send(new DeleteKeyPairCommand({ KeyPairId }));
    await ec2.send(new DeleteKeyPairCommand({ KeyName: "k" }));
    expect((await refusal(ec2.send(new DeleteKeyPairCommand({ KeyPairId })))).code).toBe(
      "InvalidKeyPair.NotFound",
    );
  });

  test("is not seen at once, nor is its group", async () => {
    const { ec2, control } = await simulate({ ...scenario, consistency: { seconds: 10 } });
    const vpc = Object.values((await control.state()).subnets)[0]?.vpc ?? "";
    const { GroupId = "" } = await ec2.send(
      new CreateSecurityGroupCommand({ GroupName: "g", Description: "d", VpcId: vpc }),
    );
    const open = () =>
      ec2.send(
        new AuthorizeSecurityGroupIngressCommand({
          GroupId,
          IpPermissions: [
            { IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "192.0.2.1/32" }] },
          ],
        }),
      );
    expect((await refusal(open())).code).toBe("InvalidGroup.NotFound");
    await control.clock({ advance: "10s" });
    await open();
  });

  test("knows what types can run, and the zones", async () => {
    const { ec2 } = await simulate(scenario);
    const types = (...InstanceTypes: string[]) =>
      ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: InstanceTypes as never }));
    expect((await types("t1.micro")).InstanceTypes).toMatchObject([
      { SupportedVirtualizationTypes: ["paravirtual"] },
    ]);
    expect((await types("t4g.small")).InstanceTypes).toMatchObject([
      { ProcessorInfo: { SupportedArchitectures: ["arm64"] } },
    ]);
    expect((await refusal(types("nonsense"))).code).toBe("InvalidInstanceType");
    const { AvailabilityZones } = await ec2.send(new DescribeAvailabilityZonesCommand({}));
    expect(AvailabilityZones).toMatchObject([{ ZoneName: "eu-central-1a", State: "available" }]);
    const old = { InstanceId: "i-0000000000000000f" };
    expect((await refusal(ec2.send(new GetConsoleOutputCommand(old)))).code).toBe(
      "InvalidInstanceID.NotFound",
    );
  });
});
