import * as z from "zod/mini";
import { imageIntervals, vssModes } from "../core/job.ts";
import { consistencies } from "../core/retention-policy.ts";
import { copy } from "./copy-schema.ts";
import { defaultSchedule } from "./defaults.ts";
import { dumps } from "./dumps-schema.ts";
import { duration, notes, oneOf, schedule, section, timezone, yesOrNo } from "./fields.ts";
import { files } from "./files-schema.ts";
import { hooks } from "./hooks-schema.ts";
import * as limits from "./limits.ts";
import { lock, prune } from "./lock-schema.ts";
import { matcher } from "./matcher.ts";
import { retention } from "./retention-schema.ts";

const maybe = z.exactOptional;

const matchers = (description: string) =>
  z.array(matcher, "a list of matchers such as - tag: Backup=no").register(notes, {
    description,
    examples: [[{ tag: "Backup=no" }, { device: "/dev/sdf" }]],
  });

const volumes = section(
  {
    root: maybe(
      yesOrNo({ description: "Whether the root volume is taken.", examples: [true], default: true }),
    ),
    include: maybe(
      matchers(
        "Only these data volumes; without it all. Naming a volume also takes one that is left out by default.",
      ),
    ),
    exclude: maybe(matchers("Never these volumes; wins over include.")),
  },
  { description: "Which volumes the job takes." },
);

/** `none` says aloud that the job takes files or dumps alone. */
const volumesOrNone = z
  .union([volumes, z.literal("none")], "none, or a mapping with any of root, include, exclude")
  .register(notes, {
    description:
      "Which volumes the job takes; none = files and dumps alone, which is also meant where a job that has some says nothing of volumes.",
    examples: ["none", { root: true, exclude: [{ tag: "Backup=no" }] }],
  });

const wait = (description: string, example: string) =>
  maybe(duration("1ms", "7d", { description, examples: [example], default: example }));

const waits = section(
  {
    request: wait("The deadline of one API request.", "30s"),
    capture: wait("The deadline of the one request that makes the snapshots.", "30s"),
    retryFor: wait(
      "How long throttled or limited captures are tried again; for at most two minutes of it also metrics that CloudWatch does not take.",
      "10m",
    ),
    retryEvery: wait(
      "The first pause before another try of a capture or of metrics; later ones grow.",
      "15s",
    ),
    reconcileFor: wait("How long a capture of unknown outcome is looked for.", "5m"),
    reconcileEvery: wait("The pause between two looks.", "2s"),
    settleFor: wait("How long --wait waits for completion.", "24h"),
    settleEvery: wait("The pause between two polls while settling.", "15s"),
  },
  { description: "The waits of one run." },
);

/** One job of the file. */
export const job = section(
  {
    schedule: maybe(
      schedule({
        description:
          "When the daemon runs the job: a cron expression or a period. Without it the job runs by hand only.",
        examples: [defaultSchedule, "every 12h"],
      }),
    ),
    timezone: maybe(
      timezone({
        description: "The zone of this job's schedule and retention.",
        examples: ["Europe/Berlin"],
      }),
    ),
    splay: maybe(
      duration("0s", "24h", {
        description: "Instances spread their runs over this time, each at its own fixed offset.",
        examples: ["90m"],
        default: "60m",
      }),
    ),
    volumes: maybe(volumesOrNone),
    files: maybe(files),
    dumps: maybe(dumps),
    retention: maybe(retention),
    shrinkDelay: maybe(
      duration(limits.shortestShrinkDelay, limits.longestShrinkDelay, {
        description: "For how long a policy that was in force still protects what it kept.",
        examples: ["7d"],
        default: "7d",
      }),
    ),
    hooks: maybe(hooks),
    consistency: maybe(
      oneOf(consistencies, {
        description: "What is demanded of a point; without it what the hooks can give on the host.",
        examples: ["application"],
      }),
    ),
    whenLess: maybe(
      oneOf(["degrade", "fail"], {
        description: "What becomes of a capture that cannot be as consistent as is demanded.",
        examples: ["degrade"],
        default: "degrade",
      }),
    ),
    missedAfter: maybe(
      duration(limits.shortestMissedAfter, limits.longestMissedAfter, {
        description:
          "How old the newest complete point may become before the alarm for missed backups rings; " +
          "without it the largest gap of the schedule and 2h.",
        examples: ["26h"],
      }),
    ),
    image: maybe(
      oneOf(imageIntervals, {
        description:
          "Makes an image (AMI) of the instance, without a reboot, in the first run of each such period; " +
          "a point of a series of its own, kept by the same rules. Without it none.",
        examples: ["monthly"],
      }),
    ),
    recordUserData: maybe(
      yesOrNo({
        description:
          "Whether the tags of a point hold the instance's user data for a new instance, as far as they have room; " +
          "it may hold secrets, and everybody who may describe snapshots can read tags.",
        examples: [false],
        default: false,
      }),
    ),
    vss: maybe(
      oneOf(vssModes, {
        description:
          "On Windows: points are made by the Volume Shadow Copy Service through AWS's own components, as a full " +
          "backup, so that other backups' chains are left alone (copy-only), or without applications (no-writers).",
        examples: ["full"],
      }),
    ),
    prune: maybe(prune),
    lock: maybe(lock),
    copy: maybe(copy),
    waits: maybe(waits),
  },
  { description: "One job: which volumes, files and dumps, when, and how long their points are kept." },
);

export type FileJob = z.infer<typeof job>;
