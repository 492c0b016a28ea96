import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { JobTiming } from "../../src/core/timetable.ts";
import { day, FakeHost, hour, minute, pass, passUntil } from "../fakes/daemon-host.ts";

const nightly: JobTiming = { job: "default", schedule: "0 2 * * *", timezone: "UTC", splay: 0 };

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2027-03-01T12:10:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

test("each slot is run once, at its instant, by a process that is told the slot", async () => {
  const host = await new FakeHost({ jobs: [nightly], runsFor: minute }).run();
  await pass(3 * day);
  expect(host.started).toMatchObject([
    { slot: "2027-03-02T02:00:00.000Z", at: "2027-03-02T02:00:00.000Z", trigger: "schedule", missed: 0 },
    { slot: "2027-03-03T02:00:00.000Z", at: "2027-03-03T02:00:00.000Z", trigger: "schedule", missed: 0 },
    { slot: "2027-03-04T02:00:00.000Z", at: "2027-03-04T02:00:00.000Z", trigger: "schedule", missed: 0 },
  ]);
});

test("nothing is run a moment before its slot", async () => {
  const host = await new FakeHost({ jobs: [nightly], runsFor: 0 }).run();
  await pass(14 * hour - 10 * minute - 1);
  expect(host.started).toEqual([]);
  await pass(1);
  expect(host.started).toHaveLength(1);
});

test("the splay is the same for an instance and job for ever, and lies within what is configured", async () => {
  const spread: JobTiming = { ...nightly, splay: 90 * minute };
  const instants = [];
  for (const instance of ["i-0000000000000000a", "i-0000000000000000b", "i-0000000000000000a"]) {
    vi.setSystemTime("2027-03-01T12:10:00Z");
    const host = await new FakeHost({ jobs: [spread], instance, runsFor: 0 }).run();
    await pass(day);
    instants.push(...host.started.map((run) => run.at));
    host.stop();
    await host.ended;
  }
  // Written down, since a change would move every machine's backup.
  expect(instants).toEqual([
    "2027-03-02T02:25:06.489Z",
    "2027-03-02T03:03:21.846Z",
    "2027-03-02T02:25:06.489Z",
  ]);
});

test("two jobs of an instance have offsets of their own and run side by side", async () => {
  const jobs = ["database", "files"].map((job) => ({ ...nightly, job, splay: hour }));
  const host = await new FakeHost({ jobs, runsFor: 3 * hour }).run();
  await passUntil("2027-03-02T04:00:00Z");
  expect(host.started.map((run) => run.job).sort()).toEqual(["database", "files"]);
  expect(new Set(host.started.map((run) => run.at)).size).toBe(2);
  expect(host.started.map((run) => run.overlapped)).toEqual([0, 0]);
});

test("a slot that comes during a run is left out, and the next run is told how many there were", async () => {
  const jobs: JobTiming[] = [{ ...nightly, schedule: "every 1h" }];
  const host = await new FakeHost({ jobs }).run();
  await passUntil("2027-03-01T15:30:00Z");
  expect(host.started).toMatchObject([{ slot: "2027-03-01T13:00:00.000Z", overlapped: 0 }]);
  expect(host.logged.filter((line) => line.startsWith("warn: a slot came while"))).toHaveLength(2);
  host.started[0]?.end();
  await pass(hour);
  expect(host.started).toHaveLength(2);
  expect(host.started[1]).toMatchObject({ slot: "2027-03-01T16:00:00.000Z", overlapped: 2, missed: 0 });
  host.started[1]?.end();
  await pass(hour);
  expect(host.started[2]).toMatchObject({ overlapped: 0 });
});

test("a run that keeps slots from their turn for more than a day is told as an error, with what to do", async () => {
  const jobs: JobTiming[] = [{ ...nightly, schedule: "every 6h" }];
  const host = await new FakeHost({ jobs }).run();
  await passUntil("2027-03-02T19:00:00Z");
  const leftOut = "a slot came while the run before was still at work; it is left out";
  const overlaps = () => host.logged.filter((line) => line.includes("a slot came while"));
  expect(host.started.map(({ at }) => at)).toEqual(["2027-03-01T18:00:00.000Z"]);
  expect(overlaps()).toEqual(Array.from({ length: 4 }, () => `warn: ${leftOut}`));
  // A clock that is put right meanwhile makes it neither older nor younger.
  vi.setSystemTime("2027-03-02T20:00:00Z");
  await passUntil("2027-03-03T00:00:00Z");
  const since = "2027-03-01T19:00:00.000Z, when that run began";
  expect(overlaps().slice(4)).toEqual([
    `error: ${leftOut}, as all are since ${since}; if it hangs, kill its process (kill -9 4001)`,
  ]);
  // It is left to itself.
  expect(host.started).toMatchObject([{ told: 0 }]);
  host.started[0]?.end(137);
  await pass(6 * hour);
  expect(host.started[1]).toMatchObject({ slot: "2027-03-03T06:00:00.000Z", overlapped: 5 });
});

test("slots that the host sleeps over during a run count as overlapped", async () => {
  const jobs: JobTiming[] = [{ ...nightly, schedule: "every 1h" }];
  const host = await new FakeHost({ jobs }).run();
  await passUntil("2027-03-01T13:10:00Z");
  vi.setSystemTime("2027-03-01T17:30:00Z");
  await pass(2 * minute);
  host.started[0]?.end();
  await pass(hour);
  expect(host.started).toMatchObject([{}, { slot: "2027-03-01T18:00:00.000Z", overlapped: 4, missed: 0 }]);
});

test("a run that crashes is reported, and the next slot is run", async () => {
  const host = await new FakeHost({ jobs: [nightly] }).run();
  await passUntil("2027-03-02T02:00:00Z");
  host.started[0]?.end(139);
  await pass(0);
  expect(host.logged).toContain("error: the run ended with exit code 139");
  await pass(day);
  expect(host.started.map((run) => run.slot)).toEqual([
    "2027-03-02T02:00:00.000Z",
    "2027-03-03T02:00:00.000Z",
  ]);
});

test("a run for which there is no room is reported, and the next slot is run", async () => {
  const host = await new FakeHost({ jobs: [nightly], runsFor: 0 }).run();
  host.cannotStart = new Error("spawn ENOMEM");
  await passUntil("2027-03-02T02:00:01Z");
  expect(host.logged).toContain("error: the run cannot be started: spawn ENOMEM");
  await pass(day);
  expect(host.started.map((run) => run.slot)).toEqual(["2027-03-03T02:00:00.000Z"]);
});

test.each([
  { name: "on a machine that never ran", jobs: [nightly], missed: 0 },
  { name: "with a missed slot", jobs: [{ ...nightly, lastSlot: "2027-02-28T02:00:00.000Z" }], missed: 1 },
])(
  "a clock that was years ahead at boot decides nothing once it is right, $name",
  async ({ jobs, missed }) => {
    vi.setSystemTime("2035-01-01T12:00:00Z");
    const host = await new FakeHost({ jobs, uptime: 0, runsFor: 0 }).run();
    vi.setSystemTime("2027-03-01T12:10:00Z");
    await pass(day);
    expect(host.started).toMatchObject([{ slot: "2027-03-02T02:00:00.000Z", trigger: "schedule", missed }]);
  },
);

test("a clock that is put back a little runs no slot twice", async () => {
  const host = await new FakeHost({ jobs: [nightly], runsFor: minute }).run();
  await passUntil("2027-03-02T02:05:00Z");
  vi.setSystemTime("2027-03-02T01:58:00Z");
  await pass(hour);
  expect(host.started).toHaveLength(1);
});
