import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  type CreateVolumeCommandInput,
  DescribeVolumesCommand,
  DisableEbsEncryptionByDefaultCommand,
  EnableEbsEncryptionByDefaultCommand,
  GetEbsDefaultKmsKeyIdCommand,
  GetEbsEncryptionByDefaultCommand,
  ModifyEbsDefaultKmsKeyIdCommand,
} from "@aws-sdk/client-ec2";
import { expect, test } from "vitest";
import { data, type Simulation, simulate } from "./simulate.ts";

const plain = "snap-0123456789abcdef0";
const key = "11111111-2222-3333-4444-555555555555";
const scenario = {
  keys: [{ id: key, aliases: ["alias/own"] }],
  snapshots: [{ id: plain, volumeId: data, encrypted: false }],
};

const make = ({ ec2 }: Simulation, input: Partial<CreateVolumeCommandInput> = {}) =>
  ec2.send(
    new CreateVolumeCommand({
      AvailabilityZone: "eu-central-1a",
      SnapshotId: plain,
      VolumeType: "gp3",
      ...input,
    }),
  );

test("a volume of a snapshot that is not encrypted is, once that is the default, with the default key", async () => {
  const simulation = await simulate(scenario);
  const { ec2 } = simulation;
  expect(await make(simulation)).toMatchObject({ Encrypted: false });
  expect((await ec2.send(new GetEbsEncryptionByDefaultCommand({}))).EbsEncryptionByDefault).toBe(false);
  await ec2.send(new EnableEbsEncryptionByDefaultCommand({}));
  expect((await ec2.send(new GetEbsEncryptionByDefaultCommand({}))).EbsEncryptionByDefault).toBe(true);
  const { KmsKeyId: aws } = await make(simulation);
  expect((await ec2.send(new GetEbsDefaultKmsKeyIdCommand({}))).KmsKeyId).toBe(aws);
  await ec2.send(new ModifyEbsDefaultKmsKeyIdCommand({ KmsKeyId: "alias/own" }));
  const made = await make(simulation, { Encrypted: false });
  expect(made).toMatchObject({ Encrypted: true, KmsKeyId: expect.stringContaining(key) });
  await ec2.send(new DisableEbsEncryptionByDefaultCommand({}));
  expect(await make(simulation)).toMatchObject({ Encrypted: false });
  // What is there stays as it is, and so do snapshots of it.
  const snapshot = await ec2.send(new CreateSnapshotCommand({ VolumeId: data }));
  expect(snapshot.Encrypted).toBe(false);
});

test("with a default key that is disabled the volume of a restore begins, and is gone", async () => {
  const simulation = await simulate({ ...scenario, ebsEncryption: { byDefault: true, key: "alias/own" } });
  await simulation.control.keys({ change: { key, state: "Disabled" } });
  const { VolumeId, State } = await make(simulation);
  expect(State).toBe("creating");
  await simulation.control.clock({ advance: "1m" });
  const gone = simulation.ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId ?? ""] }));
  await expect(gone).rejects.toThrow(/does not exist/);
});
