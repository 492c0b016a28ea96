import { describe, expect, it } from "vitest";
import { resolve } from "../../src/config/resolve.ts";
import { fileOf } from "./file-of.ts";

const hour = 3_600_000;
const day = 24 * hour;
const several = fileOf("version: 1\njobs:\n  a: {}\n  b: {}\n");

describe("the job that tags govern", () => {
  const tags = { Retention: "30" };

  it("is the one called default", () => {
    const both = fileOf("version: 1\njobs:\n  db: { retention: { daily: 7 } }\n  default: {}\n");
    const { jobs } = resolve({ file: both, tags });
    expect(jobs.map(({ retention }) => retention.within)).toEqual([undefined, 30 * day]);
  });

  it("is the only one, whatever its name", () => {
    const { jobs } = resolve({ file: fileOf("version: 1\njobs: { db: {} }\n"), tags });
    expect(jobs[0]?.retention.within).toBe(30 * day);
  });

  it("is none of several without that name, with a warning", () => {
    const { jobs, warnings, faults } = resolve({ file: several, tags: { ...tags, schedule: "nonsense" } });
    expect(jobs).toEqual(resolve({ file: several, tags: {} }).jobs);
    expect(warnings).toEqual([
      "tag Retention and tag schedule not applied: of several jobs none is called default",
    ]);
    expect(faults).toEqual([]);
  });

  it("is default where the file names no jobs, and then the tags protect or not", () => {
    const quiet = fileOf("version: 1\nlog: { level: error }\n");
    expect(resolve({ file: quiet, tags: {} }).protection).toBe("unconfigured");
    const { protection, jobs, warnings } = resolve({ file: quiet, tags: { Backup: "yes" } });
    expect(protection).toBe("configured");
    expect(jobs.map(({ name }) => name)).toEqual(["default"]);
    expect(warnings).toEqual([
      "config.yaml names no jobs: the instance's tags decide whether it is backed up",
    ]);
  });
});

describe("a job of the file", () => {
  it("without a schedule runs by hand only, and has nothing to spread", () => {
    const { jobs } = resolve({ file: several, tags: {} });
    expect(jobs[0]).not.toHaveProperty("schedule");
    expect(jobs[0]?.splay).toBe(0);
  });

  it("that a tag gives a schedule is spread like any other", () => {
    const { jobs } = resolve({
      file: fileOf("version: 1\njobs: { db: {} }\n"),
      tags: { Schedule: "@daily" },
    });
    expect(jobs).toMatchObject([{ schedule: "@daily", splay: 1.5 * hour }]);
  });

  it("with empty retention keeps everything, and without it the built-in week", () => {
    const { jobs } = resolve({
      file: fileOf("version: 1\njobs: { a: { retention: {} }, b: {} }\n"),
      tags: {},
    });
    expect(jobs.map(({ retention }) => [retention.counts, retention.within])).toEqual([
      [{}, undefined],
      [{ minimum: 3 }, 7 * day],
    ]);
  });

  it("gives way to the job default over all volumes with --all", () => {
    expect(resolve({ file: several, tags: {}, flags: { all: true } }).jobs.map(({ name }) => name)).toEqual([
      "default",
    ]);
    const narrow = fileOf(
      "version: 1\njobs: { default: { volumes: { include: [] }, retention: { daily: 9 } } }\n",
    );
    const { jobs } = resolve({ file: narrow, tags: {}, flags: { all: true } });
    expect(jobs).toMatchObject([
      { volumes: { root: true, exclude: [] }, retention: { counts: { daily: 9 } } },
    ]);
    expect(jobs[0]?.volumes).not.toHaveProperty("include");
  });
});
