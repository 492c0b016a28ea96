import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  type DescribeSnapshotsCommandInput,
  DescribeTagsCommand,
  DescribeVolumesCommand,
  type Filter,
  paginateDescribeSnapshots,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import {
  archive,
  codeIn,
  data,
  instance,
  rawCall,
  refusal,
  root,
  type Simulation,
  simulate,
} from "./simulate.ts";

/** A scenario with so many snapshots, numbered in their tag `n`. */
const many = (count: number) => ({
  snapshots: Array.from({ length: count }, (_, index) => ({
    id: `snap-0${((index * 7_919) % 65_536).toString(16).padStart(16, "0")}`,
    volumeId: data,
    tags: { n: String(index) },
    startTime: new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString(),
  })),
});

async function list({ ec2 }: Simulation, input: DescribeSnapshotsCommandInput = {}): Promise<string[]> {
  const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"], ...input }));
  return Snapshots.map(({ SnapshotId = "" }) => SnapshotId);
}

async function pages({ ec2 }: Simulation, pageSize: number): Promise<string[][]> {
  const seen: string[][] = [];
  for await (const page of paginateDescribeSnapshots({ client: ec2, pageSize }, { OwnerIds: ["self"] })) {
    seen.push((page.Snapshots ?? []).map(({ SnapshotId = "" }) => SnapshotId));
  }
  return seen;
}

describe("pages", () => {
  test("hold all, each once, in no order of age", async () => {
    const simulation = await simulate(many(23));
    const seen = await pages(simulation, 10);
    expect(seen.map((page) => page.length)).toEqual([10, 10, 3]);
    expect(new Set(seen.flat()).size).toBe(23);
    expect(seen.flat()).toEqual(await list(simulation));
  });

  test("may be short or empty before the last one, when the scenario says so", async () => {
    const seen = await pages(await simulate({ ...many(40), shortPages: true }), 5);
    expect(seen.slice(0, -1).some((page) => page.length < 5)).toBe(true);
    expect(seen.some((page) => page.length === 0)).toBe(true);
    expect(new Set(seen.flat()).size).toBe(40);
    expect(seen.flat()).toHaveLength(40);
  });

  test("stay right when something is deleted in between", async () => {
    const simulation = await simulate(many(12));
    const all = await list(simulation);
    const first = await simulation.ec2.send(
      new DescribeSnapshotsCommand({ OwnerIds: ["self"], MaxResults: 5 }),
    );
    await simulation.control.snapshots([{ remove: { snapshot: all[0] } }, { remove: { snapshot: all[6] } }]);
    const input = { OwnerIds: ["self"], MaxResults: 100, NextToken: first.NextToken };
    expect(await list(simulation, input)).toEqual([all[5], ...all.slice(7)]);
  });

  test.each([4, 0, -1])("of %i are refused", async (MaxResults) => {
    const { ec2 } = await simulate();
    const refused = await refusal(ec2.send(new DescribeSnapshotsCommand({ MaxResults })));
    expect(refused).toMatchObject({
      code: "InvalidParameterValue",
      message: expect.stringContaining("greater than 5"),
    });
  });

  test("of more than 1,000 snapshots or 500 volumes hold that many; other calls refuse them", async () => {
    const simulation = await simulate({ ...many(1_001), limits: false });
    expect(await list(simulation, { MaxResults: 2_000 })).toHaveLength(1_000);
    const { ec2 } = simulation;
    await ec2.send(new DescribeVolumesCommand({ MaxResults: 501 }));
    for (const command of [
      new DescribeInstancesCommand({ MaxResults: 1_001 }),
      new DescribeTagsCommand({ MaxResults: 1_001 }),
      new DescribeImagesCommand({ MaxResults: 1_001 }),
    ]) {
      expect(await refusal(ec2.send(command as DescribeImagesCommand))).toMatchObject({
        code: "InvalidParameterValue",
      });
    }
  });

  test("cannot be asked for together with ids", async () => {
    const { ec2 } = await simulate(many(1));
    for (const command of [
      new DescribeSnapshotsCommand({ SnapshotIds: ["snap-00000000000000000"], MaxResults: 5 }),
      new DescribeVolumesCommand({ VolumeIds: [root], MaxResults: 5 }),
      new DescribeInstancesCommand({ InstanceIds: [instance], MaxResults: 5 }),
    ]) {
      expect(await refusal(ec2.send(command as DescribeVolumesCommand))).toMatchObject({
        code: "InvalidParameterCombination",
      });
    }
  });

  test("refuse a token of another request, or of nobody", async () => {
    const simulation = await simulate(many(20));
    const { NextToken } = await simulation.ec2.send(
      new DescribeSnapshotsCommand({ OwnerIds: ["self"], MaxResults: 5 }),
    );
    for (const input of [
      { NextToken, OwnerIds: ["111122223333"], MaxResults: 5 },
      { NextToken: "nonsense", MaxResults: 5 },
    ]) {
      expect(await refusal(list(simulation, input))).toMatchObject({ code: "InvalidPaginationToken" });
    }
  });
});

describe("filters", () => {
  const scenario = {
    snapshots: [
      {
        id: "snap-00000001",
        volumeId: root,
        tags: { job: "nightly", "a*b": "1" },
        description: "one",
        startTime: "2026-02-01T00:00:00.000Z",
      },
      { id: "snap-00000002", volumeId: data, tags: { job: "weekly" }, description: "two", encrypted: true },
      {
        id: "snap-00000003",
        volumeId: data,
        tags: { job: "Nightly" },
        state: "error" as const,
        storageTier: "archive" as const,
      },
    ],
  };
  const cases: [string, Filter[], number[]][] = [
    ["a tag", [{ Name: "tag:job", Values: ["nightly"] }], [1]],
    ["any of several values", [{ Name: "tag:job", Values: ["nightly", "weekly"] }], [1, 2]],
    [
      "all of several filters",
      [
        { Name: "volume-id", Values: [data] },
        { Name: "tag:job", Values: ["*ly"] },
      ],
      [2, 3],
    ],
    ["a star", [{ Name: "tag:job", Values: ["*ight*"] }], [1, 3]],
    ["a question mark", [{ Name: "tag:job", Values: ["?ightly"] }], [1, 3]],
    ["an escaped star", [{ Name: "tag-key", Values: ["a\\*b"] }], [1]],
    ["case", [{ Name: "tag:job", Values: ["NIGHTLY"] }], []],
    ["a tag's key", [{ Name: "tag-key", Values: ["job"] }], [1, 2, 3]],
    ["status", [{ Name: "status", Values: ["error"] }], [3]],
    ["description", [{ Name: "description", Values: ["t?o"] }], [2]],
    ["start-time", [{ Name: "start-time", Values: ["2026-02-01T*"] }], [1]],
    ["encrypted", [{ Name: "encrypted", Values: ["true"] }], [2]],
    ["storage-tier", [{ Name: "storage-tier", Values: ["archive"] }], [3]],
    ["volume-size", [{ Name: "volume-size", Values: ["8"] }], [1]],
    [
      "owner-id and progress",
      [
        { Name: "owner-id", Values: ["111122223333"] },
        { Name: "progress", Values: ["100%"] },
      ],
      [1, 2],
    ],
    ["snapshot-id", [{ Name: "snapshot-id", Values: ["snap-*2"] }], [2]],
    ["transfer-type", [{ Name: "transfer-type", Values: ["standard"] }], []],
  ];

  test.each(cases)("by %s", async (_, Filters, expected) => {
    const found = await list(await simulate(scenario), { Filters });
    expect(found).toEqual(expected.map((number) => `snap-0000000${number}`));
  });

  test.each(["colour", "tag:", "constructor"])("an unknown one, %s, is refused", async (Name) => {
    const refused = await refusal(list(await simulate(), { Filters: [{ Name, Values: ["x"] }] }));
    expect(refused).toMatchObject({
      code: "InvalidParameterValue",
      message: `The filter '${Name}' is invalid`,
    });
  });

  test("200 values are taken, 201 refused", async () => {
    const simulation = await simulate();
    const filters = (count: number) => ({
      Filters: [{ Name: "volume-id", Values: Array(count).fill(data) }],
    });
    expect(await list(simulation, filters(200))).toEqual([]);
    expect(await refusal(list(simulation, filters(201)))).toMatchObject({
      code: "FilterLimitExceeded",
      status: 400,
    });
  });

  test("a filter without values or name is refused", async () => {
    const simulation = await simulate();
    expect(await refusal(list(simulation, { Filters: [{ Name: "status" }] }))).toMatchObject({
      code: "InvalidParameterValue",
    });
    expect(await refusal(list(simulation, { Filters: [{ Values: ["x"] }] }))).toMatchObject({
      code: "MissingParameter",
    });
  });

  const worlds: [string, Filter[], string[]][] = [
    [
      "attachment.instance-id",
      [{ Name: "attachment.instance-id", Values: [instance] }],
      [root, data, archive],
    ],
    ["attachment.device", [{ Name: "attachment.device", Values: ["/dev/sd?"] }], [data, archive]],
    [
      "attachment.delete-on-termination",
      [{ Name: "attachment.delete-on-termination", Values: ["true"] }],
      [root],
    ],
    ["attachment.status", [{ Name: "attachment.status", Values: ["attached"] }], [root, data, archive]],
    [
      "volume-type and status",
      [
        { Name: "volume-type", Values: ["st1"] },
        { Name: "status", Values: ["in-use"] },
      ],
      [archive],
    ],
    ["size", [{ Name: "size", Values: ["8", "100"] }], [root, data]],
    ["operator.managed", [{ Name: "operator.managed", Values: ["true"] }], []],
  ];

  test.each(worlds)("of volumes by %s", async (_, Filters, expected) => {
    const { ec2 } = await simulate();
    const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters }));
    expect(Volumes.map(({ VolumeId }) => VolumeId)).toEqual(expected);
  });

  test.each([
    ["tag:Backup", "y?s", 1],
    ["instance-state-name", "running", 1],
    ["instance-state-code", "80", 0],
    ["block-device-mapping.volume-id", data, 1],
    ["launch-time", "2026-01-30T*", 1],
    ["platform", "windows", 0],
  ])("of instances by %s=%s", async (Name, value, count) => {
    const { ec2 } = await simulate();
    const { Reservations = [] } = await ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name, Values: [value] }] }),
    );
    expect(Reservations).toHaveLength(count);
  });
});

describe("ids and owners", () => {
  test.each([
    [
      "snapshot",
      new DescribeSnapshotsCommand({ SnapshotIds: ["snap-00000000"] }),
      "InvalidSnapshot.NotFound",
    ],
    ["snapshot", new DescribeSnapshotsCommand({ SnapshotIds: ["snap-0"] }), "InvalidSnapshotID.Malformed"],
    ["volume", new DescribeVolumesCommand({ VolumeIds: ["vol-00000000"] }), "InvalidVolume.NotFound"],
    ["volume", new DescribeVolumesCommand({ VolumeIds: ["vol_1"] }), "InvalidVolumeID.Malformed"],
    ["instance", new DescribeInstancesCommand({ InstanceIds: ["i-00000000"] }), "InvalidInstanceID.NotFound"],
    ["instance", new DescribeInstancesCommand({ InstanceIds: ["i-g"] }), "InvalidInstanceID.Malformed"],
    ["image", new DescribeImagesCommand({ ImageIds: ["ami-00000000"] }), "InvalidAMIID.NotFound"],
    ["image", new DescribeImagesCommand({ ImageIds: ["ami-"] }), "InvalidAMIID.Malformed"],
  ])("of a %s: %o is refused", async (_, command, code) => {
    const { ec2 } = await simulate();
    expect(await refusal(ec2.send(command as DescribeVolumesCommand))).toMatchObject({ code, status: 400 });
  });

  test("public snapshots of others are listed unless owners are named", async () => {
    const simulation = await simulate();
    const foreign = "snap-0a3a0000000000001";
    expect(await list(simulation)).toEqual([]);
    const owners = async (OwnerIds: string[]) => await list(simulation, { OwnerIds });
    expect(await owners(["amazon"])).toEqual([foreign]);
    expect(await owners(["self", "137112412989"])).toEqual([foreign]);
    const { Snapshots } = await simulation.ec2.send(new DescribeSnapshotsCommand({}));
    expect(Snapshots?.map(({ SnapshotId }) => SnapshotId)).toEqual([foreign]);
    const own = await simulation.ec2.send(new DescribeSnapshotsCommand({ RestorableByUserIds: ["self"] }));
    expect(own.Snapshots).toEqual([]);
    expect(await refusal(owners(["me"]))).toMatchObject({ code: "InvalidUserID.Malformed" });
  });

  test("disabled images are listed only on request", async () => {
    const { ec2 } = await simulate({ images: [{ id: "ami-00000001", state: "disabled", snapshots: {} }] });
    expect((await ec2.send(new DescribeImagesCommand({ Owners: ["self"] }))).Images).toEqual([]);
    expect(
      (await ec2.send(new DescribeImagesCommand({ Owners: ["self"], IncludeDisabled: true }))).Images,
    ).toHaveLength(1);
  });
});

describe("requests that no client sends", () => {
  const Version = "2016-11-15";
  test.each([
    ["an unknown action", { Action: "DescribeUnicorns", Version }, "InvalidAction"],
    ["an action of all objects", { Action: "constructor", Version }, "InvalidAction"],
    ["another version", { Action: "DescribeVolumes", Version: "1999-01-01" }, "InvalidAction"],
    ["no action", { Version }, "MissingAction"],
    ["an unknown parameter", { Action: "DescribeVolumes", Version, Colour: "red" }, "UnknownParameter"],
    [
      "an unknown member",
      { Action: "DescribeVolumes", Version, "Filter.1.Names": "size" },
      "UnknownParameter",
    ],
    ["a list without numbers", { Action: "DescribeVolumes", Version, VolumeId: root }, "UnknownParameter"],
    [
      "a number that is none",
      { Action: "DescribeVolumes", Version, MaxResults: "ten" },
      "InvalidParameterValue",
    ],
    [
      "a flag that is none",
      { Action: "DescribeVolumes", Version, DryRun: "perhaps" },
      "InvalidParameterValue",
    ],
    ["no volume", { Action: "CreateSnapshot", Version }, "MissingParameter"],
    ["no instance", { Action: "CreateSnapshots", Version }, "MissingParameter"],
    ["no snapshot", { Action: "DeleteSnapshot", Version }, "MissingParameter"],
    ["no resources", { Action: "CreateTags", Version, "Tag.1.Key": "k" }, "MissingParameter"],
    ["no tags", { Action: "CreateTags", Version, "ResourceId.1": root }, "MissingParameter"],
    [
      "a foreign source of tags",
      {
        Action: "CreateSnapshots",
        Version,
        "InstanceSpecification.InstanceId": instance,
        CopyTagsFromSource: "image",
      },
      "InvalidParameterValue",
    ],
    [
      "a place elsewhere",
      { Action: "CreateSnapshot", Version, VolumeId: root, Location: "local" },
      "UnsupportedOperation",
    ],
  ])("%s", async (_, parameters, code) => {
    const { simulator } = await simulate();
    const { status, body } = await rawCall(simulator, "ec2", parameters as Record<string, string>);
    expect([codeIn(body), status]).toEqual([code, 400]);
  });
});
