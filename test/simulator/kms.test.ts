import { CreateSnapshotsCommand, DescribeSnapshotsCommand } from "@aws-sdk/client-ec2";
import { DescribeKeyCommand, GetKeyPolicyCommand, KMSClient, ListAliasesCommand } from "@aws-sdk/client-kms";
import { describe, expect, onTestFinished, test } from "vitest";
import { instance, keys, refusal, type Simulation, simulate, volumes } from "./simulate.ts";

const prefix = "arn:aws:kms:eu-central-1:111122223333:";
const id = "1234abcd-12ab-34cd-56ef-1234567890ab";
const arn = `${prefix}key/${id}`;

const describeKey = async ({ kms }: Simulation, KeyId = id) =>
  (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata;

describe("DescribeKey", () => {
  test("by id, ARN, alias and ARN of an alias", async () => {
    const simulation = await simulate({ keys: [{ id, aliases: ["alias/backup"], description: "mine" }] });
    for (const name of [id, arn, "alias/backup", `${prefix}alias/backup`])
      expect(await describeKey(simulation, name)).toEqual({
        AWSAccountId: "111122223333",
        KeyId: id,
        Arn: arn,
        CreationDate: new Date("2025-12-01T02:00:00Z"),
        Enabled: true,
        Description: "mine",
        KeyUsage: "ENCRYPT_DECRYPT",
        KeyState: "Enabled",
        Origin: "AWS_KMS",
        KeyManager: "CUSTOMER",
        CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
        KeySpec: "SYMMETRIC_DEFAULT",
        EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
        MultiRegion: false,
      });
    expect(await describeKey(simulation, "alias/aws/ebs")).toMatchObject({ KeyManager: "AWS" });
  });

  test("of each place its own keys; of another account one whose policy lets it", async () => {
    const other = "444455556666";
    const theirs = `arn:aws:kms:eu-central-1:${other}:key/${id}`;
    const root = { AWS: "arn:aws:iam::111122223333:root" };
    const Statement = [{ Effect: "Allow", Principal: root, Action: "kms:*", Resource: "*" }];
    const simulation = await simulate({
      keys: [{ id: "0a" }],
      places: [
        { account: other, keys: [{ id, state: "PendingDeletion" }] },
        { region: "eu-west-1", keys: [{ id: "0b", state: "Disabled" }] },
      ],
    });
    const { control, simulator } = simulation;
    expect(await describeKey(simulation, "0a")).toMatchObject({ KeyState: "Enabled" });
    expect(await refusal(describeKey(simulation, "0b"))).toMatchObject({ code: "NotFoundException" });
    const ireland = new KMSClient({ endpoint: simulator.url, region: "eu-west-1", credentials: keys });
    onTestFinished(() => ireland.destroy());
    const { KeyMetadata } = await ireland.send(new DescribeKeyCommand({ KeyId: "0b" }));
    expect(KeyMetadata).toMatchObject({ KeyState: "Disabled", Enabled: false });
    expect(await refusal(describeKey(simulation, theirs))).toMatchObject({ code: "AccessDeniedException" });
    await control.keys({ change: { key: id, policy: { Statement } } }, `${other}/eu-central-1`);
    expect(await describeKey(simulation, theirs)).toMatchObject({
      AWSAccountId: other,
      KeyState: "PendingDeletion",
      DeletionDate: expect.any(Date),
    });
  });

  test("each state that the control surface gives it", async () => {
    const simulation = await simulate({ keys: [{ id }] });
    const states = ["Disabled", "Unavailable", "PendingImport", "Enabled", "PendingDeletion"] as const;
    for (const state of states) {
      await simulation.control.keys({ change: { key: arn, state } });
      const key = await describeKey(simulation);
      expect([key?.KeyState, key?.Enabled]).toEqual([state, state === "Enabled"]);
      expect(key?.DeletionDate).toEqual(
        state === "PendingDeletion" ? new Date("2026-03-31T02:00:00Z") : undefined,
      );
    }
    await expect(simulation.control.keys({ change: { key: "none", state: "Enabled" } })).rejects.toThrow(
      "there is no key none",
    );
    await expect(simulation.control.keys({ change: { key: id, state: "Lost" } })).rejects.toThrow(
      "expected one of Enabled, Disabled",
    );
    expect(await simulation.control.keys({ create: { id: "2" } })).toEqual(["2"]);
  });

  test("what does not exist, and what is not allowed by IAM or by the key", async () => {
    const closed = {
      Statement: [{ Effect: "Allow", Principal: { AWS: "*" }, Action: "kms:Decrypt", Resource: "*" }],
    };
    const simulation = await simulate({ keys: [{ id }, { id: "2", policy: closed }] });
    expect(await refusal(describeKey(simulation, "3"))).toEqual({
      code: "NotFoundException",
      status: 400,
      message: `Key '${prefix}key/3' does not exist`,
    });
    expect(await refusal(describeKey(simulation, "alias/x"))).toMatchObject({
      message: `Alias ${prefix}alias/x is not found.`,
    });
    expect(await refusal(describeKey(simulation, "2"))).toMatchObject({
      code: "AccessDeniedException",
      message: expect.stringContaining("no resource-based policy allows the kms:DescribeKey action"),
    });
    await simulation.control.settings({ deny: [{ action: "kms:*" }] });
    expect(await refusal(describeKey(simulation))).toMatchObject({
      code: "AccessDeniedException",
      message: expect.stringContaining(
        `kms:DescribeKey on resource: ${arn} because no identity-based policy`,
      ),
    });
  });

  test("the keys that volumes name exist", async () => {
    const simulation = await simulate({ volumes: volumes(1, { kmsKeyId: arn }) });
    expect(await describeKey(simulation)).toMatchObject({ KeyState: "Enabled", Arn: arn });
  });
});

test("GetKeyPolicy and ListAliases", async () => {
  const simulation = await simulate({ keys: [{ id, aliases: ["alias/b", "alias/a"] }] });
  const { kms } = simulation;
  const policy = await kms.send(new GetKeyPolicyCommand({ KeyId: id }));
  expect(JSON.parse(policy.Policy ?? "")).toMatchObject({ Statement: [{ Action: "kms:*" }] });
  const own = await kms.send(
    new GetKeyPolicyCommand({ KeyId: (await describeKey(simulation, "alias/aws/sns"))?.Arn }),
  );
  expect(own.Policy).not.toContain("cloudwatch.amazonaws.com");
  expect(await refusal(kms.send(new GetKeyPolicyCommand({ KeyId: "alias/b" })))).toMatchObject({
    code: "InvalidArnException",
  });
  const first = await kms.send(new ListAliasesCommand({ Limit: 3 }));
  const second = await kms.send(new ListAliasesCommand({ Limit: 3, Marker: first.NextMarker }));
  expect([first.Truncated, second.Truncated]).toEqual([true, false]);
  expect([...(first.Aliases ?? []), ...(second.Aliases ?? [])].map((each) => each.AliasName)).toEqual([
    "alias/a",
    "alias/aws/ebs",
    "alias/aws/sns",
    "alias/b",
  ]);
  const { Aliases } = await kms.send(new ListAliasesCommand({ KeyId: id }));
  expect(Aliases?.map(({ TargetKeyId, AliasArn }) => [TargetKeyId, AliasArn])).toEqual([
    [id, `${prefix}alias/a`],
    [id, `${prefix}alias/b`],
  ]);
});

test("faults and unknown operations are told in KMS's words", async () => {
  const simulation = await simulate({ keys: [{ id }] });
  simulation.control.faults([
    { kind: "throttle", service: "kms", index: 1 },
    { kind: "500", service: "kms", index: 2 },
    { kind: "expired", service: "kms", index: 3 },
  ]);
  const codes = ["ThrottlingException", "KMSInternalException", "ExpiredTokenException"];
  for (const code of codes) expect(await refusal(describeKey(simulation))).toMatchObject({ code });
  expect(simulation.control.calls()[0]).toMatchObject({ service: "kms", parameters: { KeyId: id } });
});

test.each(["Disabled", "PendingDeletion", "Unavailable"] as const)(
  "a set with a volume whose key is %s begins, and ends in error as a whole",
  async (state) => {
    const [root, data] = volumes(2);
    if (root === undefined || data === undefined) expect.fail("two volumes");
    const simulation = await simulate({
      keys: [{ id, state }],
      volumes: [root, { ...data, kmsKeyId: arn }],
      settle: { seconds: 100 },
    });
    const create = async () => {
      const InstanceSpecification = { InstanceId: instance };
      const made = await simulation.ec2.send(new CreateSnapshotsCommand({ InstanceSpecification }));
      const SnapshotIds = made.Snapshots?.map((each) => each.SnapshotId ?? "");
      expect(made.Snapshots?.map((each) => each.State)).toEqual(["pending", "pending"]);
      await simulation.control.clock({ advance: "100s" });
      const { Snapshots = [] } = await simulation.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds }));
      return Snapshots.map((each) => [each.VolumeId, each.State, each.StateMessage]).sort();
    };
    expect(await create()).toEqual([
      [root.id, "error", "Snapshot creation failed"],
      [data.id, "error", "Given key ID is not accessible"],
    ]);
    await simulation.control.keys({ change: { key: id, state: "Enabled" } });
    expect((await create()).map(([, each]) => each)).toEqual(["completed", "completed"]);
  },
);
