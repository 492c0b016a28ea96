import { chmod, chown, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { ErrorKind } from "../../src/core/errors.ts";
import type { Problem, RunReport } from "../../src/core/report.ts";
import { readHistory } from "../../src/core/run-history.ts";
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
  expect(next.jobs()).toEqual([
    {
      version: 1,
      job: "default",
      report,
      lastSlot: "2027-03-01T02:00:00.000Z",
      history: [expect.objectContaining({ run: "r1", outcome: "done", elapsedMs: 9_000, errors: 0 })],
    },
  ]);
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
  expect(state.unreadable).toEqual(["default"]);
  await state.record(reportOf("default", "r1"));
  expect((await StateDirectory.open(directory, ours)).job("default")).toMatchObject({
    job: "default",
    report: { run: "r1" },
  });
});

test.each<[string, object]>([
  ["an outcome that is a number", { outcome: 7 }],
  ["an outcome that is a list", { outcome: ["done"] }],
  ["an outcome that no run has", { outcome: "\u001b[2J" }],
  ["problems that are none", { problems: [null, 1] }],
  ["a problem without words", { problems: [{ severity: "error" }] }],
  ["problems that are no list", { problems: {} }],
  ["points that are none", { points: [null] }],
  ["no date of its end", { finished: "never" }],
  ["a number as its end", { finished: 5 }],
  ["no date of its beginning", { started: "\u001b[2J" }],
])("a report with %s is left out, and what else is known stays", async (_, damage) => {
  const directory = await folder();
  const newest = { captured: "2027-03-01T02:00:00.000Z", bytes: 5 };
  const whole = { version: 1, job: "default", newest, report: reportOf("default", "r1") };
  const file = path.join(directory, ours, "job-default.json");
  await mkdir(path.dirname(file));
  const read = async () => (await StateDirectory.open(directory, ours)).job("default");
  await writeFile(file, JSON.stringify(whole));
  expect(await read()).toEqual(whole);
  await writeFile(file, JSON.stringify({ ...whole, report: { ...whole.report, ...damage } }));
  const { report, ...rest } = whole;
  expect(await read()).toEqual(rest);
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

test("the last sixty runs are remembered, also over a damaged history, and those of an older version have none", async () => {
  const directory = await folder();
  const state = await StateDirectory.open(directory, ours);
  for (let run = 1; run <= 62; run++) await state.record(reportOf("default", `r${run}`));
  const file = path.join(directory, ours, "job-default.json");
  const read = async () => readHistory((await StateDirectory.open(directory, ours)).job("default")?.history);
  const { runs } = await read();
  expect([runs.length, runs[0]?.run, runs.at(-1)?.run]).toEqual([60, "r3", "r62"]);
  const kept = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify({ ...kept, history: "nonsense" }));
  expect(await read()).toEqual({ runs: [], unreadable: 1 });
  await state.record(reportOf("default", "r63"));
  expect((await read()).runs.map(({ run }) => run)).toEqual(["r63"]);
  const { history: _, ...older } = kept;
  await writeFile(file, JSON.stringify(older));
  expect(await read()).toEqual({ runs: [], unreadable: 0 });
});

test("what a run saw of the volumes stays when a later one could not list", async () => {
  const directory = await folder();
  const state = await StateDirectory.open(directory, ours);
  const volumes = [{ volume: "vol-1", device: "/dev/sdf", newest: "2027-03-01T02:00:00.000Z" }];
  await state.record({ ...reportOf("default", "r1"), series: { complete: 1, volumes } });
  await state.record(reportOf("default", "r2"));
  expect((await StateDirectory.open(directory, ours)).job("default")).toMatchObject({
    report: { run: "r2" },
    volumes,
  });
});

test("a run without a slot leaves the last slot as it was", async () => {
  const directory = await folder();
  const state = await StateDirectory.open(directory, ours);
  await state.record(reportOf("default", "r1", "2027-03-01T02:00:00.000Z"));
  await state.record(reportOf("default", "r2"));
  expect(state.job("default")).toMatchObject({ lastSlot: "2027-03-01T02:00:00.000Z", report: { run: "r2" } });
});

describe("a slot", () => {
  const earlier = "2027-03-01T02:00:00.000Z";
  const slot = "2027-03-02T02:00:00.000Z";
  const problem = (kind: ErrorKind): Problem => ({
    severity: "error",
    kind,
    doing: "hold hook dump",
    found: "the run was told to stop",
  });

  async function lastSlotAfter(more: Partial<RunReport>): Promise<string | undefined> {
    const state = await StateDirectory.open(await folder(), ours);
    await state.record(reportOf("default", "r1", earlier));
    await state.record({ ...reportOf("default", "r2", slot), ...more });
    const job = (await StateDirectory.open(state.directory, ours)).job("default");
    expect(job?.report?.run).toBe("r2");
    return job?.lastSlot;
  }

  test.each<[string, Partial<RunReport>]>([
    ["without a point", { outcome: "failed", problems: [problem("interrupted")] }],
    [
      "in the midst of other failures",
      { outcome: "failed", problems: [problem("refused"), problem("interrupted")] },
    ],
  ])("is not served by a run that was told to stop %s", async (_, more) => {
    expect(await lastSlotAfter(more)).toBe(earlier);
  });

  test("is not served by a first run that was told to stop, which is known all the same", async () => {
    const state = await StateDirectory.open(await folder(), ours);
    const cut = { outcome: "failed", problems: [problem("interrupted")] } as const;
    await state.record({ ...reportOf("default", "r1", slot), ...cut });
    expect(state.known).toBe(true);
    expect(state.job("default")?.lastSlot).toBeUndefined();
  });

  test.each<[string, Partial<RunReport>]>([
    ["has failed by itself", { outcome: "failed", problems: [problem("denied")] }],
    [
      "was told to stop after it had made a point",
      { outcome: "degraded", problems: [problem("interrupted")] },
    ],
  ])("is served by a run that %s", async (_, more) => {
    expect(await lastSlotAfter(more)).toBe(slot);
  });
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
