import {
  CreateSnapshotCommand,
  CreateSnapshotsCommand,
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeVolumesCommand,
  type Tag,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { data, instance, refusal, root, simulate } from "./simulate.ts";

const some = (count: number): Tag[] =>
  Array.from({ length: count }, (_, index) => ({ Key: `k${index}`, Value: "v" }));
const specification = (Tags: Tag[]) => [{ ResourceType: "snapshot" as const, Tags }];

const bad: [string, Tag[], string][] = [
  ["51 tags", some(51), "TagLimitExceeded"],
  ["a key of 128 characters", [{ Key: "k".repeat(128), Value: "" }], "InvalidParameterValue"],
  ["a value of 257 characters", [{ Key: "k", Value: "v".repeat(257) }], "InvalidParameterValue"],
  ["a key twice", [{ Key: "k" }, { Key: "k", Value: "v" }], "InvalidParameterValue"],
  ["a key of AWS", [{ Key: "aws:backup", Value: "" }], "InvalidParameterValue"],
  ["a key of AWS in capitals", [{ Key: "AWS:backup", Value: "" }], "InvalidParameterValue"],
  ["an empty key", [{ Key: "", Value: "v" }], "MissingParameter"],
];

test.each(bad)("%s are refused by every call that takes tags", async (_, tags, code) => {
  const { ec2, control } = await simulate();
  const InstanceSpecification = { InstanceId: instance };
  const calls = [
    () =>
      ec2.send(new CreateSnapshotsCommand({ InstanceSpecification, TagSpecifications: specification(tags) })),
    () => ec2.send(new CreateSnapshotCommand({ VolumeId: root, TagSpecifications: specification(tags) })),
    () => ec2.send(new CreateTagsCommand({ Resources: [root], Tags: tags })),
  ];
  const before = await control.state();
  for (const call of calls) expect(await refusal(call())).toMatchObject({ code, status: 400 });
  const { snapshots, volumes } = await control.state();
  expect({ snapshots, volumes }).toEqual({ snapshots: before.snapshots, volumes: before.volumes });
});

describe("at creation", () => {
  test("50 tags of the longest kind are taken, the same for every member", async () => {
    const { ec2 } = await simulate();
    const tags = some(49).concat({ Key: "é".repeat(127), Value: "😀".repeat(256) });
    const { Snapshots = [] } = await ec2.send(
      new CreateSnapshotsCommand({
        InstanceSpecification: { InstanceId: instance },
        TagSpecifications: specification(tags),
      }),
    );
    expect(Snapshots.map(({ Tags }) => Tags)).toEqual([tags, tags, tags]);
  });

  test("copied volume tags count too, and the requested one of a key wins", async () => {
    const { ec2, control } = await simulate();
    await control.volumes({
      change: { volume: data, tags: { "aws:cloudformation:stack-name": "s", k0: "volume" } },
    });
    const send = (count: number) =>
      ec2.send(
        new CreateSnapshotsCommand({
          InstanceSpecification: { InstanceId: instance },
          CopyTagsFromSource: "volume",
          TagSpecifications: specification(some(count)),
        }),
      );
    expect(await refusal(send(50))).toMatchObject({ code: "TagLimitExceeded" });
    const { Snapshots = [] } = await send(49);
    expect(Snapshots[1]?.Tags).toHaveLength(50);
    expect(Snapshots[1]?.Tags).toContainEqual({ Key: "k0", Value: "v" });
    expect(Snapshots.map(({ Tags }) => Tags?.find(({ Key }) => Key === "Name")?.Value)).toEqual([
      "demo root",
      "demo data",
      "demo archive",
    ]);
  });

  test.each([
    ["another kind of resource", [{ ResourceType: "volume" as const, Tags: some(1) }]],
    ["two specifications", [...specification(some(1)), ...specification(some(1))]],
    ["no tags", [{ ResourceType: "snapshot" as const }]],
  ])("%s is refused", async (_, TagSpecifications) => {
    const { ec2 } = await simulate();
    const call = ec2.send(new CreateSnapshotCommand({ VolumeId: root, TagSpecifications }));
    expect(await refusal(call)).toMatchObject({ code: "InvalidParameterValue" });
  });
});

describe("CreateTags", () => {
  test("overwrites, and refuses the 51st tag of a resource without touching the others", async () => {
    const { ec2, control } = await simulate();
    await ec2.send(new CreateTagsCommand({ Resources: [root], Tags: some(49) }));
    await ec2.send(new CreateTagsCommand({ Resources: [root], Tags: [{ Key: "k0", Value: "new" }] }));
    expect((await control.state()).volumes[root]?.tags).toMatchObject({ k0: "new", Name: "demo root" });
    const call = ec2.send(new CreateTagsCommand({ Resources: [data, root], Tags: [{ Key: "more" }] }));
    expect(await refusal(call)).toMatchObject({ code: "TagLimitExceeded" });
    expect((await control.state()).volumes[data]?.tags).toEqual({ Name: "demo data" });
  });

  test("does not count AWS's own tags", async () => {
    const { ec2, control } = await simulate();
    await control.volumes({ change: { volume: root, tags: { "aws:x": "1", Name: null } } });
    await ec2.send(new CreateTagsCommand({ Resources: [root], Tags: some(50) }));
    const { Volumes } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [root] }));
    expect(Volumes?.[0]?.Tags).toHaveLength(51);
  });

  test.each([
    ["snap-00000000", "InvalidSnapshot.NotFound"],
    ["vol-00000000", "InvalidVolume.NotFound"],
    ["i-00000000", "InvalidInstanceID.NotFound"],
    ["subnet-00000000", "InvalidID"],
  ])("of %s is refused", async (id, code) => {
    const { ec2, control } = await simulate();
    const call = ec2.send(new CreateTagsCommand({ Resources: [root, id], Tags: some(1) }));
    expect(await refusal(call)).toMatchObject({ code });
    expect((await control.state()).volumes[root]?.tags).not.toHaveProperty("k0");
  });

  test("of 1,001 resources is refused", async () => {
    const { ec2 } = await simulate();
    const call = ec2.send(new CreateTagsCommand({ Resources: Array(1_001).fill(root), Tags: some(1) }));
    expect(await refusal(call)).toMatchObject({ code: "InvalidParameterValue" });
  });
});

describe("DeleteTags", () => {
  const tagged = { volumes: [{ id: root, size: 8, tags: { a: "1", b: "2", c: "", "aws:x": "1" } }] };
  test.each([
    ["by key", [{ Key: "a" }], ["b", "c", "aws:x"]],
    [
      "by key and value",
      [
        { Key: "a", Value: "1" },
        { Key: "b", Value: "other" },
      ],
      ["b", "c", "aws:x"],
    ],
    [
      "by key and empty value",
      [
        { Key: "a", Value: "" },
        { Key: "c", Value: "" },
      ],
      ["a", "b", "aws:x"],
    ],
    ["all but AWS's", undefined, ["aws:x"]],
  ])("%s", async (_, Tags, left) => {
    const { ec2, control } = await simulate(tagged);
    await ec2.send(new DeleteTagsCommand({ Resources: [root], ...(Tags ? { Tags } : {}) }));
    expect(Object.keys((await control.state()).volumes[root]?.tags ?? {})).toEqual(left);
  });

  test("refuses a key of AWS", async () => {
    const { ec2 } = await simulate(tagged);
    const call = ec2.send(new DeleteTagsCommand({ Resources: [root], Tags: [{ Key: "aws:x" }] }));
    expect(await refusal(call)).toMatchObject({ code: "InvalidParameterValue" });
  });
});
