import { DescribeImagesCommand, RegisterImageCommand, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { expect, test } from "vitest";
import { launchInput, registerInput } from "../../src/aws/restore-machine-words.ts";
import type { NewImage, NewMachine } from "../../src/core/machine-ports.ts";
import { refusal, root, simulate } from "../simulator/simulate.ts";

const snapshot = "snap-0000000000000000a";
const device = {
  device: "/dev/xvda",
  snapshot,
  type: "io2",
  sizeGiB: 9,
  iops: 300,
  deleteOnTermination: false,
};
const image: NewImage = {
  name: "ec2-backup instance-0123456789abcdef",
  architecture: "x86_64",
  bootMode: "uefi-preferred",
  tpm: "v2.0",
  root: device,
  tags: { a: "b" },
};
const machine: Omit<NewMachine, "image"> = {
  type: "m7i.large",
  subnet: "subnet-0d3a0de0c0ffee001",
  groups: ["sg-0d3a0de0c0ffee001"],
  metadata: { tokens: "required", hops: 2 },
  devices: [],
  without: [],
  tags: { a: "b" },
  volumeTags: { a: "b" },
  clientToken: "once",
};

test("what RegisterImage would fill in by itself keeps an image from running, so all of it is said", async () => {
  const { ec2 } = await simulate({ snapshots: [{ id: snapshot, volumeId: root }] });
  const run = (id: string, token: string) =>
    ec2.send(new RunInstancesCommand(launchInput({ ...machine, image: id, clientToken: token })));
  const whole = registerInput(image);
  const { ImageId: id = "" } = await ec2.send(new RegisterImageCommand(whole));
  const { Images: [found] = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: [id] }));
  expect(found).toMatchObject({
    Architecture: "x86_64",
    VirtualizationType: "hvm",
    EnaSupport: true,
    BootMode: "uefi-preferred",
    RootDeviceName: "/dev/xvda",
    BlockDeviceMappings: [
      {
        Ebs: {
          VolumeType: "io2",
          Iops: 300,
          VolumeSize: 9,
          SnapshotId: snapshot,
          DeleteOnTermination: false,
        },
      },
    ],
  });
  expect((await run(id, "whole")).Instances?.[0]?.BootMode).toBe("uefi-preferred");

  const traps = [
    ["Architecture", /does not match the architecture 'i386'/],
    ["VirtualizationType", /'paravirtual'/],
    ["EnaSupport", /Elastic Network Adapter \(ENA\) is required/],
  ] as const;
  for (const [index, [key, message]] of traps.entries()) {
    const { [key]: _, ...lacking } = { ...whole, Name: `lacking ${key}` };
    const { ImageId: bad = "" } = await ec2.send(new RegisterImageCommand(lacking));
    expect((await refusal(run(bad, `trap-${index}`))).message, key).toMatch(message);
  }
  const { VolumeType: _, Iops: __, ...typeless } = whole.BlockDeviceMappings?.[0]?.Ebs ?? {};
  const mappings = [{ DeviceName: "/dev/xvda", Ebs: typeless }];
  const magnetic = { ...whole, Name: "typeless", BlockDeviceMappings: mappings };
  const { ImageId: slow = "" } = await ec2.send(new RegisterImageCommand(magnetic));
  const { Images: [told] = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: [slow] }));
  expect(told?.BlockDeviceMappings?.[0]?.Ebs?.VolumeType).toBe("standard");
});

test("a launch says only what is known, and never a device of the image that is not wanted", () => {
  const input = launchInput({
    ...machine,
    image: "ami-1",
    profile: "arn:aws:iam::111122223333:instance-profile/web",
    tenancy: "default",
    userData: Uint8Array.from([0x1f, 0x8b, 0xff]),
    without: ["/dev/sdz"],
    devices: [device],
  });
  expect(input).toMatchObject({
    MinCount: 1,
    MaxCount: 1,
    IamInstanceProfile: { Arn: "arn:aws:iam::111122223333:instance-profile/web" },
    UserData: "H4v/",
    MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 2 },
    BlockDeviceMappings: [{ DeviceName: "/dev/xvda" }, { DeviceName: "/dev/sdz", NoDevice: "" }],
  });
  expect(Object.keys(input)).not.toContain("Placement");
  expect(launchInput({ ...machine, image: "ami-1", profile: "web" }).IamInstanceProfile).toEqual({
    Name: "web",
  });
});
