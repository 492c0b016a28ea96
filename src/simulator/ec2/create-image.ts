import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { type Context, faultOf } from "../context.ts";
import { own } from "../own.ts";
import { beginSnapshots, tagSpecificationShape } from "./begin-snapshots.ts";
import { blockDeviceShape, type Device, devicesOf } from "./block-device-mapping.ts";
import { attachedVolumes } from "./describe-instances.ts";
import type { Instance } from "./machines.ts";
import { imageName, newImage } from "./make-image.ts";
import { operation } from "./operation.ts";
import { arnOf, reachInstance } from "./reach.ts";
import { tagsByKind } from "./tag-specifications.ts";

/** An image of an instance and snapshots of its volumes; the instance is rebooted unless that is forbidden. */
export const createImage = operation({
  name: "CreateImage",
  changes: true,
  parameters: {
    InstanceId: "string",
    Name: "string",
    Description: "string",
    NoReboot: "boolean",
    BlockDeviceMapping: blockDeviceShape,
    BootModeOverride: "string",
    TagSpecification: tagSpecificationShape,
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "CreateImage", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const instance = reachInstance(context, input.InstanceId);
    const name = imageName(context, input.Name);
    if (instance.state !== "running" && instance.state !== "stopped") {
      const message = `The instance '${instance.id}' is not in a state from which an image can be created.`;
      throw new ApiError("IncorrectState", message);
    }
    const attached = attachedVolumes(context.world, instance.id).filter(
      ({ attachment }) => attachment.state === "attached",
    );
    const bare = { type: "gp2", deleteOnTermination: true };
    // Names that the call leaves out with NoDevice; the rest it may change.
    const asked = devicesOf(
      context,
      { snapshots: {}, devices: devicesNow(attached) },
      input.BlockDeviceMapping,
      bare,
    );
    if (!asked.some(({ name: device }) => device === instance.rootDeviceName))
      throw new ApiError("InvalidBlockDeviceMapping", "The root device cannot be left out of an image.");
    const members = attached.filter(({ attachment }) => asked.some(({ name }) => name === attachment.device));
    const tags = tagsByKind(input.TagSpecification, ["image", "snapshot"]);
    return {
      needs: ["ec2:CreateSnapshots", ...(input.TagSpecification.length > 0 ? ["ec2:CreateTags"] : [])],
      resource: arnOf(context, `instance/${instance.id}`),
      async commit() {
        const image = imageOf(context, instance, asked, { name, description: input.Description ?? "" });
        image.tags = tags.image;
        image.bootMode = input.BootModeOverride ?? image.bootMode;
        const told = `Created by CreateImage(${instance.id}) for ${image.id}`;
        const wanted = members.map(({ volume }) => ({ volume, tags: tags.snapshot }));
        const snapshots = await beginSnapshots(context, wanted, told);
        // They are begun after the call has been answered; how long after is not documented.
        for (const snapshot of snapshots) snapshot.visibleFrom += context.world.settings.times.imageSnapshots;
        for (const [index, { attachment }] of members.entries())
          image.snapshots[attachment.device] = snapshots[index]?.id ?? "";
        context.world.images[image.id] = image;
        const { now, world } = context;
        if (input.NoReboot !== true && instance.state === "running")
          instance.rebootsAt = now + world.settings.times.reboot;
        return { imageId: image.id };
      },
    };
  },
});

function devicesNow(
  attached: ReturnType<typeof attachedVolumes>,
): Record<string, Omit<Device, "name" | "snapshot" | "rate">> {
  const entries = attached.map(({ volume, attachment }) => {
    const { size, type, iops, throughput, encrypted, kmsKeyId } = volume;
    const { deleteOnTermination } = attachment;
    return [
      attachment.device,
      { size, type, iops, throughput, encrypted, kmsKeyId, deleteOnTermination },
    ] as const;
  });
  return Object.fromEntries(entries);
}

function imageOf(
  context: Context,
  instance: Instance,
  devices: readonly Device[],
  named: { name: string; description: string },
) {
  const { world, now } = context;
  const source = own(world.images, instance.imageId);
  return newImage(context, devices, {
    ...named,
    state: faultOf(context, "partial") ? "failed" : "pending",
    readyAt: now + world.settings.times.image,
    rootDeviceName: instance.rootDeviceName,
    architecture: instance.architecture,
    virtualization: "hvm",
    bootMode: instance.bootMode,
    enaSupport: source?.enaSupport ?? true,
    platform: instance.platform,
    // Billing goes with the image of an instance, unlike with one registered from a snapshot.
    productCodes: instance.productCodes,
    sourceInstanceId: instance.id,
    tags: {},
  });
}
