import type { Tags } from "../core/instance.ts";
import { copySpellings } from "./tag-spellings.ts";
import { readTags } from "./tags.ts";

/** The Regions that the tags of an instance name for copies; `unreadable` where one of these tags is faulty. */
export function copyRegions(tags: Tags): readonly string[] | "unreadable" {
  const { copy, faults } = readTags(tags);
  const faulty = faults.some(({ place }) => copySpellings.some((key) => place === `tag ${key}`));
  return faulty ? "unreadable" : (copy?.value ?? []);
}
