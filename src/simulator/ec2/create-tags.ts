import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { readTags, refuseTooMany, tagShape } from "../tags.ts";
import { operation } from "./operation.ts";
import { findTagged, retag } from "./tagged-resources.ts";

/** "Up to 1000 resource IDs." */
const maximumResources = 1_000;

/** Adds or overwrites tags, of all the resources or of none. */
export const createTags = operation({
  name: "CreateTags",
  changes: true,
  untimed: true,
  parameters: { ResourceId: ["string"], Tag: tagShape, DryRun: "boolean" },
  rate: () => ({ bucket: "CreateTags", rate: ec2Rates.tags }),
  prepare(input, { world, elapsed }) {
    const ids = checkResources(input.ResourceId);
    if (input.Tag.length === 0)
      throw new ApiError("MissingParameter", "The request must contain the parameter tagSet");
    const added = readTags(input.Tag);
    const things = ids.map((id) => findTagged(world, id, elapsed));
    for (const thing of things) refuseTooMany({ ...thing.tags, ...added });
    return {
      resource: things.length === 1 ? `resource ${things[0]?.id}` : "*",
      commit() {
        for (const thing of things) retag(world, thing, { ...thing.tags, ...added }, elapsed);
        return { return: true };
      },
    };
  },
});

/** The ids of a tagging call, each once. @throws ApiError when there are none or too many. */
export function checkResources(ids: readonly string[]): string[] {
  if (ids.length === 0)
    throw new ApiError("MissingParameter", "The request must contain the parameter resourceIdSet");
  if (ids.length > maximumResources) {
    throw new ApiError(
      "InvalidParameterValue",
      `The maximum number of resources in one request is ${maximumResources}`,
    );
  }
  return [...new Set(ids)];
}
