import {
  CreateSnapshotCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DescribeVolumesCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { conditionsHold } from "../../src/simulator/conditions.ts";
import { askIdentityPolicy } from "../../src/simulator/policy.ts";
import { refusal, root, simulate } from "./simulate.ts";

const arn = "arn:aws:ec2:eu-central-1:111122223333:instance/i-0fa00000000000001";
const context = {
  "aws:requesttag/color": "red",
  "aws:tagkeys": ["Color", "Size"],
  "ec2:sourceinstancearn": arn,
  "aws:resourcetag/owner": arn,
  "ec2:snapshotlockduration": "35",
  "ec2:snapshottime": "2026-03-01T02:00:00.000Z",
};

/** Whether an allow with the condition holds; a key beside those above is unknown where it begins with `x:`. */
const holds = (Condition: object, whenUnknown = false) =>
  conditionsHold(Condition, context, { whenUnknown, simulated: (key) => !key.startsWith("x:") });

const variable = (name: string) => `\${${name}}`;

describe("conditions", () => {
  test.each<[object, boolean]>([
    [{ StringEquals: { "aws:RequestTag/Color": ["blue", "red"] } }, true],
    [{ StringEquals: { "aws:RequestTag/Color": "Red" } }, false],
    [{ StringEqualsIgnoreCase: { "aws:RequestTag/Color": "Red" } }, true],
    [{ StringLike: { "aws:RequestTag/Color": "r*" } }, true],
    [{ StringLike: { "aws:RequestTag/Shape": "*" } }, false],
    [{ StringNotEquals: { "aws:RequestTag/Shape": "round" } }, true],
    [{ StringNotEquals: { "aws:RequestTag/Color": "red" } }, false],
    [{ StringEqualsIfExists: { "aws:RequestTag/Shape": "round" } }, true],
    [{ Null: { "aws:RequestTag/Shape": "true" } }, true],
    [{ Null: { "aws:RequestTag/Color": "true" } }, false],
    [{ Null: { "aws:RequestTag/Color": "false" } }, true],
    [{ StringEquals: { "aws:ResourceTag/owner": variable("ec2:SourceInstanceARN") } }, true],
    [{ StringEquals: { "aws:ResourceTag/owner": variable("ec2:InstanceID") } }, false],
    [{ StringNotEquals: { "aws:ResourceTag/owner": variable("ec2:InstanceID") } }, true],
    [{ "ForAllValues:StringEquals": { "aws:TagKeys": ["Color", "Size", "Shape"] } }, true],
    [{ "ForAllValues:StringEquals": { "aws:TagKeys": ["Color"] } }, false],
    [{ "ForAllValues:StringEquals": { "ec2:CreateAction": "x" } }, true],
    [{ "ForAnyValue:StringLike": { "aws:TagKeys": "S*" } }, true],
    [{ "ForAnyValue:StringEquals": { "ec2:CreateAction": "x" } }, false],
    [{ StringEquals: { "aws:RequestTag/Color": "red" }, Null: { "aws:ResourceTag/owner": "true" } }, false],
    // What is not simulated never helps.
    [{ StringNotEquals: { "x:Unknown": "y" } }, false],
    [{ NumericLessThan: { "aws:RequestTag/Color": "3" } }, false],
    [{ NumericLessThanEquals: { "x:Days": "3" } }, false],
    [{ NumericLessThanEquals: { "ec2:SnapshotLockDuration": "35" } }, true],
    [{ NumericLessThan: { "ec2:SnapshotLockDuration": "35" } }, false],
    [{ NumericNotEquals: { "ec2:SnapshotLockDuration": "35" } }, false],
    [{ DateGreaterThan: { "ec2:SnapshotTime": "2026-01-01T00:00:00Z" } }, true],
    [{ DateLessThan: { "ec2:SnapshotTime": "1767225600" } }, false],
    [{ BinaryEquals: { "aws:RequestTag/Color": "cmVk" } }, false],
    [{ StringEquals: { "aws:TagKeys": "Color" } }, false],
  ])("%j: %s", (condition, expected) => {
    expect(holds(condition)).toBe(expected);
  });

  test("of a deny hold where they cannot be told", () => {
    expect(holds({ StringEquals: { "x:Unknown": "y" } }, true)).toBe(true);
    expect(holds({ BinaryEquals: { "aws:RequestTag/Color": "cmVk" } }, true)).toBe(true);
  });
});

test("a statement without Resource allows nothing, and a deny is stronger than an allow", () => {
  const ask = (...Statement: object[]) =>
    askIdentityPolicy(
      JSON.stringify({ Version: "2012-10-17", Statement }),
      { action: "ec2:DeleteVolume", resource: "arn:aws:ec2:r:1:volume/vol-1", context },
      undefined,
    );
  const allow = { Effect: "Allow", Action: "ec2:*", Resource: "arn:*:ec2:*:*:volume/*" };
  expect(ask(allow)).toBe("allow");
  expect(ask({ ...allow, Resource: undefined })).toBe("silent");
  expect(ask({ ...allow, Resource: undefined, NotResource: "arn:x" })).toBe("allow");
  expect(ask({ ...allow, Resource: undefined, NotResource: "arn:aws:ec2:*" })).toBe("silent");
  expect(ask({ ...allow, Resource: "arn:*:ec2:*:*:instance/*" })).toBe("silent");
  expect(ask(allow, { ...allow, Effect: "Deny", Action: "ec2:Delete*" })).toBe("deny");
});

describe("who has policies", () => {
  const governed = async (...Statement: object[]) => {
    const documents = [JSON.stringify({ Version: "2012-10-17", Statement })];
    const { ec2, control } = await simulate({ policies: [{ principal: "*:user/tester", documents }] });
    const said = (command: Promise<unknown>) => refusal(command).then(({ message }) => message);
    return { ec2, control, said };
  };

  test("may do what they allow and nothing else, others may do all", async () => {
    const look = { Effect: "Allow", Action: "ec2:DescribeVolumes", Resource: "*" };
    const { ec2, said, control } = await governed(look);
    await ec2.send(new DescribeVolumesCommand({}));
    const missing = ec2.send(new DeleteSnapshotCommand({ SnapshotId: "snap-00000000000000000" }));
    expect(await said(missing)).toContain("ec2:DeleteSnapshot");
    await control.settings({ policies: [{ principal: "*:assumed-role/*", documents: [] }] });
    await ec2.send(new CreateSnapshotCommand({ VolumeId: root }));
  });

  test("need the action on each thing that a request concerns, and for its tags CreateTags", async () => {
    const on = (...kinds: string[]) => kinds.map((kind) => `arn:aws:ec2:*:*:${kind}/*`);
    const Tags = [{ Key: "a", Value: "b" }];
    const TagSpecifications = [{ ResourceType: "volume" as const, Tags }];
    const made = { AvailabilityZone: "eu-central-1a", Size: 1 };
    const create = { Effect: "Allow", Action: "ec2:CreateVolume", Resource: on("volume") };
    const { ec2, said, control } = await governed(create);
    await ec2.send(new CreateVolumeCommand(made));
    const tagged = () => ec2.send(new CreateVolumeCommand({ ...made, TagSpecifications }));
    expect(await said(tagged())).toMatch(/ec2:CreateTags on resource: arn:aws:ec2:[^:]+:\d+:volume\/\*/);
    const [snapshot] = Object.keys((await control.state()).snapshots);
    const restoring = ec2.send(new CreateVolumeCommand({ ...made, SnapshotId: snapshot }));
    expect(await said(restoring)).toContain(`::snapshot/${snapshot}`);
    const tag = {
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: on("volume"),
      Condition: { StringEquals: { "ec2:CreateAction": "CreateVolume" } },
    };
    const documents = [JSON.stringify({ Statement: [create, tag] })];
    await control.settings({ policies: [{ principal: "*", documents }] });
    await tagged();
    expect(await said(ec2.send(new CreateTagsCommand({ Resources: [root], Tags })))).toContain(
      "ec2:CreateTags",
    );
  });

  test("need iam:PassRole for the role of an instance that they start", async () => {
    const { ec2, said, control } = await governed({ Effect: "Allow", Action: "ec2:*", Resource: "*" });
    const [image] = Object.keys((await control.state()).images);
    const launch = new RunInstancesCommand({
      ImageId: image,
      MinCount: 1,
      MaxCount: 1,
      IamInstanceProfile: { Name: "web" },
    });
    expect(await said(ec2.send(launch))).toContain(
      "iam:PassRole on resource: arn:aws:iam::111122223333:role/web",
    );
  });
});
