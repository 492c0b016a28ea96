import { ApiError } from "./api-error.ts";
import { own } from "./own.ts";
import { matchesPattern } from "./wildcards.ts";
import type { Tags } from "./world.ts";

/** The parameter of every Describe call that filters. */
export const filterShape = [{ Name: "string", Value: ["string"] }] as const;

/** A decoded filter. */
export interface Filter {
  Name: string | undefined;
  Value: string[];
}

/** For each filter name, the values that a thing has under it. */
export type Fields<T> = Readonly<Record<string, (thing: T) => readonly string[]>>;

const maximumValues = 200;

/**
 * The things that match every filter, a filter being matched by any of its values.
 * @throws ApiError for an unknown filter, one without values, or more than 200 values in the call.
 */
export function applyFilters<T extends { tags: Tags }>(
  things: readonly T[],
  filters: readonly Filter[],
  fields: Fields<T>,
): T[] {
  const passes = filterOf(filters, fields);
  return things.filter(passes);
}

/** The same for one thing at a time. @throws ApiError */
export function filterOf<T extends { tags: Tags }>(
  filters: readonly Filter[],
  fields: Fields<T>,
): (thing: T) => boolean {
  checkFilters(filters, fields);
  return (thing) => filters.every((filter) => matches(thing, filter, fields));
}

/** The values of the filter with that name where each stands for itself alone; undefined where it is not asked for so. */
export function plainValues(filters: readonly Filter[], name: string): readonly string[] | undefined {
  const found = filters.find((filter) => filter.Name === name);
  return found?.Value.some((value) => /[*?\\]/.test(value)) ? undefined : found?.Value;
}

function checkFilters<T>(filters: readonly Filter[], fields: Fields<T>): void {
  for (const [index, { Name: name, Value: values }] of filters.entries()) {
    if (name === undefined) {
      throw new ApiError(
        "MissingParameter",
        `The request must contain the parameter Filter.${index + 1}.Name`,
      );
    }
    const known =
      own(fields, name) !== undefined || name === "tag-key" || (name.startsWith("tag:") && name.length > 4);
    if (!known) throw new ApiError("InvalidParameterValue", `The filter '${name}' is invalid`);
    // That a filter needs a value is in the API reference ("if you specify a filter with no values..."); the code is not.
    if (values.length === 0)
      throw new ApiError("InvalidParameterValue", `The filter '${name}' has no values`);
  }
  const count = filters.reduce((sum, filter) => sum + filter.Value.length, 0);
  if (count > maximumValues) {
    const message = `The maximum number of filter values specified on a single call is ${maximumValues}`;
    throw new ApiError("FilterLimitExceeded", message);
  }
}

function matches<T extends { tags: Tags }>(
  thing: T,
  { Name: name = "", Value: patterns }: Filter,
  fields: Fields<T>,
): boolean {
  const values = valuesOf(thing, name, fields);
  return values.some((value) => patterns.some((pattern) => matchesPattern(pattern, value)));
}

function valuesOf<T extends { tags: Tags }>(thing: T, name: string, fields: Fields<T>): readonly string[] {
  if (name === "tag-key") return Object.keys(thing.tags);
  const field = own(fields, name);
  if (field !== undefined) return field(thing);
  const value = own(thing.tags, name.slice("tag:".length));
  return value === undefined ? [] : [value];
}
