import {
  CopySnapshotCommand,
  type CopySnapshotCommandInput,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  ModifySnapshotAttributeCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { data, keys, refusal, type Simulation, simulate } from "./simulate.ts";

const GIB = 1_073_741_824;
const account = "111122223333";
const other = "444455556666";
const otherKeys = { accessKeyId: "AKIASIMULATORTEST002", secretAccessKey: "secret" };
const ireland = `${account}/eu-west-1`;
const arnOfKey = (id: string, region = "eu-west-1", owner = account) =>
  `arn:aws:kms:${region}:${owner}:key/${id}`;

const snap = (digit: string) => `snap-0000000000000000${digit}`;
const copyOf = (digit: string, change: Partial<CopySnapshotCommandInput> = {}) =>
  new CopySnapshotCommand({ SourceRegion: "eu-central-1", SourceSnapshotId: snap(digit), ...change });

/** Two snapshots of one volume and one of an encrypted volume, to be copied to Ireland. */
const scenario: Scenario = {
  copies: { seconds: 60, secondsPerGiB: 10, share: 0.1 },
  keys: [{ id: "0a" }],
  snapshots: [
    { id: snap("1"), volumeId: data, volumeSize: 20, fullSizeBytes: 10 * GIB, tags: { Name: "one" } },
    { id: snap("2"), volumeId: data, volumeSize: 20, fullSizeBytes: 10 * GIB },
    {
      id: snap("3"),
      volumeId: "vol-00000000000000003",
      volumeSize: 20,
      fullSizeBytes: 10 * GIB,
      encrypted: true,
      kmsKeyId: arnOfKey("0a", "eu-central-1"),
    },
    { id: snap("4"), volumeId: data, state: "pending" },
    { id: snap("5"), volumeId: data, storageTier: "archive" },
  ],
  places: [
    { region: "eu-west-1", keys: [{ id: "0b" }, { id: "0c", state: "Disabled" }, { id: "0d", policy: {} }] },
    {
      account: other,
      region: "eu-central-1",
      accessKeys: [{ id: otherKeys.accessKeyId, user: "other" }],
    },
  ],
};

async function regions(change: Scenario = {}): Promise<Simulation & { there: EC2Client; theirs: EC2Client }> {
  const simulation = await simulate({ ...scenario, ...change });
  const config = { endpoint: simulation.simulator.url, maxAttempts: 1 };
  const there = new EC2Client({ ...config, region: "eu-west-1", credentials: keys });
  const theirs = new EC2Client({ ...config, region: "eu-central-1", credentials: otherKeys });
  onTestFinished(() => {
    there.destroy();
    theirs.destroy();
  });
  return { ...simulation, there, theirs };
}

async function one(client: EC2Client, id: string | undefined) {
  const { Snapshots = [] } = await client.send(new DescribeSnapshotsCommand({ SnapshotIds: [id ?? ""] }));
  return Snapshots[0];
}

describe("CopySnapshot", () => {
  test("copies into the Region of the request, with the tags given and no others, pending by its size", async () => {
    const { there, ec2, control } = await regions();
    const Tags = [{ Key: "Source_SnapshotId", Value: snap("1") }];
    const TagSpecifications = [{ ResourceType: "snapshot" as const, Tags }];
    const { SnapshotId, Tags: answered } = await there.send(copyOf("1", { TagSpecifications }));
    expect(answered).toEqual(Tags);
    expect(await one(there, SnapshotId)).toMatchObject({
      State: "pending",
      VolumeId: "vol-ffffffff",
      VolumeSize: 20,
      StartTime: new Date("2026-03-01T02:00:00Z"),
      Encrypted: false,
      TransferType: "standard",
      Tags,
    });
    expect(await refusal(one(ec2, SnapshotId))).toMatchObject({ code: "InvalidSnapshot.NotFound" });
    await control.clock({ advance: "159s" });
    expect(await one(there, SnapshotId)).toMatchObject({ State: "pending", Progress: "99%" });
    await control.clock({ advance: "1s" });
    expect(await one(there, SnapshotId)).toMatchObject({
      State: "completed",
      FullSnapshotSizeInBytes: 10 * GIB,
    });
    expect((await control.state(ireland)).snapshots[SnapshotId ?? ""]?.copy).toMatchObject({
      sourceSnapshotId: snap("1"),
      sourceRegion: "eu-central-1",
      incremental: false,
      bytes: 10 * GIB,
    });
    await there.send(new CreateVolumeCommand({ SnapshotId, AvailabilityZone: "eu-west-1a" }));
  });

  test("later copies are incremental while the newest one is there, is not archived and has the same key", async () => {
    const { there, control } = await regions();
    const copied = async (change: Partial<CopySnapshotCommandInput> = {}) => {
      const { SnapshotId = "" } = await there.send(copyOf("2", change));
      const copy = (await control.state(ireland)).snapshots[SnapshotId];
      await control.clock({ advance: "10m" });
      return { id: SnapshotId, incremental: copy?.copy?.incremental, bytes: copy?.copy?.bytes };
    };
    expect(await copied()).toMatchObject({ incremental: false });
    const second = await copied();
    expect(second).toMatchObject({ incremental: true, bytes: GIB });
    await there.send(new DeleteSnapshotCommand({ SnapshotId: second.id }));
    const third = await copied();
    expect(third).toMatchObject({ incremental: false });
    await control.snapshots({ change: { snapshot: third.id, storageTier: "archive" } }, ireland);
    expect(await copied()).toMatchObject({ incremental: false });
    expect(await copied({ Encrypted: true })).toMatchObject({ incremental: false });
    expect(await copied({ Encrypted: true })).toMatchObject({ incremental: true });
    expect(await copied({ Encrypted: true, KmsKeyId: "0b" })).toMatchObject({ incremental: false });
  });

  test("a copy of a copy belongs to the same lineage", async () => {
    const { there, ec2, control } = await regions();
    const { SnapshotId } = await there.send(copyOf("1"));
    await control.clock({ advance: "10m" });
    const back = await ec2.send(
      new CopySnapshotCommand({ SourceRegion: "eu-west-1", SourceSnapshotId: SnapshotId }),
    );
    const copy = (await control.state()).snapshots[back.SnapshotId ?? ""]?.copy;
    expect(copy).toMatchObject({ lineage: `${account}/eu-central-1/${data}`, sourceSnapshotId: SnapshotId });
  });

  test.each<[string, string, Partial<CopySnapshotCommandInput>, string]>([
    ["one that is pending", "4", {}, "IncorrectState"],
    ["one in the archive", "5", {}, "IncorrectState"],
    ["one that is not there", "9", {}, "InvalidSnapshot.NotFound"],
    ["one of another Region", "1", { SourceRegion: "eu-west-1" }, "InvalidSnapshot.NotFound"],
    ["one of no Region", "1", { SourceRegion: "eu-north-1" }, "InvalidParameterValue"],
    ["with a key but unencrypted", "1", { KmsKeyId: "0b" }, "InvalidParameterDependency"],
    ["an encrypted one unencrypted", "3", { Encrypted: false }, "InvalidParameterValue"],
    ["within 14 minutes", "1", { CompletionDurationMinutes: 14 }, "InvalidParameterValue"],
    ["within 20 minutes", "1", { CompletionDurationMinutes: 20 }, "InvalidParameterValue"],
    ["within 49 hours", "1", { CompletionDurationMinutes: 2_940 }, "InvalidParameterValue"],
    ["to an Outpost", "1", { DestinationOutpostArn: "arn:aws:outposts:x" }, "UnsupportedOperation"],
  ])("%s is refused", async (_, digit, change, code) => {
    const { there } = await regions();
    expect(await refusal(there.send(copyOf(digit, change)))).toMatchObject({ code, status: 400 });
  });

  test("20 are under way at once in a destination, and no more", async () => {
    const { there, ec2, control } = await regions();
    for (let index = 0; index < 20; index += 1) await there.send(copyOf("1"));
    expect(await refusal(there.send(copyOf("1")))).toEqual({
      code: "ResourceLimitExceeded",
      status: 400,
      message: "Too many snapshot copies in progress. The limit is 20 for this destination region.",
    });
    // The limit is each destination's own.
    await ec2.send(copyOf("1"));
    await control.clock({ advance: "10m" });
    await there.send(copyOf("1"));
  });

  test("pays from a bucket of its own, as large as those of other changing calls", async () => {
    const { there, control } = await regions();
    await there.send(copyOf("1"));
    await control.clock({ advance: "1m" });
    await there.send(copyOf("1"));
    expect((await control.state(ireland)).buckets.CopySnapshot?.tokens).toBe(49);
  });

  test("a time-based copy takes its time, and says so", async () => {
    const { there, control } = await regions();
    const { SnapshotId } = await there.send(copyOf("1", { CompletionDurationMinutes: 30 }));
    await control.clock({ advance: "29m" });
    expect(await one(there, SnapshotId)).toMatchObject({
      State: "pending",
      TransferType: "time-based",
      CompletionDurationMinutes: 30,
    });
    await control.clock({ advance: "1m" });
    expect(await one(there, SnapshotId)).toMatchObject({ State: "completed" });
    const Filters = [{ Name: "transfer-type", Values: ["time-based"] }];
    expect((await there.send(new DescribeSnapshotsCommand({ Filters }))).Snapshots).toHaveLength(1);
  });

  test("a time-based copy is refused when it is too large for its time, or no throughput is left", async () => {
    const { there } = await regions({ copies: { ...scenario.copies, throughput: 12, single: 10 } });
    const within = (CompletionDurationMinutes: number) =>
      there.send(copyOf("1", { CompletionDurationMinutes }));
    // 10 GiB at 10 MiB/s take 17 minutes and 4 seconds.
    expect((await refusal(within(15))).code).toBe("InvalidParameterCombination");
    await within(30);
    await within(30);
    await within(30);
    expect((await refusal(within(30))).code).toBe("ResourceLimitExceeded");
  });
});

describe("keys of copies", () => {
  test("an encrypted source takes the destination's default key; encryption by default encrypts the others", async () => {
    const { there, control } = await regions();
    const encrypted = await one(there, (await there.send(copyOf("3"))).SnapshotId);
    expect(encrypted).toMatchObject({ Encrypted: true });
    const managed = Object.values((await control.state(ireland)).keys).find(({ aliases }) =>
      aliases.includes("alias/aws/ebs"),
    );
    expect(encrypted?.KmsKeyId).toBe(managed?.arn);
    await control.settings({ ebsEncryption: { byDefault: true, key: "0b" } }, ireland);
    const byDefault = await one(there, (await there.send(copyOf("1"))).SnapshotId);
    expect(byDefault).toMatchObject({ Encrypted: true, KmsKeyId: arnOfKey("0b") });
  });

  test.each<[string, string]>([
    ["unknown", "0f"],
    ["unknown by its ARN", arnOfKey("0f")],
    ["disabled", "0c"],
    ["not granted by its policy", "0d"],
    ["of another Region", arnOfKey("0a", "eu-central-1")],
  ])("a key that is %s shows minutes later", async (_, KmsKeyId) => {
    const { there, control } = await regions();
    const { SnapshotId } = await there.send(copyOf("3", { KmsKeyId }));
    const pending = await one(there, SnapshotId);
    expect(pending).toMatchObject({ State: "pending" });
    expect(pending?.StateMessage).toBeUndefined();
    await control.clock({ advance: "2m" });
    expect(await one(there, SnapshotId)).toMatchObject({
      State: "error",
      StateMessage: "Given key ID is not accessible",
    });
  });

  test("so does the source's key, and a key that the caller may not use", async () => {
    const { there, control } = await regions({ limits: false });
    const stateOf = async () => {
      const { SnapshotId } = await there.send(copyOf("3", { KmsKeyId: "0b" }));
      await control.clock({ advance: "10m" });
      return (await one(there, SnapshotId))?.State;
    };
    expect(await stateOf()).toBe("completed");
    await control.keys({ change: { key: "0a", state: "PendingDeletion" } });
    expect(await stateOf()).toBe("error");
    await control.keys({ change: { key: "0a", state: "Enabled" } });
    const allow = (...Action: string[]) =>
      JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: "*" }] });
    await control.settings({ policies: [{ principal: "*:user/tester", documents: [allow("ec2:*")] }] });
    expect(await stateOf()).toBe("error");
    await control.settings({
      policies: [{ principal: "*:user/tester", documents: [allow("ec2:*", "kms:*")] }],
    });
    expect(await stateOf()).toBe("completed");
  });
});

describe("who may copy", () => {
  const statement = (Resource: string, Condition: object = {}) => ({
    Effect: "Allow",
    Action: "ec2:CopySnapshot",
    Resource,
    Condition,
  });
  const describing = { Effect: "Allow", Action: "ec2:Describe*", Resource: "*" };
  const tagging = { Effect: "Allow", Action: "ec2:CreateTags", Resource: "*" };
  const owned = { StringEquals: { "aws:RequestTag/owner": "me" } };
  const TagSpecifications = [{ ResourceType: "snapshot" as const, Tags: [{ Key: "owner", Value: "me" }] }];

  test.each<[string, object[], boolean]>([
    ["the source and the new one", [statement("*")], true],
    ["the new one by its tags", [statement("arn:aws:ec2:eu-west-1::snapshot/*", owned)], false],
    [
      "the source by its Region, the new one by its tags",
      [
        statement(`arn:aws:ec2:eu-central-1::snapshot/${snap("1")}`),
        statement("arn:aws:ec2:eu-west-1::snapshot/*", owned),
      ],
      true,
    ],
    [
      "the source by a tag of it, which there is no key for",
      [
        statement("arn:aws:ec2:eu-central-1::snapshot/*", {
          StringEquals: { "aws:ResourceTag/Name": "one" },
        }),
        statement("arn:aws:ec2:eu-west-1::snapshot/*", owned),
      ],
      false,
    ],
  ])("allowed: %s", async (_, statements, allowed) => {
    const document = { Version: "2012-10-17", Statement: [describing, tagging, ...statements] };
    const { there } = await regions({
      policies: [{ principal: "*:user/tester", documents: [JSON.stringify(document)] }],
    });
    const code = await there.send(copyOf("1", { TagSpecifications })).then(
      () => "OK",
      (error: Error) => error.name,
    );
    expect(code).toBe(allowed ? "OK" : "UnauthorizedOperation");
  });
});

describe("a snapshot of another account", () => {
  test("can be listed and copied once it is shared", async () => {
    const { ec2, theirs, control } = await regions();
    expect((await refusal(theirs.send(copyOf("1")))).code).toBe("InvalidSnapshot.NotFound");
    const share = (OperationType: "add" | "remove", digit = "1") =>
      ec2.send(
        new ModifySnapshotAttributeCommand({
          SnapshotId: snap(digit),
          Attribute: "createVolumePermission",
          OperationType,
          UserIds: [other],
        }),
      );
    await share("add");
    const listed = async () =>
      (await theirs.send(new DescribeSnapshotsCommand({ RestorableByUserIds: ["self"] }))).Snapshots ?? [];
    expect(await listed()).toMatchObject([{ SnapshotId: snap("1"), OwnerId: account }]);
    const { SnapshotId } = await theirs.send(copyOf("1"));
    await control.clock({ advance: "10m" });
    expect(await one(theirs, SnapshotId)).toMatchObject({ State: "completed", OwnerId: other });
    await share("remove");
    expect((await refusal(theirs.send(copyOf("1")))).code).toBe("InvalidSnapshot.NotFound");
    expect(await listed()).toHaveLength(1);
  });

  test("that is encrypted needs its key's policy too", async () => {
    const { ec2, theirs, control } = await regions();
    const share = { SnapshotId: snap("3"), CreateVolumePermission: { Add: [{ UserId: other }] } };
    await ec2.send(new ModifySnapshotAttributeCommand(share));
    const stateOf = async () => {
      const { SnapshotId } = await theirs.send(copyOf("3"));
      await control.clock({ advance: "10m" });
      return (await one(theirs, SnapshotId))?.State;
    };
    expect(await stateOf()).toBe("error");
    const policy = {
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${other}:root` },
          Action: "kms:*",
          Resource: "*",
        },
      ],
    };
    await control.keys({ change: { key: "0a", policy } });
    expect(await stateOf()).toBe("completed");
  });

  test("encrypted with AWS's own key cannot be shared", async () => {
    const { ec2, there, control } = await regions();
    const { SnapshotId } = await there.send(copyOf("3"));
    await control.clock({ advance: "10m" });
    const CreateVolumePermission = { Add: [{ UserId: other }] };
    const command = new ModifySnapshotAttributeCommand({ SnapshotId, CreateVolumePermission });
    expect((await refusal(there.send(command))).code).toBe("OperationNotPermitted");
    expect((await refusal(ec2.send(command))).code).toBe("InvalidSnapshot.NotFound");
  });
});
