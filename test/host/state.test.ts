import { chmod, chown, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { RunReport } from "../../src/core/report.ts";
import { lastInstance, StateDirectory } from "../../src/host/state.ts";
import { folder, need } from "./places.ts";

const ours = "i-0000000000000000a";
const uid = process.getuid?.();
const original = "i-0000000000000000b";

function reportOf(job: string, run: string, slot?: string): RunReport {
  return {
    version: 1,
    run,
    job,
    trigger: "schedule",
    ...(slot === undefined ? {} : { slot }),
    started: "2027-03-01T02:00:00.000Z",
    finished: "2027-03-01T02:00:09.000Z",
    outcome: "done",
    planned: false,
    chosen: [],
    left: [],
    instanceStores: [],
    points: [],
    steps: [],
    problems: [],
    elapsedMs: 9_000,
  };
}

const note = (run: string) => ({ run, point: `point-of-${run}`, at: "2027-03-01T02:00:01.000Z" });

test("what one process records, the next one reads", async () => {
  const directory = await folder();
  const state = await StateDirectory.open(directory, ours);
  expect(state.known).toBe(false);
  const report = reportOf("default", "r1", "2027-03-01T02:00:00.000Z");
  await state.record(report);
  const next = await StateDirectory.open(directory, ours);
  expect(next.known).toBe(true);
  expect(next.jobs()).toEqual([{ version: 1, job: "default", report, lastSlot: "2027-03-01T02:00:00.000Z" }]);
});

test("the state of the instance that an image was made from is not ours", async () => {
  const directory = await folder();
  const before = await StateDirectory.open(directory, original);
  await before.record(reportOf("default", "r1", "2027-03-01T02:00:00.000Z"));
  await before.keepGood({ asOf: "2027-03-01T00:00:00.000Z" }, uid);
  const state = await StateDirectory.open(directory, ours);
  expect(state.known).toBe(false);
  expect(state.jobs()).toEqual([]);
  expect(await state.lastGood(uid)).toEqual({});
  expect(state.journal().unfinished("default")).toBeUndefined();
});

test.each([
  ["cut off", '{"version":1,"job":"def'],
  ["empty", ""],
  ["null", "null"],
  ["of another version", '{"version":2,"job":"default"}'],
  ["of another job", '{"version":1,"job":"other"}'],
])("a file that is %s counts as none, and the next record makes it good", async (_, text) => {
  const directory = await folder();
  await mkdir(path.join(directory, ours));
  await writeFile(path.join(directory, ours, "job-default.json"), text);
  const state = await StateDirectory.open(directory, ours);
  expect(state.known).toBe(false);
  await state.record(reportOf("default", "r1"));
  expect((await StateDirectory.open(directory, ours)).job("default")).toMatchObject({
    job: "default",
    report: { run: "r1" },
  });
});

test("jobs that are updated at the same time by several processes do not lose each other", async () => {
  const directory = await folder();
  const names = Array.from({ length: 8 }, (_, index) => `job-${index}`);
  const states = await Promise.all(names.map(() => StateDirectory.open(directory, ours)));
  await Promise.all(
    states.map(async (state, index) => {
      for (let run = 0; run < 10; run++) await state.record(reportOf(names[index] ?? "", `r${run}`));
    }),
  );
  const read = await StateDirectory.open(directory, ours);
  expect(read.jobs().map(({ job, report }) => [job, report?.run])).toEqual(names.map((name) => [name, "r9"]));
});

describe("the note of a capture", () => {
  test("outlives a run that never comes to its report", async () => {
    const directory = await folder();
    await (await StateDirectory.open(directory, ours)).journal().begin("default", note("r1"));
    const next = await StateDirectory.open(directory, ours);
    expect(next.journal().unfinished("default")).toEqual(note("r1"));
  });

  test("goes with the report of its run", async () => {
    const directory = await folder();
    const state = await StateDirectory.open(directory, ours);
    await state.journal().begin("default", note("r1"));
    await state.record(reportOf("default", "r1"));
    expect((await StateDirectory.open(directory, ours)).job("default")?.note).toBeUndefined();
  });

  test("of a newer run is not cleared by the report of an older one", async () => {
    const directory = await folder();
    const older = await StateDirectory.open(directory, ours);
    await older.journal().begin("default", note("r1"));
    await (await StateDirectory.open(directory, ours)).journal().begin("default", note("r2"));
    await older.record(reportOf("default", "r1"));
    expect((await StateDirectory.open(directory, ours)).job("default")).toMatchObject({
      note: note("r2"),
      report: { run: "r1" },
    });
  });
});

test("a run without a slot leaves the last slot as it was", async () => {
  const directory = await folder();
  const state = await StateDirectory.open(directory, ours);
  await state.record(reportOf("default", "r1", "2027-03-01T02:00:00.000Z"));
  await state.record(reportOf("default", "r2"));
  expect(state.job("default")).toMatchObject({ lastSlot: "2027-03-01T02:00:00.000Z", report: { run: "r2" } });
});

test("the last good configuration is written only when more than its date has changed", async () => {
  const directory = await folder();
  const state = await StateDirectory.open(directory, ours);
  const file = path.join(directory, ours, "last-good.json");
  const good = { version: 1, asOf: "2027-03-01T00:00:00.000Z", jobs: ["a"] };
  await state.keepGood(good, uid);
  const { ino } = await stat(file);
  await state.keepGood({ ...good, asOf: "2027-03-02T00:00:00.000Z" }, uid);
  expect((await stat(file)).ino).toBe(ino);
  expect(await state.lastGood(uid)).toEqual({ value: good });
  const changed = { ...good, asOf: "2027-03-03T00:00:00.000Z", jobs: ["b"] };
  await state.keepGood(changed, uid);
  expect(await state.lastGood(uid)).toEqual({ value: changed });
});

test("a last good configuration that others could have written is not told, and is written anew", async (context) => {
  need(context, uid !== undefined, "users of POSIX");
  const directory = await folder();
  const state = await StateDirectory.open(directory, ours);
  const good = { version: 1, asOf: "2027-03-01T00:00:00.000Z", jobs: ["a"] };
  await state.keepGood(good, uid);
  const file = path.join(directory, ours, "last-good.json");
  for (const [place, mode] of [
    [file, 0o666],
    [file, 0o620],
    [path.dirname(file), 0o777],
    [directory, 0o770],
  ] as const) {
    const before = (await stat(place)).mode & 0o777;
    await chmod(place, mode);
    const said = await state.lastGood(uid);
    expect(said).toEqual({ distrust: expect.stringContaining(`${place} should be a `) });
    expect(await state.lastGood(undefined)).toEqual({ value: good });
    await chmod(place, before);
    expect(await state.lastGood(uid)).toEqual({ value: good });
  }
  await chmod(file, 0o666);
  await state.keepGood(good, uid);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await state.lastGood(uid)).toEqual({ value: good });
  if (uid === 0) {
    await chown(file, 12_345, 0);
    expect(await state.lastGood(uid)).toEqual({ distrust: expect.stringContaining("uid 12345") });
  }
});

test("removals are added line by line, for all instances in one file", async () => {
  const directory = await folder();
  const line = {
    time: "2027-03-01T02:00:05.000Z",
    run: "r1",
    job: "default",
    point: "p1",
    snapshot: "snap-1",
    volume: "vol-1",
    captured: "2027-02-01T02:00:00.000Z",
  };
  const audit = (await StateDirectory.open(directory, ours)).audit();
  await audit.append({ ...line, outcome: "removing" });
  await audit.append({ ...line, outcome: "removed" });
  const text = await readFile(path.join(directory, "removals.jsonl"), "utf8");
  expect(
    text
      .trimEnd()
      .split("\n")
      .map((one) => JSON.parse(one).outcome),
  ).toEqual(["removing", "removed"]);
});

test("what a killed process left is cleared away when it is old, and not while it may be in use", async () => {
  const directory = await folder();
  const own = path.join(directory, ours);
  await mkdir(own);
  for (const name of ["old", "young"]) await writeFile(path.join(own, `job-default.json.${name}.new`), "{");
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(path.join(own, "job-default.json.old.new"), hoursAgo, hoursAgo);
  expect((await StateDirectory.open(directory, ours)).known).toBe(false);
  expect(await readdir(own)).toEqual(["job-default.json.young.new"]);
});

test("without an answer from the metadata service the instance that wrote last is taken", async () => {
  const directory = await folder();
  expect(await lastInstance(directory)).toBeUndefined();
  for (const id of [original, ours])
    await (await StateDirectory.open(directory, id)).record(reportOf("default", "r"));
  await mkdir(path.join(directory, "locks"));
  const longAgo = new Date("2020-01-01T00:00:00Z");
  await utimes(path.join(directory, original), longAgo, longAgo);
  expect(await lastInstance(directory)).toBe(ours);
});
