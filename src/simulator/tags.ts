import { ApiError } from "./api-error.ts";
import type { Tags } from "./world.ts";

/** The parameter in which tags come. */
export const tagShape = [{ Key: "string", Value: "string" }] as const;

/** A decoded tag. */
export interface TagParameter {
  Key: string | undefined;
  Value: string | undefined;
}

const maximumTags = 50;
// The user guide says 128, the API's own docstring 127: the stricter one holds here.
const maximumKey = 127;
const maximumValue = 256;

/**
 * Tags from a request, checked one by one and together.
 * @throws ApiError for a missing, reserved, too long or repeated key, a too long value, or more than 50 tags.
 */
export function readTags(given: readonly TagParameter[]): Tags {
  const tags: Tags = {};
  for (const [index, { Key: key, Value: value = "" }] of given.entries()) {
    if (key === undefined || key === "") {
      throw new ApiError("MissingParameter", `The request must contain the parameter Tag.${index + 1}.Key`);
    }
    refuseReserved(key);
    if ([...key].length > maximumKey) {
      throw new ApiError(
        "InvalidParameterValue",
        `Tag key exceeds the maximum length of ${maximumKey} characters`,
      );
    }
    if ([...value].length > maximumValue) {
      throw new ApiError(
        "InvalidParameterValue",
        `Tag value exceeds the maximum length of ${maximumValue} characters`,
      );
    }
    if (Object.hasOwn(tags, key))
      throw new ApiError("InvalidParameterValue", `Duplicate tag key '${key}' specified.`);
    tags[key] = value;
  }
  refuseTooMany(tags);
  return tags;
}

/** Refuses keys that only AWS may write. @throws ApiError */
export function refuseReserved(key: string): void {
  if (isReserved(key)) {
    throw new ApiError(
      "InvalidParameterValue",
      "Tag keys starting with 'aws:' are reserved for internal use",
    );
  }
}

/** Whether a key belongs to AWS. Such tags do not count against the limit of 50. */
export function isReserved(key: string): boolean {
  return key.toLowerCase().startsWith("aws:");
}

/** Refuses what a resource cannot hold: more than 50 tags of its user. @throws ApiError TagLimitExceeded */
export function refuseTooMany(tags: Tags): void {
  const count = Object.keys(tags).filter((key) => !isReserved(key)).length;
  if (count > maximumTags) {
    throw new ApiError(
      "TagLimitExceeded",
      `The maximum number of Tags for a resource (${maximumTags}) has been exceeded.`,
    );
  }
}

/** Tags as EC2 answers them. */
export function tagSet(tags: Tags): { key: string; value: string }[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}
