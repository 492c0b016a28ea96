import { CloudWatchClient, DeleteAlarmsCommand, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import {
  AttachVolumeCommand,
  CopySnapshotCommand,
  CreateImageCommand,
  CreateSnapshotCommand,
  CreateSnapshotsCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  DetachVolumeCommand,
  EC2Client,
  LockSnapshotCommand,
  ModifySnapshotAttributeCommand,
  type Tag,
  UnlockSnapshotCommand,
} from "@aws-sdk/client-ec2";
import { DeleteTopicCommand, PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { expect, test } from "vitest";
import { isAllowed, type Permission } from "../../src/simulator/identity-policies.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { roleCredentials } from "../simulator/role-credentials.ts";
import { Bench } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";
import { disagreements } from "./iam-agreement.ts";
import { asked, govern, type Policy, policyNamed } from "./policies.ts";

const other = "i-0fa00000000000009";
const theirs = { volume: "vol-00000000000000009", snapshot: "snap-00000000000000009" };
/** A point of this host that VSS made. */
const byVss = "snap-00000000000000008";
const arnOf = (id: string) => `arn:aws:ec2:${instance.region}:${instance.account}:instance/${id}`;

/** This host, and a neighbour of the same account with a volume and a point of its own. */
async function besideNeighbour(more: NonNullable<Scenario["snapshots"]> = []): Promise<Bench> {
  const given = scenarioOf(2, 3, { limits: false });
  return Bench.start({
    ...given,
    instances: [...(given.instances ?? []), { id: other, name: "neighbour" }],
    volumes: [
      ...(given.volumes ?? []),
      { id: theirs.volume, size: 1, attachments: [{ instance: other, device: "/dev/xvda" }] },
    ],
    snapshots: [
      ...(given.snapshots ?? []),
      {
        id: theirs.snapshot,
        volumeId: theirs.volume,
        state: "completed",
        tags: { "ec2-backup:point": "p", "ec2-backup:instance": arnOf(other) },
      },
      ...more,
    ],
  });
}

/** The credentials of the role, as any process on the instance gets them. */
async function stolen({ simulator }: Bench) {
  const credentials = await roleCredentials(simulator);
  expect(credentials.accessKeyId).toMatch(/^ASIA/);
  const config = { endpoint: simulator.url, region: instance.region, credentials, maxAttempts: 1 };
  return { ec2: new EC2Client(config), cloudwatch: new CloudWatchClient(config), sns: new SNSClient(config) };
}

type Attacker = Awaited<ReturnType<typeof stolen>>;

const tag = (Key: string, Value = "x"): Tag => ({ Key, Value });

/** What somebody with the credentials would try, by name. */
function attacks(own: { readonly snapshot: string; readonly volume: string; readonly image: string }) {
  const made = (...Tags: Tag[]) => [{ ResourceType: "snapshot" as const, Tags }];
  const zone = { AvailabilityZone: instance.zone };
  const snapshots = (InstanceId: string, ...Tags: Tag[]) =>
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId }, TagSpecifications: made(...Tags) });
  const tagging = (id: string, ...Tags: Tag[]) => new CreateTagsCommand({ Resources: [id], Tags });
  const sharing = (SnapshotId: string) => ({
    SnapshotId,
    CreateVolumePermission: { Add: [{ UserId: "999999999999" }] },
  });
  const namespace = (Namespace: string) => ({ Namespace, MetricData: [{ MetricName: "Errors", Value: 0 }] });
  const topic = `arn:aws:sns:${instance.region}:${instance.account}:ec2-backup`;
  return {
    "delete its own point": ({ ec2 }: Attacker) =>
      ec2.send(new DeleteSnapshotCommand({ SnapshotId: own.snapshot })),
    "delete another's point": ({ ec2 }: Attacker) =>
      ec2.send(new DeleteSnapshotCommand({ SnapshotId: theirs.snapshot })),
    "deregister an image": ({ ec2 }: Attacker) =>
      ec2.send(new DeregisterImageCommand({ ImageId: own.image })),
    "untag its own point": ({ ec2 }: Attacker) =>
      ec2.send(new DeleteTagsCommand({ Resources: [own.snapshot], Tags: [{ Key: "ec2-backup:point" }] })),
    "take all tags off": ({ ec2 }: Attacker) =>
      ec2.send(new DeleteTagsCommand({ Resources: [own.snapshot] })),
    "say that its point is another's": ({ ec2 }: Attacker) =>
      ec2.send(tagging(own.snapshot, tag("ec2-backup:instance", arnOf(other)))),
    "say that another's point is its own": ({ ec2 }: Attacker) =>
      ec2.send(tagging(theirs.snapshot, tag("ec2-backup:instance", instance.arn))),
    "move its point to another series": ({ ec2 }: Attacker) =>
      ec2.send(tagging(own.snapshot, tag("ec2-backup:series", `${arnOf(other)}/default`))),
    "keep its point for ever": ({ ec2 }: Attacker) => ec2.send(tagging(own.snapshot, tag("KeepForever"))),
    "shorten its retention": ({ ec2 }: Attacker) =>
      ec2.send(tagging(own.snapshot, tag("ec2-backup:retention", "last=1"))),
    "hide one key behind an allowed one": ({ ec2 }: Attacker) =>
      ec2.send(tagging(own.snapshot, tag("ec2-backup:frozen", "1"), tag("DeleteOn", "2020-01-01"))),
    "say how still another's point was": ({ ec2 }: Attacker) =>
      ec2.send(tagging(theirs.snapshot, tag("ec2-backup:consistency", "crash"))),
    "tag a volume out of the backup": ({ ec2 }: Attacker) =>
      ec2.send(tagging(own.volume, tag("Backup", "no"))),
    "share a point": ({ ec2 }: Attacker) =>
      ec2.send(new ModifySnapshotAttributeCommand(sharing(own.snapshot))),
    "unlock a point": ({ ec2 }: Attacker) =>
      ec2.send(new UnlockSnapshotCommand({ SnapshotId: own.snapshot })),
    "lock a point for ever": ({ ec2 }: Attacker) =>
      ec2.send(new LockSnapshotCommand(lockOf(own.snapshot, 36_500))),
    "lock another's point": ({ ec2 }: Attacker) =>
      ec2.send(new LockSnapshotCommand(lockOf(theirs.snapshot, 1))),
    "copy a point out": ({ ec2 }: Attacker) =>
      ec2.send(new CopySnapshotCommand({ SourceSnapshotId: own.snapshot, SourceRegion: instance.region })),
    "make a volume of its point": ({ ec2 }: Attacker) =>
      ec2.send(new CreateVolumeCommand({ ...zone, SnapshotId: own.snapshot })),
    "make a volume of another's point": ({ ec2 }: Attacker) =>
      ec2.send(new CreateVolumeCommand({ ...zone, SnapshotId: theirs.snapshot })),
    "attach another's volume": ({ ec2 }: Attacker) =>
      ec2.send(
        new AttachVolumeCommand({ VolumeId: theirs.volume, InstanceId: instance.id, Device: "/dev/sdz" }),
      ),
    "detach its volume": ({ ec2 }: Attacker) => ec2.send(new DetachVolumeCommand({ VolumeId: own.volume })),
    "delete a volume": ({ ec2 }: Attacker) => ec2.send(new DeleteVolumeCommand({ VolumeId: theirs.volume })),
    "capture another instance": ({ ec2 }: Attacker) =>
      ec2.send(snapshots(other, tag("ec2-backup:instance", instance.arn))),
    "capture without its mark": ({ ec2 }: Attacker) => ec2.send(snapshots(instance.id, tag("Name"))),
    "capture in another's name": ({ ec2 }: Attacker) =>
      ec2.send(
        snapshots(
          instance.id,
          tag("ec2-backup:instance", arnOf(other)),
          tag("ec2-backup:series", `${arnOf(other)}/default`),
        ),
      ),
    "capture into another's series": ({ ec2 }: Attacker) =>
      ec2.send(
        snapshots(
          instance.id,
          tag("ec2-backup:instance", instance.arn),
          tag("ec2-backup:series", `${arnOf(other)}/default`),
        ),
      ),
    "capture one volume": ({ ec2 }: Attacker) =>
      ec2.send(new CreateSnapshotCommand({ VolumeId: theirs.volume })),
    "reboot by an image": ({ ec2 }: Attacker) =>
      ec2.send(new CreateImageCommand({ InstanceId: instance.id, Name: "x", NoReboot: false })),
    "put metrics elsewhere": ({ cloudwatch }: Attacker) =>
      cloudwatch.send(new PutMetricDataCommand(namespace("Production"))),
    "remove an alarm": ({ cloudwatch }: Attacker) =>
      cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [`ec2-backup/${instance.id}/default/missed`] })),
    publish: ({ sns }: Attacker) => sns.send(new PublishCommand({ TopicArn: topic, Message: "all is well" })),
    "delete the topic": ({ sns }: Attacker) => sns.send(new DeleteTopicCommand({ TopicArn: topic })),
  };
}

const codeOf = (sent: Promise<unknown>): Promise<string> =>
  sent.then(
    () => "it was done",
    (error: Error) => error.name,
  );

const denied =
  /^(UnauthorizedOperation|AccessDenied|AccessDeniedException|AuthorizationError|AuthorizationErrorException)$/;

async function ownThings(bench: Bench) {
  const { snapshots, volumes, images } = await bench.simulator.control.state();
  const mine = Object.values(snapshots).find(({ tags }) => tags["ec2-backup:instance"] === instance.arn);
  return {
    snapshot: mine?.id ?? "",
    volume: Object.keys(volumes)[0] ?? "",
    image: Object.keys(images)[0] ?? "",
  };
}

test("whoever has the credentials of agent-create-only can destroy, share, copy and forge nothing", async () => {
  await using bench = await besideNeighbour();
  const policies = await Promise.all(["agent-create-only", "metrics", "lock"].map(policyNamed));
  await govern(bench.simulator, policies);
  const good = await bench.run();
  expect(good.code, good.stderr).toBe(0);
  const attacker = await stolen(bench);
  const before = JSON.stringify(Object.values((await bench.simulator.control.state()).snapshots));
  const tried = attacks(await ownThings(bench));
  const since = bench.simulator.control.calls().at(-1)?.number ?? 0;
  const told: Record<string, string> = {};
  for (const [name, attack] of Object.entries(tried)) told[name] = await codeOf(attack(attacker));
  const missed = Object.entries(told).filter(([, code]) => !denied.test(code));
  expect(missed).toEqual([]);
  expect(JSON.stringify(Object.values((await bench.simulator.control.state()).snapshots))).toBe(before);
  // The refusals are those of the policies, and not of a simulator that refuses too much.
  expect(await disagreements(policies, asked(bench.simulator, since))).toEqual([]);
  expect(locksOf(policies, await ownThings(bench))).toEqual({
    "own, 7 days": true,
    "own, 36 days": false,
    "own, for ever": false,
    "another's, 7 days": false,
    unlock: false,
  });
  for (const client of Object.values(attacker)) client.destroy();
}, 60_000);

test("the right to tag what VSS made moves no point into another's series, and makes none look like more than it is", async () => {
  const tags = { "ec2-backup:point": "q", "ec2-backup:instance": instance.arn, AwsVssConfig: "x" };
  const volumeId = scenarioOf(2, 3, { limits: false }).volumes?.[0]?.id ?? "";
  await using bench = await besideNeighbour([{ id: byVss, volumeId, state: "completed", tags }]);
  const policies = await Promise.all(["agent-create-only", "vss"].map(policyNamed));
  await govern(bench.simulator, policies);
  const attacker = await stolen(bench);
  const tried = attacks({ ...(await ownThings(bench)), snapshot: byVss });
  const since = bench.simulator.control.calls().at(-1)?.number ?? 0;
  const told: Record<string, string> = {};
  for (const [name, attack] of Object.entries(tried)) told[name] = await codeOf(attack(attacker));
  for (const Key of ["ec2-backup:point", "EC2-Backup:Series", "ec2-backup:image", "AppConsistent"]) {
    const Tags = [tag("Owner"), tag(Key)];
    told[Key] = await codeOf(attacker.ec2.send(new CreateTagsCommand({ Resources: [byVss], Tags })));
  }
  expect(Object.entries(told).filter(([, code]) => !denied.test(code))).toEqual([]);
  // What the feature is for.
  const late = (id: string) =>
    codeOf(attacker.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [tag("Owner", "\u017dofie")] })));
  expect([await late(byVss), await late(theirs.snapshot)]).toEqual([
    "it was done",
    expect.stringMatching(denied),
  ]);
  expect(await disagreements(policies, asked(bench.simulator, since))).toEqual([]);
  const documents = policies.map((policy) => JSON.stringify(policy));
  const start = (name: string) =>
    isAllowed(documents, {
      action: "ssm:SendCommand",
      resource: `arn:aws:ssm:${instance.region}::document/${name}`,
      context: {},
    });
  expect([start("AWSEC2-VssInstallAndSnapshot"), start("AWS-RunPowerShellScript")]).toEqual([true, false]);
  for (const client of Object.values(attacker)) client.destroy();
}, 60_000);

const lockOf = (SnapshotId: string, LockDuration: number) => ({
  SnapshotId,
  LockMode: "compliance" as const,
  LockDuration,
});

/** What may be locked, and for how long. */
function locksOf(policies: readonly Policy[], { snapshot }: { readonly snapshot: string }) {
  const documents = policies.map((policy) => JSON.stringify(policy));
  const ask = (id: string, whose: string, days?: number, action = "ec2:LockSnapshot") => {
    const permission: Permission = {
      action,
      resource: `arn:aws:ec2:${instance.region}::snapshot/${id}`,
      context: {
        "ec2:sourceinstancearn": instance.arn,
        "aws:resourcetag/ec2-backup:instance": whose,
        "aws:resourcetag/ec2-backup:point": "p",
        ...(days === undefined ? {} : { "ec2:snapshotlockduration": String(days) }),
      },
    };
    return isAllowed(documents, permission);
  };
  return {
    "own, 7 days": ask(snapshot, instance.arn, 7),
    "own, 36 days": ask(snapshot, instance.arn, 36),
    "own, for ever": ask(snapshot, instance.arn),
    "another's, 7 days": ask(theirs.snapshot, arnOf(other), 7),
    unlock: ask(snapshot, instance.arn, undefined, "ec2:UnlockSnapshot"),
  };
}

test("the service control policy takes deletion and forgery from a role that may do everything, and no capture", async () => {
  await using bench = await besideNeighbour();
  const everything: Policy = {
    Version: "2012-10-17",
    Statement: [{ Sid: "All", Effect: "Allow", Action: "*", Resource: "*" }],
  };
  await govern(bench.simulator, [everything, await policyNamed("scp-deny-deletion")]);
  const attacker = await stolen(bench);
  const tried = attacks(await ownThings(bench));
  const forbidden = [
    "delete its own point",
    "delete another's point",
    "deregister an image",
    "untag its own point",
    "take all tags off",
    "say that its point is another's",
    "say that another's point is its own",
    "move its point to another series",
    "keep its point for ever",
    "shorten its retention",
    "hide one key behind an allowed one",
    "share a point",
    "copy a point out",
  ] as const;
  for (const name of forbidden)
    expect([name, await codeOf(tried[name](attacker))]).toEqual([name, expect.stringMatching(denied)]);
  const run = await bench.run();
  expect([run.code, run.report.outcome], run.stderr).toEqual([0, "done"]);
  expect(run.report.points).toHaveLength(1);
  for (const client of Object.values(attacker)) client.destroy();
}, 60_000);
