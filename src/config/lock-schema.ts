import * as z from "zod/mini";
import { lockModes, longestCoolOff, promisedDays } from "../core/lock.ts";
import { defaultRetention } from "../core/retention-policy.ts";
import { defaultSchedule, defaultTimezone } from "./defaults.ts";
import { duration, oneOf, section, whole, yesOrNo } from "./fields.ts";

const maybe = z.exactOptional;

/** Who removes the points that retention gives up. */
const prunes = ["here", "elsewhere"] as const;

export const prune = oneOf(prunes, {
  description:
    "Who removes what retention gives up: here, each run; elsewhere, whoever runs ec2-backup prune with a role that " +
    "may, so that the role of the instance need not be able to delete.",
  examples: ["elsewhere"],
  default: "here",
});

/** How the snapshots of a job's points are locked against deletion. */
export const lock = section(
  {
    days: whole(1, 3_650, {
      description:
        "For how many days a snapshot is locked, from when it is complete; no longer than retention keeps it for sure.",
      examples: [14],
    }),
    mode: maybe(
      oneOf(lockModes, {
        description: "governance: who may unlock can take it off; compliance: nobody can.",
        examples: ["governance"],
        default: "governance",
      }),
    ),
    irrevocable: maybe(
      yesOrNo({
        description:
          "The second word that mode compliance asks for: nobody can take such a lock off, AWS neither, and the snapshots are paid for until it ends.",
        examples: [true],
      }),
    ),
    coolOff: maybe(
      duration("1h", `${longestCoolOff}h`, {
        description: "In mode compliance: whole hours in which the lock can still be taken off.",
        examples: ["24h"],
        default: `${longestCoolOff}h`,
      }),
    ),
  },
  { description: "Locks the snapshots of each point right after its capture (EBS snapshot lock)." },
);

export type FileLock = z.infer<typeof lock>;

type Context = z.core.$RefinementCtx;
type Found = Readonly<Record<string, unknown>>;

/** Faults of locks that only show beside other values. The file may have other faults at the same time. */
export function lockContradictions(file: unknown, context: Context): void {
  for (const [name, written] of Object.entries(mapping(mapping(file)["jobs"]))) {
    const job = mapping(written);
    if (job["lock"] === undefined) continue;
    const path = ["jobs", name, "lock"];
    modes(mapping(job["lock"]), path, context);
    durations(name, job, mapping(file)["timezone"], path, context);
  }
}

function modes({ mode, irrevocable, coolOff }: Found, path: string[], context: Context): void {
  const compliance = mode === "compliance";
  if (compliance && irrevocable !== true)
    report(
      context,
      [...path, "mode"],
      "governance, or beside compliance irrevocable: true, since nobody can take such a lock off",
      irrevocable === undefined ? "compliance alone" : "compliance with irrevocable: false",
    );
  if (!compliance && irrevocable === true)
    report(context, [...path, "irrevocable"], "mode: compliance beside it", "mode: governance");
  if (!compliance && coolOff !== undefined)
    report(context, [...path, "coolOff"], "mode: compliance beside it", "mode: governance");
  if (typeof coolOff === "number" && coolOff % 3_600_000 !== 0)
    report(context, [...path, "coolOff"], "whole hours", "a part of an hour");
}

function durations(name: string, job: Found, zone: unknown, path: string[], context: Context): void {
  const { days } = mapping(job["lock"]);
  const kept = keptDays(name, job, zone);
  if (typeof days !== "number" || kept === undefined || days <= kept) return;
  const key = `jobs.${name}.retention`;
  report(
    context,
    [...path, "days"],
    `at most ${kept}, the days for which ${key} keeps a point for sure (within: ${days}d promises ${days})`,
    String(days),
  );
}

/** Undefined where what decides on it is faulty itself. */
function keptDays(name: string, job: Found, zone: unknown): number | undefined {
  const given = job["retention"] === undefined ? undefined : mapping(job["retention"]);
  const { within, ...counts } = given ?? {};
  const schedule = job["schedule"] ?? (name === "default" ? defaultSchedule : undefined);
  const timezone = job["timezone"] ?? zone ?? defaultTimezone;
  const sound =
    (within === undefined || typeof within === "number") &&
    Object.values(counts).every((count) => typeof count === "number");
  if (!sound || typeof timezone !== "string") return undefined;
  const rules =
    given === undefined ? defaultRetention : { counts, ...(within === undefined ? {} : { within }) };
  try {
    const plain = schedule === undefined ? {} : { schedule: String(schedule) };
    return promisedDays({ retention: rules, timezone, ...plain });
  } catch {
    return undefined;
  }
}

function report(context: Context, path: string[], message: string, found: string): void {
  context.addIssue({ code: "custom", path, message, params: { found } });
}

function mapping(value: unknown): Found {
  return typeof value === "object" && value !== null ? (value as Found) : {};
}
