import { describe, expect, it } from "vitest";
import { defaultSchedule, defaultSettings, defaultWaits } from "../../src/config/defaults.ts";
import { formatFault } from "../../src/config/fault.ts";
import { resolve } from "../../src/config/resolve.ts";
import { defaultRetention } from "../../src/core/retention-policy.ts";
import { fileOf } from "./file-of.ts";

const hour = 3_600_000;
const day = 24 * hour;

const file = fileOf(`version: 1
timezone: Europe/Berlin
jobs:
  default:
    schedule: "0 4 * * *"
    retention: { daily: 14, minimum: 5 }
log: { level: warn }
`);

describe("without file and tags", () => {
  it("nothing is protected, and the job that could be is the built-in one", () => {
    const { protection, jobs, settings, faults, warnings } = resolve({ tags: { Name: "web" } });
    expect(protection).toBe("unconfigured");
    expect(jobs).toEqual([
      {
        name: "default",
        schedule: defaultSchedule,
        timezone: "UTC",
        splay: 1.5 * hour,
        volumes: { root: true, exclude: [] },
        retention: defaultRetention,
        addTags: {},
        hooks: [],
        whenLess: "degrade",
        dialect: "none",
        waits: defaultWaits,
      },
    ]);
    expect(settings).toEqual(defaultSettings);
    expect([faults, warnings]).toEqual([[], []]);
  });

  it("--all protects all volumes none the less", () => {
    const { protection, jobs, origins } = resolve({ tags: {}, flags: { all: true } });
    expect(protection).toBe("configured");
    expect(jobs).toMatchObject([{ name: "default", volumes: { root: true, exclude: [] } }]);
    expect(origins.protection).toBe("flag --all");
  });

  it("the built-in waits are those of the design", () => {
    expect(defaultWaits).toEqual({
      request: 30_000,
      capture: 30_000,
      retryFor: 600_000,
      retryEvery: 15_000,
      reconcileFor: 300_000,
      reconcileEvery: 2_000,
      settleFor: 86_400_000,
      settleEvery: 15_000,
    });
  });
});

describe("a Backup tag", () => {
  it("alone protects the instance, every night for a week", () => {
    const { protection, jobs, origins } = resolve({ tags: { Backup: "yes" } });
    expect(protection).toBe("configured");
    expect(jobs).toMatchObject([
      { schedule: defaultSchedule, retention: { within: 7 * day, counts: { minimum: 3 } } },
    ]);
    expect(origins.protection).toBe("tag Backup=yes");
  });

  it("of no leaves the instance out, also against the file, and is shown", () => {
    const { protection, jobs, origins } = resolve({ file, tags: { Backup: "no" } });
    expect(protection).toBe("left-out");
    expect(origins.protection).toBe("tag Backup=no");
    expect(jobs).toHaveLength(1);
  });

  it("of no yields to --all, with a warning", () => {
    const { protection, warnings } = resolve({ tags: { backup: "Off" }, flags: { all: true } });
    expect(protection).toBe("configured");
    expect(warnings).toEqual(["the tag backup=Off is overruled by --all"]);
  });
});

describe("precedence", () => {
  const at = (input: Parameters<typeof resolve>[0]) => {
    const { jobs, settings, origins } = resolve(input);
    const [job] = jobs;
    return { job, settings, origins };
  };

  it.each([
    ["built-in", { tags: {} }, defaultSchedule, "built-in"],
    ["file", { file, tags: {} }, "0 4 * * *", "config.yaml:5"],
    ["tag", { file, tags: { Schedule: "every 12h" } }, "every 12h", "tag Schedule"],
  ])("of the schedule: %s", (_name, input, schedule, origin) => {
    const { job, origins } = at(input);
    expect([job?.schedule, origins["jobs.default.schedule"]]).toEqual([schedule, origin]);
  });

  it.each([
    ["built-in", { tags: {} }, 1.5 * hour, "built-in"],
    ["flag", { file, tags: {}, flags: { splay: 0 } }, 0, "flag --splay"],
  ])("of the splay: %s", (_name, input, splay, origin) => {
    const { job, origins } = at(input);
    expect([job?.splay, origins["jobs.default.splay"]]).toEqual([splay, origin]);
  });

  it.each([
    ["built-in", { tags: {} }, "info", "built-in"],
    ["file", { file, tags: {} }, "warn", "config.yaml:7"],
    ["flag", { file, tags: {}, flags: { logLevel: "debug" as const } }, "debug", "flag --log-level"],
  ])("of the log level: %s", (_name, input, level, origin) => {
    const { settings, origins } = at(input);
    expect([settings.log.level, origins["log.level"]]).toEqual([level, origin]);
  });

  it.each([
    ["built-in", "version: 1\njobs: { default: {} }\n", "UTC", "built-in"],
    [
      "the whole file",
      "version: 1\ntimezone: Asia/Tokyo\njobs: { default: {} }\n",
      "Asia/Tokyo",
      "config.yaml:2",
    ],
    [
      "the job",
      "version: 1\ntimezone: Asia/Tokyo\njobs:\n  default:\n    timezone: Asia/Seoul\n",
      "Asia/Seoul",
      "config.yaml:5",
    ],
  ])("of the time zone: %s", (_name, text, timezone, origin) => {
    const { job, origins } = at({ file: fileOf(text), tags: {} });
    expect(job).toMatchObject({ timezone, retention: { timezone } });
    expect(origins["jobs.default.timezone"]).toBe(origin);
  });

  it("of retention: a tag replaces the rules of the file, but for the floor it does not name", () => {
    const { job, origins } = at({ file, tags: { Retention: "7" } });
    expect(job?.retention).toMatchObject({ counts: { minimum: 5 }, within: 7 * day });
    expect(job?.retention.counts).not.toHaveProperty("daily");
    expect(origins).toMatchObject({
      "jobs.default.retention.minimum": "config.yaml:6",
      "jobs.default.retention.within": "tag Retention",
    });
    expect(origins).not.toHaveProperty(["jobs.default.retention.daily"]);
  });

  it("of retention: a bare age keeps the built-in floor, and a tag may name another", () => {
    expect(at({ tags: { Backup: "yes", Retention: "30" } }).job?.retention.counts).toEqual({ minimum: 3 });
    expect(at({ tags: { Backup: "yes", Retention: "daily=7 min=2" } }).job?.retention).toEqual({
      counts: { daily: 7, minimum: 2 },
      timezone: "UTC",
      demanded: "crash",
      shrinkDelay: 7 * day,
    });
  });
});

describe("a faulty tag", () => {
  it("leaves what lies below it in force and is listed", () => {
    const tags = { Retention: "0", Schedule: "never" };
    const { jobs, faults } = resolve({ file, tags });
    expect(jobs).toEqual(resolve({ file, tags: {} }).jobs);
    expect(faults.map(({ place }) => place)).toEqual(["tag Retention", "tag Schedule"]);
  });

  it("is also one that asks of the dialect seed2 what it cannot say", () => {
    const aged = fileOf("version: 1\ntags: { dialect: seed2 }\njobs: { default: {} }\n");
    expect(resolve({ file: aged, tags: { Retention: "30" } }).faults).toEqual([]);
    expect(resolve({ file: aged, tags: { Retention: "daily=7" } }).faults.map(formatFault)).toEqual([
      "tag Retention: expected an age, with min=N or without, because tags.dialect is seed2, found the rule daily",
    ]);
    expect(resolve({ file: aged, tags: { Retention: "min=4" } }).faults.map(({ found }) => found)).toEqual([
      "no age",
    ]);
  });
});
