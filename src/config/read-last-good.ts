import * as z from "zod/mini";
import { parseDuration } from "../core/duration.ts";
import { imageIntervals, type Job, vssModes, type Waits } from "../core/job.ts";
import { lockModes, longestCoolOff } from "../core/lock.ts";
import { syslogProtocols } from "../core/log-sinks.ts";
import { type MetricName, metricOutputs, metricTable } from "../core/metrics.ts";
import { isPingUrl } from "../core/ping-address.ts";
import { regionName } from "../core/region-name.ts";
import { type CountedRule, consistencies, countedRules } from "../core/retention-policy.ts";
import { type Facility, facilities } from "../core/syslog-priority.ts";
import { isTimeZone } from "../core/zone.ts";
import { addedTags } from "./added-tags.ts";
import { hasNoImage, rulesBesideAge, takesNothing } from "./contradictions.ts";
import { keyName } from "./copy-schema.ts";
import { defaultSettings, defaultWaits, dialects, dimensions, logFormats, logLevels } from "./defaults.ts";
import { hookRecords } from "./hook-records.ts";
import type { LastGood } from "./last-good.ts";
import * as limits from "./limits.ts";
import { matcher } from "./matcher.ts";
import { emfEndpoint, logGroup, noticeOccasions, topicArn } from "./outputs.ts";
import { scheduleTrouble } from "./readable.ts";
import { hostName } from "./repositories-schema.ts";
import { stateDirectory } from "./schema.ts";
import { repositories, stored } from "./stored-records.ts";

/**
 * Reads what `toLastGood` made. The state file may be old, damaged or changed by hand, so it is judged
 * as strictly as the configuration file: anything doubtful gives nothing.
 */
export function fromLastGood(kept: unknown): LastGood | undefined {
  const parsed = record.safeParse(kept);
  if (!parsed.success) return undefined;
  const { asOf, jobs, settings } = parsed.data;
  return { asOf: new Date(asOf), jobs: jobs as readonly Job[], settings };
}

const maybe = z.exactOptional;
const milliseconds = z.int().check(z.gte(0));
const between = (min: string, max: string) =>
  z.int().check(z.gte(parseDuration(min)), z.lte(parseDuration(max)));
const zone = z.string().check(z.refine((name) => isTimeZone(name)));
const count = maybe(z.int().check(z.gte(1), z.lte(limits.mostKept)));

/** One schema for each of the names; a name that is added to the type is then kept without a word here. */
function each<Name extends string, Schema extends z.core.$ZodType>(names: readonly Name[], schema: Schema) {
  return Object.fromEntries(names.map((name) => [name, schema])) as Record<Name, Schema>;
}

const retention = z.strictObject({
  counts: z.strictObject(each<CountedRule, typeof count>(countedRules, count)),
  within: maybe(between(limits.shortestAge, limits.longestAge)),
  timezone: zone,
  demanded: z.enum(consistencies),
  shrinkDelay: between(limits.shortestShrinkDelay, limits.longestShrinkDelay),
});

const volumes = z.strictObject({
  root: z.boolean(),
  include: maybe(z.array(matcher)),
  exclude: z.array(matcher),
});

const job = z
  .strictObject({
    name: z.string().check(z.regex(limits.jobName)),
    schedule: maybe(z.string().check(z.refine((text) => scheduleTrouble(text) === undefined))),
    timezone: zone,
    splay: milliseconds,
    missedAfter: maybe(between(limits.shortestMissedAfter, limits.longestMissedAfter)),
    volumes,
    stored: maybe(stored),
    retention,
    hooks: hookRecords,
    consistency: maybe(z.enum(consistencies)),
    whenLess: z.enum(["degrade", "fail"]),
    addTags: addedTags,
    dialect: z.enum(dialects),
    image: maybe(z.enum(imageIntervals)),
    recordUserData: maybe(z.boolean()),
    vss: maybe(z.enum(vssModes)),
    prune: maybe(z.literal("elsewhere")),
    lock: maybe(
      z.strictObject({
        mode: z.enum(lockModes),
        days: z.int().check(z.gte(1)),
        coolOff: maybe(z.int().check(z.gte(1), z.lte(longestCoolOff))),
      }),
    ),
    copy: maybe(
      z
        .array(
          z.strictObject({
            region: z.string().check(z.regex(regionName)),
            kmsKeyId: maybe(z.string().check(z.regex(keyName))),
            retention: maybe(retention),
            completeWithin: maybe(z.int().check(z.multipleOf(15), z.gte(15), z.lte(2_880))),
          }),
        )
        .check(
          z.minLength(1),
          z.refine((targets) => new Set(targets.map(({ region }) => region)).size === targets.length),
        ),
    ),
    waits: z.strictObject(each(Object.keys(defaultWaits) as (keyof Waits)[], between("0s", "7d"))),
  })
  .check(
    // A job that stores things may take no volumes.
    z.refine(({ volumes, stored: kept }) => takesNothing(volumes) === (kept?.volumes === false)),
    z.refine(({ image, volumes }) => image === undefined || !hasNoImage(volumes)),
    z.refine(({ dialect, retention }) => dialect !== "seed2" || agesOnly(retention)),
  );

function agesOnly({ counts, within }: { counts: Record<string, unknown>; within?: number }): boolean {
  return within !== undefined && rulesBesideAge(counts).length === 0;
}

const atLeastOne = z.int().check(z.gte(1));

/** A record of an earlier release says nothing of sinks. */
const log = z.strictObject({
  level: z.enum(logLevels),
  format: z.enum(logFormats),
  flushWithin: z._default(milliseconds, defaultSettings.log.flushWithin),
  eventLog: z._default(z.boolean(), defaultSettings.log.eventLog),
  file: maybe(z.strictObject({ path: z.string(), maxSize: atLeastOne, maxFiles: atLeastOne })),
  syslog: maybe(
    z.strictObject({
      protocol: z.enum(syslogProtocols),
      host: z.string(),
      port: atLeastOne,
      socket: z.string(),
      facility: z.enum(Object.keys(facilities) as [Facility, ...Facility[]]),
      appName: z.string(),
      queue: atLeastOne,
    }),
  ),
});

const outputs = z.strictObject({
  output: maybe(z.union([z.enum(metricOutputs), z.array(z.enum(metricOutputs))])),
  only: maybe(z.array(z.enum(Object.keys(metricTable) as [MetricName, ...MetricName[]]))),
  perVolume: maybe(z.boolean()),
  emf: maybe(
    z.strictObject({
      endpoint: maybe(z.string().check(z.regex(emfEndpoint))),
      file: maybe(stateDirectory),
      logGroup: maybe(z.string().check(z.regex(logGroup))),
    }),
  ),
  prometheus: maybe(z.strictObject({ directory: maybe(stateDirectory) })),
});

const notify = z.strictObject({
  topic: maybe(z.string().check(z.regex(topicArn))),
  on: maybe(z.enum(noticeOccasions)),
  ping: maybe(
    z.strictObject({
      url: maybe(z.string().check(z.refine(isPingUrl))),
      urlFile: maybe(stateDirectory),
      timeout: maybe(between("100ms", "60s")),
    }),
  ),
});

const settings = z.strictObject({
  metrics: z.strictObject({
    namespace: z.string().check(z.minLength(1), z.maxLength(255)),
    dimensions: z.array(z.enum(dimensions)).check(z.minLength(1)),
    enabled: z.boolean(),
  }),
  log,
  outputs: maybe(outputs),
  notify: maybe(notify),
  host: maybe(z.strictObject({ name: z.string().check(z.regex(hostName)) })),
  repositories: maybe(repositories),
  timezone: maybe(zone),
  stateDirectory: maybe(stateDirectory),
  daemon: z.strictObject({ bootDelay: milliseconds, stopWithin: milliseconds }),
});

const record = z.strictObject({
  version: z.literal(1),
  asOf: z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)))),
  jobs: z.array(job).check(
    z.minLength(1),
    z.refine((jobs) => new Set(jobs.map(({ name }) => name)).size === jobs.length),
  ),
  settings,
});
