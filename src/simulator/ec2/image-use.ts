import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { own } from "../own.ts";
import { checkId, notFound } from "./describing.ts";
import type { Image } from "./machines.ts";

/** The image that a call names. @throws ApiError MissingParameter, ...Malformed or ...NotFound */
export function reachImage({ world, elapsed }: Context, id: string | undefined): Image {
  if (id === undefined)
    throw new ApiError("MissingParameter", "The request must contain the parameter ImageId");
  checkId("ami", id);
  const image = own(world.images, id);
  if (image === undefined || image.state === "deregistered" || image.visibleFrom > elapsed)
    throw notFound("ami", id);
  return image;
}

/** The same, and it is available. @throws ApiError InvalidAMIID.Unavailable */
export function usableImage(context: Context, id: string | undefined): Image {
  const image = reachImage(context, id);
  if (image.state === "available") return image;
  const message = `The image ID '[${image.id}]' is not available; its state is ${image.state}`;
  throw new ApiError("InvalidAMIID.Unavailable", message);
}
