import * as z from "zod/mini";
import { addedTags } from "./added-tags.ts";
import { alarmContradictions, alarms } from "./alarms-schema.ts";
import { contradictions } from "./contradictions.ts";
import { copyContradictions } from "./copy-schema.ts";
import { dialects, dimensions } from "./defaults.ts";
import { drills } from "./drill-schema.ts";
import { duration, notes, oneOf, section, text, timezone, yesOrNo } from "./fields.ts";
import { job } from "./job-schema.ts";
import * as limits from "./limits.ts";
import { lockContradictions } from "./lock-schema.ts";
import { log } from "./log-schema.ts";
import { metricContradictions, metricOutputFields, notify, sharedPing } from "./outputs-schema.ts";
import { host, repositories } from "./repositories-schema.ts";

import { storeContradictions } from "./store-contradictions.ts";
import type { FileSweep } from "./sweep-schema.ts";
import type { FileTermination } from "./termination-schema.ts";

/** The one version of the file that this release reads. */
export const fileVersion = 1;

const maybe = z.exactOptional;

const jobs = z
  .record(
    z
      .string()
      .check(z.regex(limits.jobName, "a job name of up to 63 lower-case letters, digits and hyphens")),
    job,
    "a mapping from job names to jobs",
  )
  .check(z.refine((named) => Object.keys(named).length > 0, "at least one job"))
  .register(notes, {
    minProperties: 1,
    description: "The jobs by name. Without the key the instance's tags govern one job called default.",
  });

const tags = section(
  {
    add: maybe(addedTags),
    dialect: maybe(
      oneOf(dialects, {
        description:
          "Marks of another tool's dialect to write beside our own tags; seed2 needs age-only retention.",
        examples: ["none"],
        default: "none",
      }),
    ),
  },
  { description: "Tags of the snapshots beside our own." },
);

const metrics = section(
  {
    namespace: maybe(
      text(
        /^(?!AWS\/)(?!:)(?=.*\S)[\w.\-/#: ]{1,255}$/i,
        "a CloudWatch namespace such as EC2Backup, not AWS/...",
        {
          description: "The CloudWatch namespace of the metrics.",
          examples: ["EC2Backup"],
          default: "EC2Backup",
        },
      ),
    ),
    dimensions: maybe(
      z
        .array(
          oneOf(dimensions, { description: "One dimension.", examples: ["Server"] }),
          "a list of Server, Job, Drive",
        )
        .check(
          z.minLength(1, "at least one of Server, Job, Drive"),
          z.refine((list) => new Set(list).size === list.length, "each dimension once"),
        )
        .register(notes, {
          description:
            "The dimensions of the metrics; each combination costs money. With Drive each metric is one of each volume.",
          examples: [["Server", "Job"]],
          default: ["Server", "Job"],
        }),
    ),
    enabled: maybe(
      yesOrNo({ description: "Whether metrics are published.", examples: [true], default: true }),
    ),
    ...metricOutputFields,
  },
  { description: "Metrics." },
).check(metricContradictions);

/** Absolute on Unix or on Windows: files are also checked on another machine than the one they are for. */
export const stateDirectory = text(/^(?:\/|[A-Za-z]:[\\/]).{0,4096}$/, "an absolute path", {
  description: "Where reports, the last good configuration and locks are kept.",
  examples: ["/var/lib/ec2-backup"],
});

const daemon = section(
  {
    bootDelay: maybe(
      duration("0s", "24h", {
        description: "How long after boot the daemon waits before it catches up.",
        examples: ["10m"],
        default: "10m",
      }),
    ),
    stopWithin: maybe(
      duration("1s", "24h", {
        description: "How long a stopping daemon lets a run go on.",
        examples: ["5m"],
        default: "5m",
      }),
    ),
  },
  { description: "The daemon." },
);

/**
 * The file with these keys beside its own: shape, limits and documentation in one. Defaults that are not here are in
 * defaults.ts.
 */
export const schemaWith = <More extends z.core.$ZodLooseShape>(more: More) =>
  section(
    {
      version: z.literal(fileVersion, String(fileVersion)).register(notes, {
        description: "The version of this file's format.",
        examples: [fileVersion],
      }),
      timezone: maybe(
        timezone({
          description: "The zone of schedules and retention.",
          examples: ["Europe/Berlin"],
          default: "UTC",
        }),
      ),
      host: maybe(host),
      repositories: maybe(repositories),
      jobs: maybe(jobs),
      tags: maybe(tags),
      metrics: maybe(metrics),
      notify: maybe(notify),
      alarms: maybe(alarms),
      drill: maybe(drills),
      ...more,
      log: maybe(log),
      stateDirectory: maybe(stateDirectory),
      daemon: maybe(daemon),
    },
    { description: "The configuration of ec2-backup." },
  ).check(
    z.superRefine(contradictions, { when: () => true }),
    z.superRefine(lockContradictions, { when: () => true }),
    z.superRefine(copyContradictions, { when: () => true }),
    z.superRefine(alarmContradictions, { when: () => true }),
    z.superRefine(storeContradictions, { when: () => true }),
    sharedPing,
  );

/** The file of a host that only backs itself up: what sweeps and last runs go by is a tenth of all, and no run reads it. */
export const leanSchema = schemaWith({});

/** A file that was found good; durations are in milliseconds. */
export type FileConfig = z.infer<typeof leanSchema> & {
  readonly sweep?: FileSweep;
  readonly termination?: FileTermination;
};
