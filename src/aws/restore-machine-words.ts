import type {
  Image as Ec2Image,
  Instance as Ec2Instance,
  RegisterImageCommandInput,
  RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import type { Tags } from "../core/instance.ts";
import type { DeviceOrder, ImageState, MachineState, NewImage, NewMachine } from "../core/machine-ports.ts";
import { tagsOf } from "./discover.ts";
import { listed } from "./listed-tags.ts";
import { unreadable } from "./pages.ts";

type Mapping = NonNullable<RunInstancesCommandInput["BlockDeviceMappings"]>[number];

function mappingOf(order: DeviceOrder): Mapping {
  return {
    DeviceName: order.device,
    Ebs: {
      ...(order.snapshot === "" ? {} : { SnapshotId: order.snapshot }),
      VolumeType: order.type as NonNullable<Mapping["Ebs"]>["VolumeType"],
      VolumeSize: order.sizeGiB,
      DeleteOnTermination: order.deleteOnTermination,
      ...(order.iops === undefined ? {} : { Iops: order.iops }),
      ...(order.throughput === undefined ? {} : { Throughput: order.throughput }),
    },
  };
}

function specification(ResourceType: "image" | "instance" | "volume", tags: Tags) {
  return { ResourceType, Tags: listed(tags) };
}

/**
 * All that RegisterImage has a default for is said: left out, an image is i386, paravirtual and without ENA, and runs
 * on no current type (EC2 API reference, RegisterImage).
 */
export function registerInput(image: NewImage): RegisterImageCommandInput {
  return {
    Name: image.name,
    Description: "made for a moment by ec2-backup restore instance",
    Architecture: image.architecture as NonNullable<RegisterImageCommandInput["Architecture"]>,
    VirtualizationType: "hvm",
    EnaSupport: true,
    RootDeviceName: image.root.device,
    BlockDeviceMappings: [mappingOf(image.root)],
    ...(image.bootMode === undefined
      ? {}
      : { BootMode: image.bootMode as NonNullable<RegisterImageCommandInput["BootMode"]> }),
    ...(image.sriov === undefined ? {} : { SriovNetSupport: image.sriov }),
    ...(image.tpm === "v2.0" ? { TpmSupport: "v2.0" as const } : {}),
    TagSpecifications: [specification("image", image.tags)],
  };
}

export function launchInput(machine: NewMachine): RunInstancesCommandInput {
  const { metadata, profile, tenancy, userData } = machine;
  return {
    ImageId: machine.image,
    InstanceType: machine.type as NonNullable<RunInstancesCommandInput["InstanceType"]>,
    MinCount: 1,
    MaxCount: 1,
    ClientToken: machine.clientToken,
    SubnetId: machine.subnet,
    ...(machine.groups.length === 0 ? {} : { SecurityGroupIds: [...machine.groups] }),
    ...(profile === undefined
      ? {}
      : { IamInstanceProfile: profile.startsWith("arn:") ? { Arn: profile } : { Name: profile } }),
    ...(machine.keyName === undefined ? {} : { KeyName: machine.keyName }),
    ...(machine.ebsOptimized === undefined ? {} : { EbsOptimized: machine.ebsOptimized }),
    ...(tenancy === undefined || tenancy === "default"
      ? {}
      : { Placement: { Tenancy: tenancy as "dedicated" | "host" } }),
    ...(metadata === undefined ? {} : { MetadataOptions: metadataInput(metadata) }),
    ...(userData === undefined ? {} : { UserData: base64(userData) }),
    BlockDeviceMappings: [
      ...machine.devices.map(mappingOf),
      ...machine.without.map((DeviceName) => ({ DeviceName, NoDevice: "" })),
    ],
    TagSpecifications: [specification("instance", machine.tags), specification("volume", machine.volumeTags)],
  };
}

type MetadataInput = NonNullable<RunInstancesCommandInput["MetadataOptions"]>;

function metadataInput(options: NonNullable<NewMachine["metadata"]>): MetadataInput {
  const { tokens, hops, endpoint, ipv6, tags } = options;
  const given = {
    HttpTokens: tokens,
    HttpPutResponseHopLimit: hops,
    HttpEndpoint: endpoint,
    HttpProtocolIpv6: ipv6,
    InstanceMetadataTags: tags,
  };
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as MetadataInput;
}

function base64(bytes: Uint8Array): string {
  return btoa([...bytes].map((byte) => String.fromCharCode(byte)).join(""));
}

/** EC2's instance as ours. */
export function machineStateOf(found: Ec2Instance, doing: string): MachineState {
  const { InstanceId: id } = found;
  const state = found.State?.Name;
  if (id === undefined || state === undefined)
    throw unreadable(doing, `an instance lacks its id or state (${id ?? "no id"})`);
  const reason = found.StateReason?.Message;
  const publicAddress = found.PublicIpAddress;
  const privateAddress = found.PrivateIpAddress;
  return {
    id,
    state,
    ...(reason === undefined || reason === "" ? {} : { reason }),
    type: found.InstanceType ?? "",
    zone: found.Placement?.AvailabilityZone ?? "",
    rootDevice: found.RootDeviceName ?? "",
    ...(privateAddress ? { privateAddress } : {}),
    ...(publicAddress ? { publicAddress } : {}),
    tags: tagsOf(found.Tags),
    devices: (found.BlockDeviceMappings ?? []).flatMap((mapping) => {
      const device = mapping.DeviceName;
      const volume = mapping.Ebs?.VolumeId;
      return device === undefined || volume === undefined ? [] : [{ device, volume }];
    }),
  };
}

/** EC2's image as ours. */
export function imageStateOf(found: Ec2Image, doing: string): ImageState {
  const { ImageId: id } = found;
  if (id === undefined) throw unreadable(doing, "an image lacks its id");
  return {
    id,
    state: found.State ?? "",
    name: found.Name ?? "",
    rootDevice: found.RootDeviceName ?? "",
    devices: (found.BlockDeviceMappings ?? []).flatMap((mapping) => mapping.DeviceName ?? []),
    tags: tagsOf(found.Tags),
  };
}
