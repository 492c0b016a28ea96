import { formatDuration, parseDuration } from "../core/duration.ts";
import { type CountedRule, countedRules } from "../core/retention-policy.ts";
import { quoted } from "./fault.ts";
import { longestAge, mostKept, shortestAge } from "./limits.ts";
import { durationOrNothing } from "./readable.ts";

/** What a Retention tag asks for. */
export interface RetentionRules {
  readonly counts: Readonly<Partial<Record<CountedRule, number>>>;
  readonly within?: number;
}

/** What a Retention tag can look like, for messages. */
export const retentionExamples =
  'an age such as 7, 7d, 36h or 2w, or rules such as "last=3 daily=7 weekly=4 min=2"';

/**
 * Reads the text of a Retention tag: an age (`7` = days, `7d`, `36h`, `2w`), or words such as
 * `last=3 daily=7 within=30d min=2`, split by spaces or commas. Anything else is a problem, never half
 * understood: the other half might be what keeps a point.
 */
export function readRetention(text: string): RetentionRules | { readonly problem: string } {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  if (words.length === 0) return { problem: "no rule" };
  const counts: Partial<Record<CountedRule, number>> = {};
  let within: number | undefined;
  for (const word of words) {
    const { rule, value } = ruleOf(word);
    if (rule === undefined) return { problem: `${quoted(word)} is no rule` };
    if (rule === "within" ? within !== undefined : counts[rule] !== undefined)
      return { problem: `${rule} twice` };
    const amount = rule === "within" ? readAge(value) : readCount(rule, value);
    if (typeof amount !== "number") return amount;
    if (rule === "within") within = amount;
    else counts[rule] = amount;
  }
  return within === undefined ? { counts } : { counts, within };
}

function ruleOf(word: string): { rule: CountedRule | "within" | undefined; value: string } {
  const at = word.indexOf("=");
  if (at < 0) return { rule: /^-?\d/.test(word) ? "within" : undefined, value: word };
  const name = word.slice(0, at).toLowerCase();
  const rules = ["within", ...countedRules] as const;
  const rule = name === "min" ? "minimum" : rules.find((one) => one === name);
  return { rule, value: word.slice(at + 1) };
}

function readAge(text: string): number | { problem: string } {
  const age = durationOrNothing(/^\d+$/.test(text) ? `${text}d` : text);
  if (age === undefined) return { problem: `${quoted(text)} is no age` };
  if (age >= parseDuration(shortestAge) && age <= parseDuration(longestAge)) return age;
  const read = age < parseDuration(shortestAge) ? `, read as ${formatDuration(age)},` : "";
  return { problem: `${text}${read} is not within ${shortestAge} and ${longestAge}` };
}

function readCount(rule: string, text: string): number | { problem: string } {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= mostKept) return count;
  return { problem: `${rule} must be a whole number from 1 to ${mostKept}` };
}
