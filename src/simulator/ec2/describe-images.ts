import { ApiError } from "../api-error.ts";
import { applyFilters, type Fields, filterShape } from "../filters.ts";
import { tagSet } from "../tags.ts";
import type { Image, World } from "../world.ts";
import type { XmlValue } from "../xml.ts";
import { byIds, describeRate, iso, pageOf, pageSize } from "./describing.ts";
import { operation } from "./operation.ts";

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
    const registered = Object.values(world.images).filter(
      (image) =>
        image.state === "available" || (image.state === "disabled" && input.IncludeDisabled === true),
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
    architecture: "x86_64",
    imageType: "machine",
    name: image.name,
    rootDeviceType: "ebs",
    rootDeviceName: image.rootDeviceName,
    blockDeviceMapping: Object.entries(image.snapshots).map(([device, id]) => ({
      deviceName: device,
      ebs: {
        snapshotId: id,
        volumeSize: world.snapshots[id]?.volumeSize ?? 8,
        deleteOnTermination: device === image.rootDeviceName,
        volumeType: "gp3",
        encrypted: world.snapshots[id]?.encrypted ?? false,
      },
    })),
    virtualizationType: "hvm",
    hypervisor: "xen",
    enaSupport: true,
    platformDetails: "Linux/UNIX",
    tagSet: tagSet(image.tags),
  };
}

const fieldsIn = (world: World): Fields<Image> => ({
  architecture: () => ["x86_64"],
  "block-device-mapping.device-name": (image) => Object.keys(image.snapshots),
  "block-device-mapping.snapshot-id": (image) => Object.values(image.snapshots),
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
  state: (image) => [image.state],
});
