import { ApiError } from "../api-error.ts";
import { applyFilters, type Fields, filterShape } from "../filters.ts";
import { tagSet } from "../tags.ts";
import type { World } from "../world.ts";
import type { XmlValue } from "../xml.ts";
import { billingOf } from "./describe-instances.ts";
import { byIds, describeRate, iso, pageOf, pageSize } from "./describing.ts";
import type { Image } from "./machines.ts";
import { operation } from "./operation.ts";
import { seen } from "./reach.ts";

/** Registered images; disabled ones only when asked for, deregistered ones never. */
export const describeImages = operation({
  name: "DescribeImages",
  changes: false,
  parameters: {
    ImageId: ["string"],
    Owner: ["string"],
    ExecutableBy: ["string"],
    IncludeDeprecated: "boolean",
    IncludeDisabled: "boolean",
    Filter: filterShape,
    MaxResults: "integer",
    NextToken: "string",
    DryRun: "boolean",
  },
  rate: describeRate("DescribeImages"),
  prepare(input, context) {
    const { world } = context;
    const ids = { name: "imageId", values: input.ImageId };
    const maxResults = pageSize(input, ids, { minimum: 1, maximum: 1_000, clamps: false });
    const registered = seen(world.images, context.elapsed)
      .map((image) => asSeen(image, context.elapsed))
      .filter(
        ({ state }) => state !== "deregistered" && (state !== "disabled" || input.IncludeDisabled === true),
      );
    const named = byIds("ami", input.ImageId, registered, (image) => image.id);
    const owned = named.filter((image) => isOwnedBy(image, input.Owner, world));
    const found = applyFilters(owned, input.Filter, fieldsIn(world));
    return {
      commit() {
        const keys = { keyOf: (each: Image) => each.id, age: (each: Image) => each.creationTime };
        const page = pageOf("DescribeImages", found, input, maxResults, context, keys);
        return {
          imagesSet: page.things.map((image) => describedImage(image, world)),
          nextToken: page.nextToken,
        };
      },
    };
  },
});

/** What was deregistered a moment ago may still be shown as it was. */
function asSeen(image: Image, elapsed: number): Image {
  const { ghost } = image;
  return ghost === null || ghost.until <= elapsed ? image : { ...image, state: ghost.state };
}

/**
 * The snapshots that the mappings name. When those of an image that is being made of an instance get their ids is
 * not documented; here not before it is done.
 */
function shownSnapshots({ state, sourceInstanceId, snapshots }: Image): Record<string, string> {
  return state === "pending" && sourceInstanceId !== null ? {} : snapshots;
}

const aliases = ["self", "amazon", "aws-marketplace", "aws-backup-vault"];

function isOwnedBy(image: Image, owners: readonly string[], world: World): boolean {
  if (owners.length === 0) return true;
  return owners.some((owner) => {
    if (!aliases.includes(owner) && !/^\d{12}$/.test(owner)) {
      throw new ApiError("InvalidUserID.Malformed", `Invalid user id: "${owner}"`);
    }
    return image.ownerId === (owner === "self" ? world.settings.account : owner);
  });
}

function describedImage(image: Image, world: World): XmlValue {
  return {
    imageId: image.id,
    imageLocation: `${image.ownerId}/${image.name}`,
    imageState: image.state,
    imageOwnerId: image.ownerId,
    creationDate: iso(image.creationTime),
    isPublic: false,
    architecture: image.architecture,
    imageType: "machine",
    name: image.name,
    rootDeviceType: "ebs",
    rootDeviceName: image.rootDeviceName,
    ...(image.description === "" ? {} : { description: image.description }),
    ...(image.bootMode === null ? {} : { bootMode: image.bootMode }),
    ...(image.stateReason === null
      ? {}
      : { stateReason: { code: "Client.InternalError", message: image.stateReason } }),
    deregistrationProtection: image.deregistrationProtection ? "enabled-without-cooldown" : "disabled",
    ...(image.sourceInstanceId === null ? {} : { sourceInstanceId: image.sourceInstanceId }),
    ...(image.platform === "windows" ? { platform: "windows" } : {}),
    productCodes: image.productCodes.map((code) => ({ productCode: code, type: "marketplace" })),
    blockDeviceMapping: Object.entries(image.snapshots).map(([device, id]) => {
      const told = image.devices[device];
      const shown = shownSnapshots(image)[device];
      return {
        deviceName: device,
        ebs: {
          ...(shown === undefined ? {} : { snapshotId: shown }),
          volumeSize: told?.size ?? world.snapshots[id]?.volumeSize ?? 8,
          deleteOnTermination: told?.deleteOnTermination ?? device === image.rootDeviceName,
          volumeType: told?.type ?? "gp3",
          ...(told?.iops ? { iops: told.iops } : {}),
          ...(told?.throughput ? { throughput: told.throughput } : {}),
          encrypted: world.snapshots[id]?.encrypted ?? false,
        },
      };
    }),
    virtualizationType: image.virtualization,
    hypervisor: "xen",
    enaSupport: image.enaSupport,
    ...billingOf(image),
    tagSet: tagSet(image.tags),
  };
}

const fieldsIn = (world: World): Fields<Image> => ({
  architecture: (image) => [image.architecture],
  "block-device-mapping.device-name": (image) => Object.keys(image.snapshots),
  "block-device-mapping.snapshot-id": (image) => Object.values(shownSnapshots(image)),
  "block-device-mapping.volume-size": (image) =>
    Object.values(image.snapshots).map((id) => String(world.snapshots[id]?.volumeSize ?? 8)),
  "creation-date": (image) => [iso(image.creationTime)],
  "image-id": (image) => [image.id],
  "image-type": () => ["machine"],
  "is-public": () => ["false"],
  name: (image) => [image.name],
  "owner-id": (image) => [image.ownerId],
  "root-device-name": (image) => [image.rootDeviceName],
  "root-device-type": () => ["ebs"],
  "source-instance-id": (image) => (image.sourceInstanceId === null ? [] : [image.sourceInstanceId]),
  state: (image) => [image.state],
});
