import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { type Context, faultOf } from "../context.ts";
import { newId } from "../ids.ts";
import { makeInstance } from "../make-things.ts";
import { own } from "../own.ts";
import type { Decoded } from "../shapes.ts";
import type { Tags } from "../world.ts";
import { tagSpecificationShape } from "./begin-snapshots.ts";
import { beginVolume, checkRate, hiddenFor } from "./begin-volume.ts";
import { blockDeviceShape, type Device, devicesOf } from "./block-device-mapping.ts";
import { repetitionOf } from "./client-tokens.ts";
import { reservation } from "./describe-instances.ts";
import { usableImage } from "./image-use.ts";
import { begin } from "./instance-power.ts";
import { checkKey, checkLaunch, placeOf, profileOf } from "./launch-rules.ts";
import type { Image, Instance } from "./machines.ts";
import { operation } from "./operation.ts";
import { arnOf } from "./reach.ts";
import { tagsByKind } from "./tag-specifications.ts";
import { attached, type Volume } from "./volume.ts";

const parameters = {
  ImageId: "string",
  InstanceType: "string",
  MinCount: "integer",
  MaxCount: "integer",
  BlockDeviceMapping: blockDeviceShape,
  ClientToken: "string",
  DryRun: "boolean",
  DisableApiTermination: "boolean",
  EbsOptimized: "boolean",
  IamInstanceProfile: { Arn: "string", Name: "string" },
  InstanceInitiatedShutdownBehavior: "string",
  KeyName: "string",
  MetadataOptions: {
    HttpTokens: "string",
    HttpEndpoint: "string",
    HttpPutResponseHopLimit: "integer",
    HttpProtocolIpv6: "string",
    InstanceMetadataTags: "string",
  },
  Monitoring: { Enabled: "boolean" },
  Placement: { AvailabilityZone: "string", Tenancy: "string", GroupName: "string" },
  PrivateIpAddress: "string",
  SecurityGroup: ["string"],
  SecurityGroupId: ["string"],
  SubnetId: "string",
  TagSpecification: tagSpecificationShape,
  UserData: "string",
} as const;

type Input = Decoded<typeof parameters>;

/** One instance of an image. Several at once, launch templates and network interfaces are not simulated. */
export const runInstances = operation({
  name: "RunInstances",
  changes: true,
  parameters,
  rate: () => ({ bucket: "RunInstances", rate: ec2Rates.launches }),
  prepare(input, context) {
    const { world, elapsed } = context;
    const repetition = repetitionOf("RunInstances", input, context);
    const needs = [
      ...(input.TagSpecification.length > 0 ? ["ec2:CreateTags"] : []),
      ...(input.IamInstanceProfile === undefined ? [] : ["iam:PassRole"]),
    ];
    const earlier = own(world.instances, repetition.earlier?.[0] ?? "");
    if (earlier?.state === "terminated") {
      const message = `The instance ${earlier.id} of this client token was terminated.`;
      throw new ApiError("IdempotentInstanceTerminated", message);
    }
    if (earlier !== undefined) return { needs, commit: () => reservation([earlier], world) };
    const image = usableImage(context, input.ImageId);
    const place = placeOf(world, input, elapsed);
    checkKey(world, input.KeyName, elapsed);
    checkLaunch(image, input);
    const bare = { type: "gp2", deleteOnTermination: true };
    const devices = devicesOf(context, image, input.BlockDeviceMapping, bare);
    for (const { rate, snapshot } of devices) checkRate(context, rate, snapshot);
    const tags = tagsByKind(input.TagSpecification, ["instance", "volume"]);
    return {
      needs,
      resource: arnOf(context, "instance/*"),
      async commit() {
        const instance = newInstance(context, image, input, place, tags.instance);
        world.instances[instance.id] = instance;
        repetition.keep([instance.id]);
        try {
          await launch(context, instance, devices, tags.volume);
        } catch (error) {
          delete world.instances[instance.id];
          repetition.forget();
          throw error;
        }
        return reservation([instance], world);
      },
    };
  },
});

async function launch(
  context: Context,
  instance: Instance,
  devices: readonly Device[],
  tags: Tags,
): Promise<void> {
  const volumes: { volume: Volume }[] = [];
  for (const { name, deleteOnTermination, ...device } of devices) {
    const volume = await beginVolume(context, { ...device, zone: instance.zone, tags });
    // A fault of the call is the instance's; its volumes are well.
    if (faultOf(context, "partial")) volume.doomed = null;
    volume.attachments.push(
      attached({ instance: instance.id, device: name, deleteOnTermination, attachTime: context.now }),
    );
    if (name === instance.rootDeviceName) instance.rootVolumes.push(volume.id);
    volumes.push({ volume });
  }
  begin(context, instance, volumes);
}

function newInstance(
  context: Context,
  image: Image,
  input: Input,
  place: { zone: string; subnetId: string; groups: string[] },
  tags: Tags,
): Instance {
  const { world, now, elapsed } = context;
  const id = newId("i", world.settings.seed, ++world.sequence);
  const instanceType = input.InstanceType ?? "m1.small";
  return {
    ...makeInstance(world, { id, instanceType, imageId: image.id }, now),
    ...place,
    state: "pending",
    boots: 0,
    visibleFrom: elapsed + hiddenFor(context),
    role: profileOf(input.IamInstanceProfile),
    rootDeviceName: image.rootDeviceName,
    platform: image.platform,
    architecture: image.architecture,
    bootMode: image.bootMode,
    privateIp:
      input.PrivateIpAddress ??
      `10.0.${Math.floor(world.sequence / 200) % 256}.${20 + (world.sequence % 200)}`,
    keyName: input.KeyName ?? null,
    publicIp: own(world.subnets, place.subnetId)?.publicIps ? world.settings.launches.publicIp : null,
    console: world.settings.launches.console,
    userData: input.UserData ?? null,
    clientToken: input.ClientToken ?? "",
    productCodes: image.productCodes,
    ebsOptimized: input.EbsOptimized ?? true,
    disableApiTermination: input.DisableApiTermination ?? false,
    shutdownBehavior: input.InstanceInitiatedShutdownBehavior === "terminate" ? "terminate" : "stop",
    tags,
  };
}
