import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { JobTiming } from "../../src/core/timetable.ts";
import { day, FakeHost, hour, minute, pass, passUntil } from "../fakes/daemon-host.ts";

const nightly: JobTiming = { job: "default", schedule: "0 2 * * *", timezone: "UTC", splay: 0 };

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2027-03-01T12:00:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

test("a schedule that was changed takes effect at a reload, and not before", async () => {
  const host = await new FakeHost({ jobs: [nightly], runsFor: 0 }).run();
  host.jobs = [{ ...nightly, schedule: "0 18 * * *", timezone: "Europe/Berlin" }];
  await pass(5.5 * hour);
  expect(host.started).toEqual([]);
  host.reload();
  await passUntil("2027-03-02T16:00:00Z");
  expect(host.started.map((run) => run.at)).toEqual([]);
  await passUntil("2027-03-02T18:00:00Z");
  expect(host.started.map((run) => run.at)).toEqual(["2027-03-02T17:00:00.000Z"]);
});

test("a job that is added runs after the reload, one that is taken away does not", async () => {
  const host = await new FakeHost({ jobs: [nightly], runsFor: 0 }).run();
  host.jobs = [{ ...nightly, job: "files", schedule: "0 3 * * *" }];
  host.reload();
  await pass(day);
  expect(host.started).toMatchObject([{ job: "files", slot: "2027-03-02T03:00:00.000Z" }]);
});

test("a reload that comes while the timetable is read is not lost", async () => {
  const host = new FakeHost({ jobs: [nightly], runsFor: 0 });
  const slow = Promise.withResolvers<void>();
  host.slowReading = slow.promise;
  await host.run();
  expect(host.readings).toBe(1);
  host.reload();
  slow.resolve();
  await pass(0);
  expect(host.readings).toBe(2);
});

test("the timetable is read again after every run, so that a changed tag is seen", async () => {
  const host = await new FakeHost({ jobs: [nightly], runsFor: minute }).run();
  await passUntil("2027-03-02T02:00:30Z");
  expect(host.readings).toBe(1);
  host.jobs = [{ ...nightly, schedule: "0 4 * * *" }];
  await pass(day);
  expect(host.started.map((run) => run.slot)).toEqual([
    "2027-03-02T02:00:00.000Z",
    "2027-03-02T04:00:00.000Z",
  ]);
});

test("a timetable that cannot be read is read again after a pause, and the daemon goes on", async () => {
  const host = new FakeHost({ jobs: [nightly], waits: { tick: 10_000 }, runsFor: 0 });
  host.unreadable = 3;
  await host.run();
  expect(host.notified).toEqual(["READY=1"]);
  await pass(59_000);
  expect(host.readings).toBe(1);
  expect(host.logged).toEqual(["error: cannot read the timetable: the metadata service does not answer"]);
  await pass(3 * minute);
  expect(host.readings).toBe(4);
  await pass(day);
  expect(host.started.map((run) => run.slot)).toEqual(["2027-03-02T02:00:00.000Z"]);
});

test("what was known before goes on while the timetable cannot be read", async () => {
  const host = await new FakeHost({ jobs: [nightly], runsFor: 0 }).run();
  host.unreadable = Number.POSITIVE_INFINITY;
  host.reload();
  await pass(day);
  expect(host.started.map((run) => run.slot)).toEqual(["2027-03-02T02:00:00.000Z"]);
});

test("a timetable without any job is said to be one", async () => {
  const host = await new FakeHost({ jobs: [] }).run();
  expect(host.logged).toEqual(["warn: no job has a schedule: nothing will run until a reload"]);
  host.jobs = [nightly];
  host.reload();
  await pass(day);
  expect(host.started).toHaveLength(1);
});

test("what becomes of an exchanged root volume is told once, and asked for again until it is known", async () => {
  const host = new FakeHost({ jobs: [nightly], runsFor: 0 });
  host.root = { outcome: "waiting", found: "EC2's task replacevol-1 is in-progress" };
  await host.run();
  await pass(3 * minute);
  expect(host.readings).toBe(4);
  host.root = { outcome: "replaced", found: "the root volume of this host is now the one of point p" };
  await pass(3 * minute);
  expect(host.readings).toBe(5);
  expect(host.logged.filter((line) => !line.includes("next run at"))).toEqual([
    "warn: EC2's task replacevol-1 is in-progress",
    "info: the root volume of this host is now the one of point p",
  ]);
});

test("a root volume that was not replaced is an error of the log", async () => {
  const host = new FakeHost({ jobs: [nightly], runsFor: 0 });
  host.root = { outcome: "failed", found: "EC2's task replacevol-1 failed" };
  await host.run();
  await pass(3 * minute);
  expect([host.readings, host.logged[0]]).toEqual([1, "error: EC2's task replacevol-1 failed"]);
});
