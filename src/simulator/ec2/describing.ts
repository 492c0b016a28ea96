import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { type Context, faultOf } from "../context.ts";
import type { Filter } from "../filters.ts";
import { isWellFormedId } from "../ids.ts";
import { type Page, type PageRequest, pageInOrder, paginate } from "../pagination.ts";

/** What all paginated Describe calls have in common. */
export interface Listing {
  Filter: Filter[];
  MaxResults: number | undefined;
  NextToken: string | undefined;
}

/**
 * The bucket of a Describe call: the unfiltered and unpaginated ones have a smaller one.
 * Whether naming ids counts as filtering is not said; here it does not.
 */
export function describeRate(
  action: string,
): (input: Listing) => { bucket: string; rate: (typeof ec2Rates)["describe" | "unbounded"] } {
  return (input) =>
    input.Filter.length > 0 || input.MaxResults !== undefined || input.NextToken !== undefined
      ? { bucket: action, rate: ec2Rates.describe }
      : { bucket: `${action} (unbounded)`, rate: ec2Rates.unbounded };
}

/** How a Describe call treats MaxResults. */
export interface PageRules {
  minimum: number;
  maximum: number;
  /** Whether a larger value is taken for the maximum instead of refused. */
  clamps: boolean;
}

/**
 * The page size that a request asks for.
 * @throws ApiError when it is out of range or combined with ids.
 */
export function pageSize(
  input: Listing,
  ids: { name: string; values: readonly string[] },
  rules: PageRules,
): number | undefined {
  const wanted = input.MaxResults;
  if (wanted === undefined) return undefined;
  if (ids.values.length > 0) {
    const message = `The parameter ${ids.name} cannot be used with the parameter maxResults`;
    throw new ApiError("InvalidParameterCombination", message);
  }
  const expecting = (bound: string) =>
    new ApiError(
      "InvalidParameterValue",
      `Value ( ${wanted} ) for parameter maxResults is invalid. Expecting a value ${bound}.`,
    );
  if (wanted < rules.minimum) throw expecting(`greater than ${rules.minimum}`);
  if (wanted > rules.maximum && !rules.clamps) throw expecting(`less than ${rules.maximum}`);
  return Math.min(wanted, rules.maximum);
}

/** How a listing finds and orders its things. */
interface Keys<T> {
  keyOf(thing: T): string;
  age(thing: T): number;
}

/** A page of things that EC2 lists, with the faults that concern listings. `age` orders for "the newest are missing". */
export function pageOf<T>(
  action: string,
  things: readonly T[],
  input: Listing,
  maxResults: number | undefined,
  context: Context,
  keys: Keys<T>,
): Page<T> {
  const missing = faultOf(context, "partial-listing");
  const shown =
    missing === undefined
      ? things
      : [...things]
          .sort((a, b) => keys.age(a) - keys.age(b))
          .slice(0, Math.max(0, things.length - (missing.items ?? 1)));
  return paginate(shown, pageRequest(action, input, maxResults, context, keys));
}

/**
 * The same of things that are in the order of their keys, most of which need not be looked at.
 * @param view how a thing is shown; undefined: it is not.
 */
export function pageOfSorted<T>(
  action: string,
  sorted: readonly T[],
  view: (thing: T) => T | undefined,
  input: Listing,
  maxResults: number | undefined,
  context: Context,
  keys: Keys<T>,
): Page<T> {
  if (faultOf(context, "partial-listing") === undefined)
    return pageInOrder(sorted, view, pageRequest(action, input, maxResults, context, keys));
  const things = sorted.map(view).filter((thing) => thing !== undefined);
  return pageOf(action, things, input, maxResults, context, keys);
}

function pageRequest<T>(
  action: string,
  input: Listing,
  maxResults: number | undefined,
  context: Context,
  { keyOf }: Keys<T>,
): PageRequest<T> {
  const short = faultOf(context, "short-page");
  const { MaxResults: _, NextToken: __, ...fingerprint } = input as Listing & Record<string, unknown>;
  return {
    action,
    fingerprint,
    maxResults,
    nextToken: input.NextToken,
    keyOf,
    short: context.world.settings.shortPages,
    ...(short === undefined ? {} : { atMost: short.items ?? 0 }),
  };
}

const kinds = {
  snap: { malformed: "InvalidSnapshotID.Malformed", missing: "InvalidSnapshot.NotFound", word: "snapshot" },
  vol: { malformed: "InvalidVolumeID.Malformed", missing: "InvalidVolume.NotFound", word: "volume" },
  i: { malformed: "InvalidInstanceID.Malformed", missing: "InvalidInstanceID.NotFound", word: "instance ID" },
  replacevol: {
    malformed: "InvalidReplaceRootVolumeTaskId.Malformed",
    missing: "InvalidReplaceRootVolumeTaskId.NotFound",
    word: "replace root volume task",
  },
  sg: { malformed: "InvalidGroupId.Malformed", missing: "InvalidGroup.NotFound", word: "security group" },
  key: { malformed: "InvalidParameterValue", missing: "InvalidKeyPair.NotFound", word: "key pair" },
  ami: { malformed: "InvalidAMIID.Malformed", missing: "InvalidAMIID.NotFound", word: "image id" },
} as const;

/** Refuses an id that cannot be one. @throws ApiError ...Malformed */
export function checkId(prefix: keyof typeof kinds, id: string): void {
  if (!isWellFormedId(prefix, id))
    throw new ApiError(kinds[prefix].malformed, `Invalid id: "${id}" (expecting "${prefix}-...")`);
}

/** The error for an id that names nothing. */
export function notFound(prefix: keyof typeof kinds, id: string): ApiError {
  const { missing, word } = kinds[prefix];
  const verb = prefix === "ami" ? `[${id}]` : id;
  return new ApiError(
    missing,
    `The ${word} '${verb}' does not exist${prefix === "snap" || prefix === "vol" ? "." : ""}`,
  );
}

/** The things with these ids; all of them when no id is given. @throws ApiError ...Malformed or ...NotFound */
export function byIds<T>(
  prefix: keyof typeof kinds,
  ids: readonly string[],
  things: readonly T[],
  idOf: (thing: T) => string,
): T[] {
  if (ids.length === 0) return [...things];
  for (const id of ids) checkId(prefix, id);
  const index = new Map(things.map((thing) => [idOf(thing), thing]));
  return [...new Set(ids)].map((id) => {
    const thing = index.get(id);
    if (thing === undefined) throw notFound(prefix, id);
    return thing;
  });
}

/** A time as filters see it. */
export function iso(time: number): string {
  return new Date(time).toISOString();
}
