import { decodeManifest } from "./manifest.ts";
import type { PointReader } from "./point-tags.ts";
import { parsePolicy } from "./retention-policy.ts";

/** So many texts are remembered; a fleet has few policies, and a series has few recipes. */
const most = 500;

/**
 * Reads each policy and each recipe once: in a fleet thousands of points say the same, and what is the same is then one
 * object. Made for one listing and let go with it.
 */
export function readingOnce(): PointReader {
  const policy = once(parsePolicy);
  const recipe = once((text: string) => decodeManifest([text]));
  return { policy, recipe: (values) => recipe(values.length === 1 ? (values[0] ?? "") : values.join(" ")) };
}

function once<T>(read: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined || known.has(text)) return before as T;
    if (known.size >= most) known.clear();
    const value = read(text);
    known.set(text, value);
    return value;
  };
}
