import { formatDuration, parseDuration } from "./duration.ts";
import { isTimeZone } from "./zone.ts";

/** How a recovery point was held still when it was captured; later in the list is better. */
export const consistencies = ["crash", "filesystem", "application"] as const;
export type Consistency = (typeof consistencies)[number];

/** The counting rules, each keeping that many periods; the order is that of the tables we print. */
export const countedRules = ["last", "hourly", "daily", "weekly", "monthly", "yearly", "minimum"] as const;
export type CountedRule = (typeof countedRules)[number];

/**
 * How long the points of a series are kept. A point is kept if any rule keeps it; a policy without
 * rules keeps everything.
 */
export interface RetentionPolicy {
  /** Keep this many newest points or periods. */
  readonly counts: Readonly<Partial<Record<CountedRule, number>>>;
  /** Keep every point younger than this many milliseconds. */
  readonly within?: number;
  /** The IANA time zone whose hours, days, weeks, months and years are meant. */
  readonly timezone: string;
  /** The consistency that the job demands; lesser points never use up a slot of a better one. */
  readonly demanded: Consistency;
  /** Milliseconds for which a policy recorded on a point still protects what it keeps. */
  readonly shrinkDelay: number;
}

const day = 86_400_000;

/** What is kept where nobody says otherwise: seven days, and never fewer than three points. */
export const defaultRetention: RetentionPolicy = {
  counts: { minimum: 3 },
  within: 7 * day,
  timezone: "UTC",
  demanded: "crash",
  shrinkDelay: 7 * day,
};

/** True if no rule is set; such a policy keeps everything. */
export function keepsAll(policy: RetentionPolicy): boolean {
  return policy.within === undefined && Object.values(policy.counts).every((count) => count === undefined);
}

/**
 * The whole policy as words that EC2 tags allow, such as
 * `within=7d minimum=3 zone=Europe/Berlin demanded=crash delay=7d`.
 */
export function formatPolicy(policy: RetentionPolicy): string {
  const words = rulesOf(policy);
  words.push(
    `zone=${policy.timezone}`,
    `demanded=${policy.demanded}`,
    `delay=${formatDuration(policy.shrinkDelay)}`,
  );
  return words.join(" ");
}

/** The policy for people: "within 7d, minimum 3 (Europe/Berlin)"; "everything" for an empty one. */
export function describePolicy(policy: RetentionPolicy): string {
  const rules = rulesOf(policy).map((word) => word.replace("=", " "));
  return `${rules.length === 0 ? "everything" : rules.join(", ")} (${policy.timezone})`;
}

/** The rules as words such as `daily=7`. */
export function rulesOf(policy: RetentionPolicy): string[] {
  const words: string[] = [];
  for (const rule of countedRules) {
    const count = policy.counts[rule];
    if (count !== undefined) words.push(`${rule}=${count}`);
  }
  if (policy.within !== undefined) words.push(`within=${formatDuration(policy.within)}`);
  return words;
}

/**
 * Reads what {@link formatPolicy} wrote. Returns `undefined` for text that is not wholly understood:
 * a policy that is half understood could remove what the other half keeps.
 */
export function parsePolicy(text: string): RetentionPolicy | undefined {
  const counts: Partial<Record<CountedRule, number>> = {};
  let {
    within,
    timezone,
    demanded,
    shrinkDelay,
  }: { -readonly [K in keyof RetentionPolicy]?: RetentionPolicy[K] } = {};
  for (const word of text.split(" ").filter((part) => part !== "")) {
    const [key = "", value = ""] = split(word);
    const rule = countedRules.find((name) => name === key);
    if (rule !== undefined && /^\d{1,9}$/.test(value)) counts[rule] = Number(value);
    else if (key === "within") within = durationOrNothing(value);
    else if (key === "zone" && isTimeZone(value)) timezone = value;
    else if (key === "demanded") demanded = consistencies.find((name) => name === value);
    else if (key === "delay") shrinkDelay = durationOrNothing(value);
    else return undefined;
  }
  if (timezone === undefined || demanded === undefined || shrinkDelay === undefined) return undefined;
  if (within === undefined && / ?within=/.test(text)) return undefined;
  return { counts, timezone, demanded, shrinkDelay, ...(within === undefined ? {} : { within }) };
}

function split(word: string): [string, string] {
  const at = word.indexOf("=");
  return at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
}

function durationOrNothing(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}
