import type { Tags } from "../core/instance.ts";
import { literal } from "./snapshots.ts";

/** EC2's filter for a tag, whatever its value where none is given. */
export function tagFilter(key: string, value: string | undefined): { Name: string; Values: string[] } {
  return value === undefined
    ? { Name: "tag-key", Values: [literal(key)] }
    : { Name: `tag:${key}`, Values: [literal(value)] };
}

/** The same asked of tags: what is removed, detached or terminated is not left to a filter alone. */
export function hasTag(tags: Tags, key: string, value: string | undefined): boolean {
  return Object.hasOwn(tags, key) && (value === undefined || tags[key] === value);
}
