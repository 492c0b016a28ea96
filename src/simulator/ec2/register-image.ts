import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { tagSpecificationShape } from "./begin-snapshots.ts";
import { blockDeviceShape, devicesOf } from "./block-device-mapping.ts";
import { reachImage } from "./image-use.ts";
import { imageName, newImage } from "./make-image.ts";
import { operation } from "./operation.ts";
import { arnOf } from "./reach.ts";
import { tagsByKind } from "./tag-specifications.ts";

const oneOf = (name: string, given: string | undefined, known: readonly string[]): void => {
  if (given !== undefined && !known.includes(given))
    throw new ApiError("InvalidParameterValue", `Value (${given}) for parameter ${name} is invalid.`);
};

/**
 * An image of a snapshot. What is not said is i386, paravirtual and without ENA, as the reference says, and has
 * magnetic volumes, as those report who left the type out; no product codes come with a snapshot.
 */
export const registerImage = operation({
  name: "RegisterImage",
  changes: true,
  parameters: {
    Name: "string",
    Description: "string",
    Architecture: "string",
    RootDeviceName: "string",
    BlockDeviceMapping: blockDeviceShape,
    VirtualizationType: "string",
    EnaSupport: "boolean",
    SriovNetSupport: "string",
    BootMode: "string",
    TpmSupport: "string",
    ImdsSupport: "string",
    TagSpecification: tagSpecificationShape,
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "RegisterImage", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const name = imageName(context, input.Name);
    oneOf("architecture", input.Architecture, ["i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac"]);
    oneOf("virtualizationType", input.VirtualizationType, ["hvm", "paravirtual"]);
    oneOf("bootMode", input.BootMode, ["legacy-bios", "uefi", "uefi-preferred"]);
    const bare = { type: "standard", deleteOnTermination: true };
    const devices = devicesOf(context, { snapshots: {}, devices: {} }, input.BlockDeviceMapping, bare);
    const rootDeviceName = input.RootDeviceName;
    if (rootDeviceName === undefined)
      throw new ApiError("MissingParameter", "The request must contain the parameter rootDeviceName");
    if (devices.find((device) => device.name === rootDeviceName)?.snapshot === undefined) {
      const message = `No root snapshot specified in device mapping for ${rootDeviceName}`;
      throw new ApiError("InvalidBlockDeviceMapping", message);
    }
    const tags = tagsByKind(input.TagSpecification, ["image"]).image;
    return {
      needs: input.TagSpecification.length > 0 ? ["ec2:CreateTags"] : [],
      resource: arnOf(context, "image/*"),
      commit() {
        const image = newImage(context, devices, {
          name,
          description: input.Description ?? "",
          // Whether it is pending for a moment is not documented; it is available in no time here.
          state: "available",
          readyAt: null,
          rootDeviceName,
          architecture: input.Architecture ?? "i386",
          virtualization: input.VirtualizationType === "hvm" ? "hvm" : "paravirtual",
          bootMode: input.BootMode ?? null,
          enaSupport: input.EnaSupport === true,
          platform: "linux",
          productCodes: [],
          sourceInstanceId: null,
          tags,
        });
        context.world.images[image.id] = image;
        return { imageId: image.id };
      },
    };
  },
});

/** Takes an image away; its snapshots stay unless they are to go too. */
export const deregisterImage = operation({
  name: "DeregisterImage",
  changes: true,
  parameters: { ImageId: "string", DeleteAssociatedSnapshots: "boolean", DryRun: "boolean" },
  rate: () => ({ bucket: "DeregisterImage", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const image = reachImage(context, input.ImageId);
    if (image.ownerId !== context.world.settings.account)
      throw new ApiError("AuthFailure", `Not authorized for image:${image.id}`, 401);
    // "you must first disable deregistration protection"; the code is not documented.
    if (image.deregistrationProtection)
      throw new ApiError("OperationNotPermitted", `The image ${image.id} is protected from deregistration.`);
    if (input.DeleteAssociatedSnapshots === true)
      throw new ApiError("UnsupportedOperation", "DeleteAssociatedSnapshots is not simulated.");
    return {
      resource: arnOf(context, `image/${image.id}`),
      commit() {
        const { consistency } = context.world.settings;
        if (consistency > 0 && image.state !== "deregistered")
          image.ghost = { state: image.state, until: context.elapsed + consistency };
        image.state = "deregistered";
        return { return: true };
      },
    };
  },
});
