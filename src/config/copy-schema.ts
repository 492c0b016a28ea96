import * as z from "zod/mini";
import { regionName } from "../core/region-name.ts";
import { duration, notes, section, text } from "./fields.ts";
import { retention } from "./retention-schema.ts";

const maybe = z.exactOptional;
const quarter = 15 * 60_000;

/** An id, an alias or an ARN of a KMS key, as CopySnapshot takes it. */
export const keyName =
  /^(alias\/[\w/-]{1,250}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}|arn:[\w-]+:kms:[\w-]+:\d{12}:(key|alias)\/[\w/-]{1,250})$/;

export const copyTarget = section(
  {
    region: text(regionName, "a Region such as eu-west-1", {
      description: "The Region that points are copied to; another than that of the instance.",
      examples: ["eu-west-1"],
    }),
    kmsKeyId: maybe(
      text(keyName, "the id, alias or ARN of a KMS key in that Region", {
        description:
          "The key that copies are encrypted with; without it the Region's key for EBS, where the source is encrypted or that Region encrypts all.",
        examples: ["alias/backup"],
      }),
    ),
    retention: maybe(retention),
    completeWithin: maybe(
      duration("15m", "48h", {
        description:
          "In which time EC2 promises to complete a copy, in steps of 15m, at a price (time-based copies); without it when it comes to it.",
        examples: ["4h"],
      }),
    ),
  },
  { description: "A Region that the job's points are copied to." },
);

/** Where a job's points are copied to. */
export const copy = z.array(copyTarget, "a list of targets such as - region: eu-west-1").register(notes, {
  description:
    "Other Regions that complete points are copied to, each with its own retention (without one that of the job).",
  examples: [[{ region: "eu-west-1" }]],
});

export type FileCopy = z.infer<typeof copy>;

type Context = z.core.$RefinementCtx;
type Found = Readonly<Record<string, unknown>>;

/** Faults of copies that only show beside other values. The file may have other faults at the same time. */
export function copyContradictions(file: unknown, context: Context): void {
  for (const [name, written] of Object.entries(mapping(mapping(file)["jobs"]))) {
    const job = mapping(written);
    const targets = Array.isArray(job["copy"]) ? job["copy"].map(mapping) : [];
    const path = ["jobs", name, "copy"];
    if (targets.length > 0 && takesNoVolumes(job))
      report(context, path, "volumes beside it, since files and dumps lie in repositories", "no volumes");
    targetFaults(targets, path, context);
  }
}

/** The same of targets that a sweep copies to. */
export function sweepCopyContradictions(sweep: unknown, context: Context): void {
  const targets = mapping(sweep)["copy"];
  if (Array.isArray(targets)) targetFaults(targets.map(mapping), ["copy"], context);
}

function targetFaults(targets: readonly Found[], path: (string | number)[], context: Context): void {
  for (const [index, one] of targets.entries()) {
    const earlier = targets.slice(0, index).some(({ region }) => region === one["region"]);
    if (earlier && typeof one["region"] === "string")
      report(context, [...path, index, "region"], "each Region once", one["region"]);
    keys(one, [...path, index, "kmsKeyId"], context);
    const within = one["completeWithin"];
    if (typeof within === "number" && within % quarter !== 0)
      report(context, [...path, index, "completeWithin"], "a multiple of 15m", "another time");
  }
}

function takesNoVolumes({ volumes, files, dumps }: Found): boolean {
  if (volumes !== undefined) return volumes === "none";
  return files !== undefined || (Array.isArray(dumps) && dumps.length > 0);
}

/** A key is of one Region, and its ARN tells of which. */
function keys({ region, kmsKeyId }: Found, path: (string | number)[], context: Context): void {
  if (typeof kmsKeyId !== "string" || typeof region !== "string") return;
  const [, , , of] = kmsKeyId.startsWith("arn:") ? kmsKeyId.split(":") : [];
  if (of !== undefined && of !== region) report(context, path, `a key of ${region}`, `one of ${of}`);
}

function report(context: Context, path: (string | number)[], message: string, found: string): void {
  context.addIssue({ code: "custom", path, message, params: { found } });
}

function mapping(value: unknown): Found {
  return typeof value === "object" && value !== null ? (value as Found) : {};
}
