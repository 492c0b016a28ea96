import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { newId } from "../ids.ts";
import { hiddenFor } from "./begin-volume.ts";
import type { Device } from "./block-device-mapping.ts";
import type { Image } from "./machines.ts";

/** An image that begins to be, of these devices. */
export function newImage(
  context: Context,
  devices: readonly Device[],
  rest: Omit<
    Image,
    | "id"
    | "ownerId"
    | "visibleFrom"
    | "creationTime"
    | "snapshots"
    | "devices"
    | "sriovNetSupport"
    | "stateReason"
    | "sharedWith"
    | "deregistrationProtection"
    | "ghost"
  >,
): Image {
  const { world, now, elapsed } = context;
  const told = devices.map(({ name, snapshot: _, rate: __, ...device }) => [name, device] as const);
  const snapshots = devices.flatMap(({ name, snapshot }) =>
    snapshot === undefined ? [] : [[name, snapshot.id] as const],
  );
  return {
    ...rest,
    id: newId("ami", world.settings.seed, ++world.sequence),
    ownerId: world.settings.account,
    visibleFrom: elapsed + hiddenFor(context),
    creationTime: now,
    sriovNetSupport: null,
    stateReason: rest.state === "failed" ? "The image could not be made" : null,
    sharedWith: [],
    deregistrationProtection: false,
    ghost: null,
    snapshots: Object.fromEntries(snapshots),
    devices: Object.fromEntries(told),
  };
}

/** The name of a new image. @throws ApiError when it is missing, not of the right form, or taken */
export function imageName({ world }: Context, name: string | undefined): string {
  if (name === undefined)
    throw new ApiError("MissingParameter", "The request must contain the parameter name");
  // "3-128 alphanumeric characters, parentheses, square brackets, spaces, periods, slashes, dashes, single quotes, at-signs, or underscores"
  if (!/^[A-Za-z0-9()[\] ./\-'@_]{3,128}$/.test(name)) {
    const message =
      "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'";
    throw new ApiError("InvalidAMIName.Malformed", message);
  }
  const taken = Object.values(world.images).find(
    (image) =>
      image.name === name && image.ownerId === world.settings.account && image.state !== "deregistered",
  );
  if (taken !== undefined) {
    const message = `AMI name ${name} is already in use by AMI ${taken.id}`;
    throw new ApiError("InvalidAMIName.Duplicate", message);
  }
  return name;
}
