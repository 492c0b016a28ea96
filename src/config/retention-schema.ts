import * as z from "zod/mini";
import { defaultRetention } from "../core/retention-policy.ts";
import { count, duration, section } from "./fields.ts";
import * as limits from "./limits.ts";

const maybe = z.exactOptional;

const keep = (what: string, example: number) =>
  maybe(count({ description: `Keep ${what}.`, examples: [example] }));

/** The rules of retention. */
export const retention = section(
  {
    last: keep("this many newest points", 3),
    hourly: keep("the best point of each of this many hours", 24),
    daily: keep("the best point of each of this many days", 7),
    weekly: keep("the best point of each of this many weeks", 4),
    monthly: keep("the best point of each of this many months", 12),
    yearly: keep("the best point of each of this many years", 2),
    within: maybe(
      duration(limits.shortestAge, limits.longestAge, {
        description: "Keep every point younger than this.",
        examples: ["30d"],
      }),
    ),
    minimum: keep("at least this many newest points, whatever the other rules say", 3),
  },
  {
    description:
      "How long points are kept: a point is kept if any rule keeps it. An empty mapping keeps everything; " +
      `without the key: within 7d, minimum ${defaultRetention.counts.minimum}.`,
  },
);

export type FileRetention = z.infer<typeof retention>;
