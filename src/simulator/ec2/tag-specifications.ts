import { ApiError } from "../api-error.ts";
import { readTags, type TagParameter } from "../tags.ts";
import type { Tags } from "../world.ts";

/**
 * The tags that a creating call gives to the kinds of things that it makes; none for a kind that is not named.
 * @throws ApiError for another kind, one named twice, or one without tags.
 */
export function tagsByKind<Kind extends string>(
  specifications: readonly { ResourceType: string | undefined; Tag: TagParameter[] }[],
  kinds: readonly Kind[],
): Record<Kind, Tags> {
  const found = Object.fromEntries(kinds.map((kind) => [kind, {}])) as Record<Kind, Tags>;
  const named = new Set<string>();
  for (const { ResourceType: given = "", Tag: tags } of specifications) {
    const kind = kinds.find((each) => each === given);
    if (kind === undefined) {
      const message = `'${given}' is not a valid taggable resource type for this operation.`;
      throw new ApiError("InvalidParameterValue", message);
    }
    if (named.has(given)) {
      const message = `Tag specification resource type '${given}' is specified more than once.`;
      throw new ApiError("InvalidParameterValue", message);
    }
    if (tags.length === 0)
      throw new ApiError("InvalidParameterValue", "Tag specification must have at least one tag");
    named.add(given);
    found[kind] = readTags(tags);
  }
  return found;
}
