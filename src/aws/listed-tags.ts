import type { Tags } from "../core/instance.ts";

/** Tags in the words of AWS's requests. */
export function listed(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
