import type { Job } from "../core/job.ts";
import { countedRules, defaultRetention } from "../core/retention-policy.ts";
import { rulesBesideAge } from "./contradictions.ts";
import { defaultSplay } from "./defaults.ts";
import type { Fault } from "./fault.ts";
import type { Origins } from "./origins.ts";
import type { RetentionRules } from "./retention-tag.ts";
import type { Tagged, TagOverlay } from "./tags.ts";

/** The job with the instance's tags above it, and the tags that do not go with it. */
export function withTags(
  job: Job,
  overlay: TagOverlay,
  origins: Origins,
): { job: Job; faults: readonly Fault[] } {
  const { retention, schedule, copy } = overlay;
  const copied = copy === undefined ? job : withCopies(job, copy, origins);
  const timed = schedule === undefined ? copied : withSchedule(copied, schedule, origins);
  if (retention === undefined) return { job: timed, faults: overlay.faults };
  const unfit = unfitFor(job, retention);
  if (unfit !== undefined) return { job: timed, faults: [...overlay.faults, unfit] };
  return { job: withRetention(timed, retention, origins), faults: overlay.faults };
}

function withSchedule(job: Job, { key, value }: Tagged<string>, origins: Origins): Job {
  origins.note(["jobs", job.name, "schedule"], `tag ${key}`);
  // A job that ran by hand only had no splay; from now on it has a schedule to spread.
  const splay = job.schedule === undefined && job.splay === 0 ? defaultSplay : job.splay;
  return { ...job, schedule: value, splay };
}

/** Adds Regions: a tag takes no copy away that the file asks for. A job that takes no volumes has none to copy. */
function withCopies(job: Job, { key, value }: Tagged<readonly string[]>, origins: Origins): Job {
  const given = job.copy ?? [];
  const more = value.filter((region) => !given.some((one) => one.region === region));
  if (more.length === 0 || job.stored?.volumes === false) return job;
  more.forEach((_, index) => {
    const path = ["jobs", job.name, "copy", given.length + index];
    origins.note([...path, "region"], `tag ${key}`);
    origins.note([...path, "retention"], "built-in");
  });
  return { ...job, copy: [...given, ...more.map((region) => ({ region }))] };
}

/**
 * Replaces the rules as a whole: rules are a union, so adding to them could never shorten anything. Only
 * the floor stays where the tag names none, so that a bare age never loses it.
 */
function withRetention(job: Job, { key, value }: Tagged<RetentionRules>, origins: Origins): Job {
  const path = ["jobs", job.name, "retention"];
  const floor = job.retention.counts.minimum ?? defaultRetention.counts.minimum ?? 1;
  const counts = { minimum: floor, ...value.counts };
  for (const rule of countedRules) {
    if (value.counts[rule] !== undefined) origins.note([...path, rule], `tag ${key}`);
    else if (rule !== "minimum") origins.drop([...path, rule]);
    else if (job.retention.counts.minimum === undefined) origins.note([...path, rule], "built-in");
  }
  const { within: _replaced, ...rest } = job.retention;
  origins.note(path, `tag ${key}`);
  if (value.within === undefined) {
    origins.drop([...path, "within"]);
    return { ...job, retention: { ...rest, counts } };
  }
  origins.note([...path, "within"], `tag ${key}`);
  return { ...job, retention: { ...rest, counts, within: value.within } };
}

function unfitFor(job: Job, { key, value }: Tagged<RetentionRules>): Fault | undefined {
  if (job.dialect !== "seed2") return undefined;
  const beside = rulesBesideAge(value.counts);
  if (beside.length === 0 && value.within !== undefined) return undefined;
  const found = beside.length > 0 ? `the rule ${beside.join(", ")}` : "no age";
  const expected = "an age, with min=N or without, because tags.dialect is seed2";
  return { place: `tag ${key}`, path: "", expected, found };
}
