import {
  CreateImageCommand,
  type CreateImageCommandInput,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImageAttributeCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
} from "@aws-sdk/client-ec2";
import { expect, test } from "vitest";
import { instance, refusal, type Simulation, simulate } from "./simulate.ts";

const make = ({ ec2 }: Simulation, more: Partial<CreateImageCommandInput> = {}) =>
  ec2.send(new CreateImageCommand({ InstanceId: instance, Name: "monthly", NoReboot: true, ...more }));

async function images({ ec2 }: Simulation, snapshot?: string) {
  const Filters =
    snapshot === undefined ? [] : [{ Name: "block-device-mapping.snapshot-id", Values: [snapshot] }];
  return (await ec2.send(new DescribeImagesCommand({ Owners: ["self"], Filters, IncludeDisabled: true })))
    .Images;
}

const snapshotsOf = async ({ ec2 }: Simulation) =>
  (await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }))).Snapshots ?? [];

test("the snapshots of a new image are listed later, and its mappings name them when it is done", async () => {
  const simulation = await simulate({ snapshots: [], times: { imageSnapshots: 5 }, settle: { seconds: 60 } });
  const { control } = simulation;
  await make(simulation);
  expect(await snapshotsOf(simulation)).toEqual([]);
  const [pending] = (await images(simulation)) ?? [];
  expect(pending).toMatchObject({ State: "pending", SourceInstanceId: instance });
  expect(pending?.BlockDeviceMappings?.map(({ Ebs }) => Ebs?.SnapshotId)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  await control.clock({ advance: "5s" });
  const [snapshot] = await snapshotsOf(simulation);
  expect(await images(simulation, snapshot?.SnapshotId), "not found by a snapshot either").toEqual([]);
  const remove = new DeleteSnapshotCommand({ SnapshotId: snapshot?.SnapshotId });
  expect((await refusal(simulation.ec2.send(remove))).code, "in use all the same").toBe(
    "InvalidSnapshot.InUse",
  );
  await control.clock({ advance: "60s" });
  expect(await images(simulation, snapshot?.SnapshotId)).toMatchObject([{ State: "available" }]);
});

test("an image without the root device is refused", async () => {
  const simulation = await simulate({});
  const BlockDeviceMappings = [{ DeviceName: "/dev/xvda", NoDevice: "" }];
  expect((await refusal(make(simulation, { BlockDeviceMappings }))).code).toBe("InvalidBlockDeviceMapping");
});

test("an image that failed keeps its name, says why, and can be deregistered", async () => {
  const simulation = await simulate({});
  simulation.control.faults([{ kind: "partial", action: "CreateImage" }]);
  // Failed snapshots count against the one at a time that an st1 volume may have.
  const without = { BlockDeviceMappings: [{ DeviceName: "/dev/sdg", NoDevice: "" }] };
  const { ImageId } = await make(simulation, without);
  await simulation.control.clock({ advance: "10m" });
  expect(await images(simulation)).toMatchObject([
    { State: "failed", StateReason: { Message: expect.any(String) } },
  ]);
  expect((await refusal(make(simulation, without))).code).toBe("InvalidAMIName.Duplicate");
  await simulation.ec2.send(new DeregisterImageCommand({ ImageId }));
  expect(await images(simulation)).toEqual([]);
  await make(simulation, without);
});

test("protection holds an image, and who may launch it is told", async () => {
  const simulation = await simulate({});
  const { ec2, control } = simulation;
  const { ImageId = "" } = await make(simulation);
  const shares = async () =>
    (await ec2.send(new DescribeImageAttributeCommand({ ImageId, Attribute: "launchPermission" })))
      .LaunchPermissions;
  expect(await shares()).toEqual([]);
  await control.images({
    change: {
      image: ImageId,
      deregistrationProtection: true,
      sharedWith: ["444455556666"],
      tags: { a: "b" },
    },
  });
  expect(await shares()).toEqual([{ UserId: "444455556666" }]);
  expect(await images(simulation)).toMatchObject([
    { DeregistrationProtection: expect.stringContaining("enabled"), Tags: [{ Key: "a", Value: "b" }] },
  ]);
  const remove = () => ec2.send(new DeregisterImageCommand({ ImageId }));
  expect((await refusal(remove())).code).toBe("OperationNotPermitted");
  await control.images([{ change: { image: ImageId, deregistrationProtection: false, state: "disabled" } }]);
  await remove();
  await expect(control.images({ change: { image: "ami-00000000" } })).rejects.toThrow("there is no image");
});

test("what was deregistered may still be shown for a while", async () => {
  const simulation = await simulate({ consistency: { seconds: 30 } });
  const { ImageId } = await make(simulation);
  await simulation.control.clock({ advance: "10m" });
  await simulation.ec2.send(new DeregisterImageCommand({ ImageId }));
  expect(await images(simulation)).toMatchObject([{ State: "available" }]);
  const again = simulation.ec2.send(new DeregisterImageCommand({ ImageId }));
  expect((await refusal(again)).code).toBe("InvalidAMIID.NotFound");
  await make(simulation, { Name: "monthly" });
  await simulation.control.clock({ advance: "31s" });
  expect((await images(simulation))?.length).toBe(1);
});
