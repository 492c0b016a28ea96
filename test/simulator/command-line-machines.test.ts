import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { aws, missing } from "./aws-cli.ts";
import { instance, root, type Simulation, simulate, volumes } from "./simulate.ts";

// Each command of the AWS CLI takes a good part of a second.
vi.setConfig({ testTimeout: 120_000 });

const runOf = (simulation: Simulation) => (command: string | string[]) => aws(simulation, command);

async function refused(answer: Promise<unknown>, code: string): Promise<void> {
  await expect(answer).rejects.toMatchObject({ stderr: expect.stringContaining(`(${code})`) });
}

/** An answer, or nothing from a CLI that is older than the call. */
async function ifKnown(answer: Promise<object>): Promise<object | undefined> {
  return answer.catch(({ stderr }: { stderr: string }) => {
    expect(stderr).toMatch(/[Ii]nvalid choice/);
    return undefined;
  });
}

/** The file of a public key: what the parameter of a blob takes as it stands differs between versions of the CLI. */
async function publicKey(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "ec2-backup-key-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, "key.pub");
  await writeFile(file, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample own\n");
  return file;
}

// Whether an AWS CLI must be there is told by the test of the other commands.
describe.skipIf(missing !== undefined && process.env.CI !== "true")("the AWS CLI", () => {
  test("finds a place and a type, and brings a key, a security group and an AMI's name", async () => {
    const parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
    const simulation = await simulate({ ssm: { parameters: { [parameter]: "ami-0123" } } });
    const run = runOf(simulation);
    const available = "--filters Name=state,Values=available";
    expect(await run(`ec2 describe-availability-zones ${available}`)).toMatchObject({
      AvailabilityZones: [{ ZoneName: "eu-central-1a", State: "available", RegionName: "eu-central-1" }],
    });
    const found = await run("ec2 describe-subnets --filters Name=default-for-az,Values=true");
    expect(found).toMatchObject({
      Subnets: [{ SubnetId: expect.stringMatching(/^subnet-/), DefaultForAz: true }],
    });
    expect(await run("ec2 describe-instance-types --instance-types m7g.large c1.medium")).toMatchObject({
      InstanceTypes: [
        { InstanceType: "m7g.large", ProcessorInfo: { SupportedArchitectures: ["arm64"] } },
        { InstanceType: "c1.medium", SupportedVirtualizationTypes: ["paravirtual"] },
      ],
    });
    const of = "Name=location,Values=eu-central-1a,eu-central-1b Name=instance-type,Values=p4d.24xlarge";
    const offered = `--location-type availability-zone --filters ${of}`;
    expect(await run(`ec2 describe-instance-type-offerings ${offered}`)).toEqual({
      InstanceTypeOfferings: [
        { InstanceType: "p4d.24xlarge", LocationType: "availability-zone", Location: "eu-central-1a" },
      ],
    });
    expect(await run(`ssm get-parameter --name ${parameter}`)).toMatchObject({
      Parameter: { Name: parameter, Type: "String", Value: "ami-0123", Version: 1 },
    });

    const material = `--public-key-material fileb://${await publicKey()}`;
    expect(await run(`ec2 import-key-pair --key-name own ${material}`)).toMatchObject({
      KeyName: "own",
      KeyPairId: expect.stringMatching(/^key-/),
    });
    expect(await run("ec2 describe-key-pairs")).toMatchObject({
      KeyPairs: [{ KeyName: "own", KeyType: "ed25519", CreateTime: expect.stringMatching(/^2026-03-01T02/) }],
    });
    await run("ec2 delete-key-pair --key-name own");
    expect((await simulation.control.state()).keyPairs).toEqual({});

    const { GroupId: group }: { GroupId: string } = await run(
      "ec2 create-security-group --group-name in --description for-ssh",
    );
    await run(
      `ec2 authorize-security-group-ingress --group-id ${group} --protocol tcp --port 22 --cidr 10.0.0.0/8`,
    );
    const ssh = { IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "10.0.0.0/8" }] };
    expect(await run(`ec2 describe-security-groups --group-ids ${group}`)).toMatchObject({
      SecurityGroups: [{ GroupId: group, GroupName: "in", Description: "for-ssh", IpPermissions: [ssh] }],
    });
    await run(`ec2 delete-security-group --group-id ${group}`);
    expect((await simulation.control.state()).securityGroups).not.toHaveProperty(group);
  });

  test("stops, starts and reboots a machine, reads its console, makes an image and gives it up", async () => {
    const simulation = await simulate({
      instances: [{ id: instance, console: "Linux version 6.1\n" }],
      volumes: volumes(1),
    });
    const run = runOf(simulation);
    const id = `--instance-ids ${instance}`;
    const change = (from: string, to: string) => [
      { InstanceId: instance, PreviousState: { Name: from }, CurrentState: { Name: to } },
    ];
    // It shows nothing before it is up.
    await simulation.control.clock({ advance: "10s" });
    expect(await run(`ec2 get-console-output --instance-id ${instance} --latest`)).toMatchObject({
      InstanceId: instance,
      Output: "Linux version 6.1\n",
    });
    expect(await run(`ec2 reboot-instances ${id}`)).toBeUndefined();
    expect((await simulation.control.state()).instances[instance]?.rebootsAt).toEqual(expect.any(Number));
    const { ImageId: image }: { ImageId: string } = await run(
      `ec2 create-image --instance-id ${instance} --name own --no-reboot`,
    );
    await run(`ec2 deregister-image --image-id ${image}`);
    expect((await simulation.control.state()).images[image]).toMatchObject({
      name: "own",
      state: "deregistered",
    });
    expect(await run(`ec2 stop-instances ${id}`)).toMatchObject({
      StoppingInstances: change("running", "stopping"),
    });
    await simulation.control.clock({ advance: "10s" });
    expect(await run(`ec2 start-instances ${id}`)).toMatchObject({
      StartingInstances: change("stopped", "pending"),
    });
  });

  test("copies a snapshot, locks one and brings one back, takes a role and reads dashboards", async () => {
    const [snapshot, binned] = ["snap-0123456789abcdef0", "snap-0123456789abcdef1"];
    const role = "arn:aws:iam::111122223333:role/sweeper";
    const simulation = await simulate({
      snapshots: [snapshot, binned].map((id) => ({ id, volumeId: root, description: "kept" })),
      recycleBin: { days: 3 },
      roles: [{ arn: role, externalId: "word" }],
    });
    const run = runOf(simulation);
    const { SnapshotId: copy }: { SnapshotId: string } = await run(
      `ec2 copy-snapshot --source-region eu-central-1 --source-snapshot-id ${snapshot} --description copied --tag-specifications ResourceType=snapshot,Tags=[{Key=a,Value=b}]`,
    );
    expect((await simulation.control.state()).snapshots[copy]).toMatchObject({
      description: "copied",
      tags: { a: "b" },
      state: "pending",
    });
    // Debian 12's model is older than locks; the SDK's calls of them are tested beside the locks.
    const lock = `--snapshot-id ${snapshot} --lock-mode governance --lock-duration 2`;
    const locked = await ifKnown(run(`ec2 lock-snapshot ${lock}`));
    if (locked !== undefined) {
      const told = { SnapshotId: snapshot, LockState: "governance", LockDuration: 2 };
      expect(locked).toMatchObject(told);
      expect(await run("ec2 describe-locked-snapshots")).toMatchObject({ Snapshots: [told] });
      await refused(run(`ec2 delete-snapshot --snapshot-id ${snapshot}`), "OperationNotPermitted");
      expect(await run(`ec2 unlock-snapshot --snapshot-id ${snapshot}`)).toEqual({ SnapshotId: snapshot });
    }
    await run(`ec2 delete-snapshot --snapshot-id ${binned}`);
    expect(await run("ec2 list-snapshots-in-recycle-bin")).toMatchObject({
      Snapshots: [
        {
          SnapshotId: binned,
          VolumeId: root,
          RecycleBinExitTime: expect.stringMatching(/^2026-03-04T02:00:00/),
        },
      ],
    });
    expect(await run(`ec2 restore-snapshot-from-recycle-bin --snapshot-id ${binned}`)).toMatchObject({
      SnapshotId: binned,
      State: "completed",
      Description: "kept",
    });

    const asked = `sts assume-role --role-arn ${role} --role-session-name sweep --external-id word`;
    expect(await run(asked)).toMatchObject({
      Credentials: {
        AccessKeyId: expect.stringMatching(/^ASIA/),
        Expiration: expect.stringMatching(/T03:00:00/),
      },
      AssumedRoleUser: { Arn: "arn:aws:sts::111122223333:assumed-role/sweeper/sweep" },
    });

    const body = '{"widgets":[]}';
    await run(["cloudwatch", "put-dashboard", "--dashboard-name", "own", "--dashboard-body", body]);
    const board = { DashboardName: "own", DashboardArn: "arn:aws:cloudwatch::111122223333:dashboard/own" };
    expect(await run("cloudwatch get-dashboard --dashboard-name own")).toEqual({
      ...board,
      DashboardBody: body,
    });
    expect(await run("cloudwatch list-dashboards --dashboard-name-prefix o")).toMatchObject({
      DashboardEntries: [{ ...board, Size: body.length }],
    });
    expect(await run("cloudwatch delete-dashboards --dashboard-names own")).toBeUndefined();
    expect((await simulation.control.state()).dashboards).toEqual({});
  });
});
