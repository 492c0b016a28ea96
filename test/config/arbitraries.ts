import fc from "fast-check";
import * as spellings from "../../src/config/tag-spellings.ts";

const ages = ["7", "7d", "36h", "2w", "0", "-7", "6m", "99999999", "1y", ""];
const rules = [
  "last=3",
  "daily=7",
  "weekly=4 min=2",
  "within=30d",
  "minimum=1",
  "yearly=0",
  "daily=x",
  "min=2 min=3",
];
const words = [
  "yes",
  "no",
  " OFF ",
  "maybe",
  "0 2 * * *",
  "every 12h",
  "every 1s",
  "@daily",
  "* * * * * *",
  "$(id)",
];

const key = fc.oneof(
  fc.constantFrom(
    ...spellings.backupSpellings,
    ...spellings.retentionSpellings,
    ...spellings.scheduleSpellings,
    ...spellings.copySpellings,
  ),
  fc.constantFrom("Name", "BackUp", "shrinkDelay", "waits", "__proto__", "constructor", "jobs.default.splay"),
  fc.string({ unit: "binary", maxLength: 127 }),
);
const value = fc.oneof(
  fc.constantFrom(...ages, ...rules, ...words),
  fc.string({ unit: "binary", maxLength: 256 }),
);

/** Tags as EC2 could give them, often such as we read, sensible or not. */
export const someTags = fc.dictionary(key, value, { maxKeys: 8 });

const duration = (min: number, max: number) => fc.integer({ min, max }).map((hours) => `${hours}h`);
const count = fc.integer({ min: 1, max: 100_000 });
const matcher = fc.oneof(
  fc.constantFrom({ tag: "Backup" }, { tag: "Backup=yes" }, { device: "/dev/sdf" }, { device: "xvdba" }),
  fc.stringMatching(/^vol-[0-9a-f]{17}$/).map((id) => ({ id })),
);
const optional = { requiredKeys: [] };

const job = fc.record(
  {
    schedule: fc.constantFrom("0 2 * * *", "every 12h", "@daily"),
    timezone: fc.constantFrom("Europe/Berlin", "UTC", "America/New_York"),
    splay: duration(0, 24),
    volumes: fc.record(
      { root: fc.constant(true), include: fc.array(matcher), exclude: fc.array(matcher) },
      optional,
    ),
    retention: fc.record(
      { last: count, hourly: count, daily: count, weekly: count, within: duration(1, 9000), minimum: count },
      optional,
    ),
    shrinkDelay: duration(24, 8760),
    copy: fc.uniqueArray(
      fc.record(
        {
          region: fc.constantFrom("eu-west-1", "us-gov-west-1", "eusc-de-east-1"),
          kmsKeyId: fc.constantFrom("alias/backup", "01234567-89ab-cdef-0123-456789abcdef"),
          retention: fc.record({ daily: count, within: duration(1, 9000) }, optional),
          completeWithin: duration(1, 48),
        },
        { requiredKeys: ["region"] },
      ),
      { selector: ({ region }) => region, maxLength: 3 },
    ),
    waits: fc.record({ request: duration(1, 168), settleFor: duration(1, 168) }, optional),
  },
  optional,
);
const name = fc.oneof(fc.constant("default"), fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/));

/** The plain value of a good configuration file. */
export const someConfig = fc.record(
  {
    version: fc.constant(1),
    timezone: fc.constantFrom("Asia/Tokyo", "UTC"),
    jobs: fc.dictionary(name, job, { minKeys: 1, maxKeys: 3 }),
    tags: fc.record(
      { add: fc.dictionary(fc.stringMatching(/^[A-Z][a-z. ]{0,20}$/), fc.string(), { maxKeys: 3 }) },
      optional,
    ),
    metrics: fc.record(
      {
        namespace: fc.constantFrom("EC2Backup", "Organization/Backup"),
        enabled: fc.boolean(),
        dimensions: fc.subarray(["Server", "Job", "Drive"], { minLength: 1 }),
        only: fc.subarray(["ElapsedTime", "Size", "Errors"], { minLength: 1 }),
        perVolume: fc.boolean(),
        output: fc.oneof(
          fc.constantFrom("cloudwatch", "emf"),
          fc.subarray(["cloudwatch", "prometheus"], { minLength: 1 }),
        ),
      },
      optional,
    ),
    notify: fc.record(
      {
        topic: fc.constant("arn:aws-us-gov:sns:us-gov-west-1:123456789012:backups"),
        on: fc.constantFrom("failure", "always"),
        ping: fc.oneof(
          fc.record({ url: fc.constant("https://hc-ping.com/{job}"), timeout: fc.constant("5s") }),
          fc.record({ urlFile: fc.constant("/etc/ec2-backup/ping-url") }),
        ),
      },
      optional,
    ),
    log: fc.record({ level: fc.constantFrom("error", "debug") }, optional),
    stateDirectory: fc.constantFrom("/var/lib/ec2-backup", "C:\\ProgramData\\ec2-backup"),
    daemon: fc.record({ bootDelay: duration(0, 24) }, optional),
  },
  { requiredKeys: ["version"] },
);
