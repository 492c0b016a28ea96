import type { Tags } from "../core/instance.ts";
import { readRetention } from "./retention-tag.ts";
import { retentionSpellings, spelled } from "./tag-spellings.ts";

/** What an instance's tags say of retention: nothing, rules, or what cannot be read or contradicts itself. */
export function taggedRules(tags: Tags): ReturnType<typeof rulesOf> | "unreadable" | undefined {
  const found = spelled(tags, retentionSpellings);
  if (found.length === 0) return undefined;
  const read = found.map(({ value }) => readRetention(value));
  const [first, ...others] = read;
  if (first === undefined || read.some((one) => "problem" in one)) return "unreadable";
  if (others.some((one) => JSON.stringify(one) !== JSON.stringify(first))) return "unreadable";
  return "problem" in first ? "unreadable" : rulesOf(first);
}

function rulesOf(rules: Exclude<ReturnType<typeof readRetention>, { readonly problem: string }>) {
  return rules;
}
