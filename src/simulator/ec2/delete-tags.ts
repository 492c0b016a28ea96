import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { isReserved, refuseReserved, type TagParameter, tagShape } from "../tags.ts";
import type { Tags } from "../world.ts";
import { checkResources } from "./create-tags.ts";
import { operation } from "./operation.ts";
import { findTagged, retag } from "./tagged-resources.ts";

/**
 * Takes tags away: by key, or by key and value when a value is given, an empty one included; without any tag
 * all but those of AWS.
 */
export const deleteTags = operation({
  name: "DeleteTags",
  changes: true,
  untimed: true,
  parameters: { ResourceId: ["string"], Tag: tagShape, DryRun: "boolean" },
  rate: () => ({ bucket: "DeleteTags", rate: ec2Rates.tags }),
  prepare(input, { world, elapsed }) {
    const ids = checkResources(input.ResourceId);
    if (input.Tag.length > 1_000)
      throw new ApiError("InvalidParameterValue", "The maximum number of tags in one request is 1000");
    for (const { Key: key } of input.Tag) {
      if (key === undefined)
        throw new ApiError("MissingParameter", "The request must contain the parameter Tag.1.Key");
      refuseReserved(key);
    }
    const things = ids.map((id) => findTagged(world, id, elapsed));
    return {
      resource: things.length === 1 ? `resource ${things[0]?.id}` : "*",
      commit() {
        for (const thing of things) retag(world, thing, remaining(thing.tags, input.Tag), elapsed);
        return { return: true };
      },
    };
  },
});

function remaining(tags: Tags, removed: readonly TagParameter[]): Tags {
  const stays = ([key, value]: [string, string]) =>
    isReserved(key) ||
    (removed.length > 0 &&
      !removed.some((tag) => tag.Key === key && (tag.Value === undefined || tag.Value === value)));
  return Object.fromEntries(Object.entries(tags).filter(stays));
}
