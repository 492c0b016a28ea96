import type { SweepInstance } from "./sweep-ports.ts";

/** A filter as EC2's Describe calls have it: values are alternatives, several filters must all hold. */
export interface Ec2Filter {
  readonly name: string;
  readonly values: readonly string[];
}

/** Names of DescribeInstances filters that can be judged by what a listing of a whole unit tells. */
const judged: Readonly<Record<string, (instance: SweepInstance) => readonly string[]>> = {
  "instance-id": ({ id }) => [id],
  "instance-state-name": ({ state }) => [state],
  "instance-lifecycle": ({ lifecycle }) => (lifecycle === undefined ? [] : [lifecycle]),
  "owner-id": ({ account }) => [account],
  "tag-key": ({ tags }) => Object.keys(tags),
  "block-device-mapping.volume-id": ({ volumes }) => volumes,
};

/** What a filter may be called, for messages. */
export const filterNames = ["tag:<key>", ...Object.keys(judged)];

export function isFilterName(name: string): boolean {
  return Object.hasOwn(judged, name) || /^tag:[\s\S]+$/.test(name);
}

/** Whether all of the filters hold, as EC2 judges: case counts, `*` and `?` are wildcards. No filter holds for nothing. */
export function passes(instance: SweepInstance, filters: readonly Ec2Filter[]): boolean {
  if (filters.length === 0) return false;
  return filters.every(({ name, values }) => {
    const found = factsOf(instance, name);
    return values.some((pattern) => found.some((text) => isLike(pattern, text)));
  });
}

function factsOf(instance: SweepInstance, name: string): readonly string[] {
  if (!name.startsWith("tag:")) return judged[name]?.(instance) ?? [];
  const key = name.slice("tag:".length);
  const value = Object.hasOwn(instance.tags, key) ? instance.tags[key] : undefined;
  return value === undefined ? [] : [value];
}

/**
 * Whether a text is like a pattern: `*` stands for any characters, `?` for one, a backslash takes the next as it is. Steps
 * back to the last `*` alone, so that no pattern takes long.
 */
export function isLike(pattern: string, text: string): boolean {
  const wanted = [...pattern.matchAll(/\\([\s\S])|([\s\S])/gu)].map(([, escaped, plain]) => ({
    any: plain === "*",
    one: plain === "?",
    is: escaped ?? plain ?? "",
  }));
  const letters = [...text];
  let at = 0;
  let seen = 0;
  let star = -1;
  let from = 0;
  while (seen < letters.length) {
    const want = wanted[at];
    if (want?.any === true) {
      star = at++;
      from = seen;
    } else if (want !== undefined && (want.one || want.is === letters[seen])) {
      at++;
      seen++;
    } else if (star >= 0) {
      at = star + 1;
      seen = ++from;
    } else return false;
  }
  while (wanted[at]?.any === true) at++;
  return at === wanted.length;
}
