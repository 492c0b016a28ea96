import {
  CreateImageCommand,
  DeregisterImageCommand,
  DescribeImageAttributeCommand,
  type Image as Ec2Image,
  type Filter,
} from "@aws-sdk/client-ec2";
import type { FoundImage } from "../core/image-ports.ts";
import { inGroups } from "../core/in-groups.ts";
import type { Tags } from "../core/instance.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { call, tagsOf } from "./discover.ts";
import { awsFailureOfUnrepeatable } from "./failure.ts";
import { maxFilterValues } from "./filter-values.ts";
import { listed } from "./listed-tags.ts";
import { ownImages } from "./own-images.ts";
import { unreadable } from "./pages.ts";
import { rehearsed } from "./rehearsed.ts";
import { literal } from "./snapshots.ts";

/** One CreateImage request. */
export interface ImageRequest {
  readonly instanceId: string;
  readonly name: string;
  readonly description: string;
  /** Of the image and of each snapshot. */
  readonly tags: Tags;
  /** Devices that the image is not to have. */
  readonly without: readonly string[];
}

/**
 * Sends CreateImage once, with a hard deadline, and never so that the instance is rebooted. A failure of kind
 * `unknown-outcome` may have made the image; every other kind has not.
 */
export async function createImage(
  connection: Connection,
  request: ImageRequest,
  deadline: number,
): Promise<string> {
  const doing = `make an image of ${request.instanceId}`;
  const command = createCommand(request);
  // Telling the run to stop must not leave the outcome unknown.
  const unstoppable = new AbortController().signal;
  try {
    const answer = await withDeadline(deadline, unstoppable, doing, (abortSignal) =>
      connection.ec2.send(command, { abortSignal, requestTimeout: deadline }),
    );
    if (answer.ImageId === undefined) throw unreadable(doing, "the answer names no image");
    return answer.ImageId;
  } catch (error) {
    throw awsFailureOfUnrepeatable(error, doing);
  }
}

/** Asks EC2 whether it would allow such a request; makes nothing. A refusal is thrown as what it is. */
export async function rehearseImage(
  connection: Connection,
  request: ImageRequest,
  deadline: number,
  signal: AbortSignal,
): Promise<void> {
  const doing = `rehearse an image of ${request.instanceId}`;
  await rehearsed(doing, () =>
    withDeadline(deadline, signal, doing, (abortSignal) =>
      connection.ec2.send(createCommand(request, true), { abortSignal, requestTimeout: deadline }),
    ),
  );
}

function createCommand({ instanceId, name, description, tags, without }: ImageRequest, rehearsal = false) {
  const Tags = listed(tags);
  return new CreateImageCommand({
    ...(rehearsal ? { DryRun: true } : {}),
    InstanceId: instanceId,
    Name: name,
    Description: description,
    // Never anything else: EC2 reboots the instance for a word that is left out here.
    NoReboot: true,
    ...(without.length === 0
      ? {}
      : { BlockDeviceMappings: without.map((DeviceName) => ({ DeviceName, NoDevice: "" })) }),
    TagSpecifications: [
      { ResourceType: "image", Tags },
      { ResourceType: "snapshot", Tags },
    ],
  });
}

/** Own images that carry the tag, and the other tag with whatever value where one is given. */
export async function imagesTagged(
  connection: Connection,
  key: string,
  values: readonly string[],
  alsoTagged: string,
  signal: AbortSignal,
): Promise<FoundImage[]> {
  const found: FoundImage[] = [];
  for (const some of inGroups(values, maxFilterValues - 1)) {
    const Values = some.map(literal);
    const filters = [
      { Name: `tag:${key}`, Values },
      { Name: "tag-key", Values: [literal(alsoTagged)] },
    ];
    const images = await imagesOf(connection, filters, signal);
    // Not left to the filter alone: what is found may be deregistered.
    found.push(...images.filter(({ tags }) => values.includes(tags[key] ?? "") && alsoTagged in tags));
  }
  return found;
}

export async function imagesNamed(
  connection: Connection,
  name: string,
  signal: AbortSignal,
): Promise<FoundImage[]> {
  const images = await imagesOf(connection, [{ Name: "name", Values: [literal(name)] }], signal);
  return images.filter((image) => image.name === name);
}

/** Own images whose devices are made of one of the snapshots. */
export async function imagesOn(
  connection: Connection,
  snapshotIds: readonly string[],
  signal: AbortSignal,
): Promise<FoundImage[]> {
  const found = new Map<string, FoundImage>();
  for (const Values of inGroups(snapshotIds, maxFilterValues)) {
    const images = await imagesOf(connection, [{ Name: "block-device-mapping.snapshot-id", Values }], signal);
    for (const image of images) found.set(image.id, image);
  }
  return [...found.values()];
}

async function imagesOf(
  connection: Connection,
  Filters: Filter[],
  signal: AbortSignal,
): Promise<FoundImage[]> {
  const doing = "look for images";
  const images: FoundImage[] = [];
  for await (const image of ownImages(connection, doing, Filters, signal)) images.push(foundOf(image, doing));
  return images.filter(({ state }) => state !== "deregistered");
}

function foundOf(image: Ec2Image, doing: string): FoundImage {
  const { ImageId: id } = image;
  if (id === undefined) throw unreadable(doing, "an image lacks its id");
  const reason = image.StateReason?.Message;
  const source = image.SourceInstanceId;
  const protection = image.DeregistrationProtection;
  const created = Date.parse(image.CreationDate ?? "");
  return {
    id,
    name: image.Name ?? "",
    state: image.State ?? "",
    ...(reason === undefined || reason === "" ? {} : { reason }),
    created: new Date(Number.isNaN(created) ? 0 : created),
    ...(source === undefined || source === "" ? {} : { source }),
    ...(protection === undefined || protection === "" || protection === "disabled" ? {} : { protection }),
    public: image.Public === true,
    snapshots: (image.BlockDeviceMappings ?? []).flatMap((one) => one.Ebs?.SnapshotId ?? []),
    tags: tagsOf(image.Tags),
  };
}

/** How many accounts, organizations and groups may launch it beside its owner. */
export async function sharesOf(connection: Connection, id: string, signal: AbortSignal): Promise<number> {
  const command = new DescribeImageAttributeCommand({ ImageId: id, Attribute: "launchPermission" });
  const answer = await call(connection, `look whom ${id} is shared with`, signal, (abortSignal) =>
    connection.ec2.send(command, { abortSignal }),
  );
  return (answer.LaunchPermissions ?? []).length;
}

/** Takes an image away and leaves its snapshots. What is gone already is a failure of kind `not-found`. */
export async function deregisterImage(connection: Connection, id: string): Promise<void> {
  await call(connection, `deregister ${id}`, new AbortController().signal, (abortSignal) =>
    connection.ec2.send(new DeregisterImageCommand({ ImageId: id }), { abortSignal }),
  );
}
