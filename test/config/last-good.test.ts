import { describe, expect, it } from "vitest";
import { type LastGoodRecord, toLastGood } from "../../src/config/last-good.ts";
import { fromLastGood } from "../../src/config/read-last-good.ts";
import { resolve } from "../../src/config/resolve.ts";
import { fileOf } from "./file-of.ts";

const asOf = new Date("2031-05-06T07:08:09.000Z");
const kept = toLastGood(
  resolve({ file: fileOf("version: 1\njobs: { db: { schedule: '@daily' } }\n"), tags: {} }),
  asOf,
);

/** The record with one value changed. */
function changed(path: string, value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(kept)) as Record<string, unknown>;
  const steps = path.split(".");
  const last = steps.pop() ?? "";
  const owner = steps.reduce((here, step) => here[step] as Record<string, unknown>, copy);
  if (value === undefined) delete owner[last];
  else owner[last] = value;
  return copy;
}

describe("the last good configuration", () => {
  it("is plain data with its date", () => {
    expect(kept).toMatchObject({
      version: 1,
      asOf: "2031-05-06T07:08:09.000Z",
    } satisfies Partial<LastGoodRecord>);
    expect(fromLastGood(kept)).toMatchObject({ asOf, jobs: [{ name: "db", schedule: "@daily" }] });
  });

  it("keeps that the user data is to be recorded", () => {
    const file = fileOf("version: 1\njobs: { db: { recordUserData: true } }\n");
    const record: unknown = JSON.parse(JSON.stringify(toLastGood(resolve({ file, tags: {} }), asOf)));
    expect(fromLastGood(record)).toMatchObject({ jobs: [{ name: "db", recordUserData: true }] });
  });

  it("keeps who prunes, and how snapshots are locked", () => {
    const lock = "{ days: 7, mode: compliance, irrevocable: true, coolOff: 24h }";
    const file = fileOf(`version: 1\njobs: { db: { prune: elsewhere, lock: ${lock} } }\n`);
    const record: unknown = JSON.parse(JSON.stringify(toLastGood(resolve({ file, tags: {} }), asOf)));
    const job = { name: "db", prune: "elsewhere", lock: { mode: "compliance", days: 7, coolOff: 24 } };
    expect(fromLastGood(record)).toMatchObject({ jobs: [job] });
  });

  it("is never one with a faulty tag", () => {
    expect(toLastGood(resolve({ tags: { Retention: "0" } }), asOf)).toBeUndefined();
  });

  it.each([
    ["version", 2],
    ["asOf", "yesterday"],
    ["jobs", []],
    ["jobs.0.name", "../db"],
    ["jobs.0.schedule", "0 25 * * *"],
    ["jobs.0.timezone", "Mars/Olympus"],
    ["jobs.0.splay", -1],
    ["jobs.0.volumes.exclude", [{ tag: "a", id: "vol-0123456789abcdef0" }]],
    ["jobs.0.volumes.include", [{ path: "/etc" }]],
    ["jobs.0.retention.shrinkDelay", 0],
    ["jobs.0.retention.shrinkDelay", undefined],
    ["jobs.0.retention.within", 1],
    ["jobs.0.retention.within", "7d"],
    ["jobs.0.retention.counts.minimum", 0],
    ["jobs.0.retention.counts.fortnightly", 2],
    ["jobs.0.retention.demanded", "none"],
    ["jobs.0.addTags", { "aws:x": "y" }],
    ["jobs.0.dialect", "seed3"],
    ["jobs.0.recordUserData", "yes"],
    ["jobs.0.prune", "here"],
    ["jobs.0.lock", { mode: "governance", days: 0 }],
    ["jobs.0.lock", { mode: "none", days: 1 }],
    ["jobs.0.waits.request", undefined],
    [
      "jobs.0.hooks",
      [{ kind: "freeze", name: "freeze", onFailure: "abort", mounts: "data", deadline: 600_000 }],
    ],
    ["jobs.0.hooks", undefined],
    ["settings.stateDirectory", "relative"],
    ["settings.metrics.dimensions", []],
  ])("with %s changed to %j is not believed", (path, value) => {
    expect(fromLastGood(changed(path, value))).toBeUndefined();
  });

  it("with two jobs of one name is not believed", () => {
    expect(fromLastGood(changed("jobs", [kept?.jobs[0], kept?.jobs[0]]))).toBeUndefined();
  });

  it("with a selection or a dialect that the file could not have is not believed", () => {
    expect(
      fromLastGood(changed("jobs.0.volumes", { root: false, include: [], exclude: [] })),
    ).toBeUndefined();
    expect(fromLastGood(changed("jobs.0.dialect", "seed2"))).toBeDefined();
    const [job] = kept?.jobs ?? [];
    const counted = { ...job, dialect: "seed2", retention: { ...job?.retention, counts: { daily: 7 } } };
    expect(fromLastGood(changed("jobs", [counted]))).toBeUndefined();
  });
});
