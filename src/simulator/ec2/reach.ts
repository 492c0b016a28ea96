import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { own } from "../own.ts";
import { checkId, notFound } from "./describing.ts";
import type { Instance } from "./machines.ts";
import type { Volume } from "./volume.ts";

type Seen = Pick<Context, "world" | "elapsed">;

/** What is not too new to be seen. */
export function seen<T extends { visibleFrom: number }>(
  things: Readonly<Record<string, T>>,
  elapsed: number,
): T[] {
  return Object.values(things).filter((thing) => thing.visibleFrom <= elapsed);
}

/** The volume that a call names. @throws ApiError MissingParameter, ...Malformed or ...NotFound */
export function reachVolume({ world, elapsed }: Seen, id: string | undefined): Volume {
  if (id === undefined)
    throw new ApiError("MissingParameter", "The request must contain the parameter volume");
  checkId("vol", id);
  const volume = own(world.volumes, id);
  if (volume === undefined || volume.visibleFrom > elapsed) throw notFound("vol", id);
  return volume;
}

/** The instance that a call names. @throws ApiError MissingParameter, ...Malformed or ...NotFound */
export function reachInstance({ world, elapsed }: Seen, id: string | undefined): Instance {
  if (id === undefined)
    throw new ApiError("MissingParameter", "The request must contain the parameter instanceId");
  checkId("i", id);
  const instance = own(world.instances, id);
  if (instance === undefined || instance.visibleFrom > elapsed) throw notFound("i", id);
  return instance;
}

/** The ARN of something of the account and its Region. */
export function arnOf({ world }: Pick<Context, "world">, resource: string): string {
  const { partition, region, account } = world.settings;
  return `arn:${partition}:ec2:${region}:${account}:${resource}`;
}
