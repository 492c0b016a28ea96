import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { JobTiming } from "../../src/core/timetable.ts";
import { day, FakeHost, hour, minute, pass, passUntil } from "../fakes/daemon-host.ts";

/** Its offset within 90 minutes is a good 25 minutes on this instance. */
const instance = "i-0000000000000000a";
const nightly: JobTiming = { job: "default", schedule: "0 2 * * *", timezone: "UTC", splay: 90 * minute };
const offset = 1_506_489;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2027-03-10T12:00:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

function since(lastSlot: string, more: Partial<JobTiming> = {}): JobTiming[] {
  return [{ ...nightly, lastSlot, ...more }];
}

test("after boot a missed slot is made up for when the boot delay and then the whole splay have passed", async () => {
  const jobs = since("2027-03-09T02:00:00.000Z");
  const host = await new FakeHost({ jobs, instance, uptime: 3 * minute, runsFor: minute }).run();
  await pass(7 * minute + offset - 1);
  expect(host.started).toEqual([]);
  await pass(1);
  expect(host.started).toMatchObject([
    { slot: "2027-03-10T02:00:00.000Z", at: "2027-03-10T12:32:06.489Z", trigger: "catch-up", missed: 0 },
  ]);
  await pass(2 * day);
  expect(host.started.slice(1)).toMatchObject([
    { slot: "2027-03-11T02:00:00.000Z", trigger: "schedule", missed: 0 },
    { slot: "2027-03-12T02:00:00.000Z", trigger: "schedule", missed: 0 },
  ]);
});

test("a daemon that is restarted long after boot waits for the splay only", async () => {
  const host = await new FakeHost({ jobs: since("2027-03-09T02:00:00.000Z"), instance, runsFor: 0 }).run();
  await pass(offset);
  expect(host.started).toMatchObject([{ at: "2027-03-10T12:25:06.489Z", trigger: "catch-up" }]);
});

test("a month of power-off gives one run to catch up, which is told of the others", async () => {
  const host = await new FakeHost({
    jobs: since("2027-02-10T02:00:00.000Z"),
    instance,
    uptime: 0,
    runsFor: 0,
  }).run();
  await passUntil("2027-03-11T00:00:00Z");
  expect(host.started).toMatchObject([{ slot: "2027-03-10T02:00:00.000Z", trigger: "catch-up", missed: 27 }]);
});

test("nothing is made up for where the next slot is near; it is told how many were missed", async () => {
  vi.setSystemTime("2027-03-10T02:00:00Z");
  const jobs = since("2027-03-07T02:00:00.000Z");
  const host = await new FakeHost({ jobs, instance, uptime: 0, runsFor: 0 }).run();
  await pass(12 * hour);
  expect(host.started).toMatchObject([
    { slot: "2027-03-10T02:00:00.000Z", at: "2027-03-10T02:25:06.489Z", trigger: "schedule", missed: 2 },
  ]);
});

test("a slot that comes before the boot delay and the splay are over serves for the missed ones", async () => {
  vi.setSystemTime("2027-03-10T12:01:00Z");
  const jobs = since("2027-03-10T09:00:00.000Z", { schedule: "every 1h", splay: 0 });
  const host = await new FakeHost({ jobs, uptime: 0, waits: { bootDelay: 2 * hour }, runsFor: 0 }).run();
  await pass(2.5 * hour);
  expect(host.started).toMatchObject([
    { slot: "2027-03-10T13:00:00.000Z", trigger: "schedule", missed: 3 },
    { slot: "2027-03-10T14:00:00.000Z", trigger: "schedule", missed: 0 },
  ]);
});

test("a machine that never ran has nothing to make up for", async () => {
  const host = await new FakeHost({ jobs: [nightly], instance, runsFor: 0 }).run();
  await passUntil("2027-03-11T01:00:00Z");
  expect(host.started).toEqual([]);
});

describe("a job that has served no slot", () => {
  const seen = (firstSeen: string): JobTiming[] => [{ ...nightly, firstSeen }];

  test("is made up for after boot where the host was off at each slot since it was first heard of", async () => {
    const jobs = seen("2027-03-08T20:00:00.000Z");
    const host = await new FakeHost({ jobs, instance, uptime: 0, runsFor: minute }).run();
    await pass(10 * minute + offset - 1);
    expect(host.started).toEqual([]);
    await pass(2 * day);
    expect(host.started).toMatchObject([
      { slot: "2027-03-10T02:00:00.000Z", at: "2027-03-10T12:35:06.489Z", trigger: "catch-up", missed: 1 },
      { slot: "2027-03-11T02:00:00.000Z", trigger: "schedule", missed: 0 },
      { slot: "2027-03-12T02:00:00.000Z", trigger: "schedule", missed: 0 },
    ]);
  });

  test("has nothing to make up for where it is heard of only now", async () => {
    const jobs = seen("2027-03-10T12:00:00.000Z");
    const host = await new FakeHost({ jobs, instance, uptime: 0, runsFor: 0 }).run();
    await passUntil("2027-03-11T01:00:00Z");
    expect(host.started).toEqual([]);
    await pass(2 * hour);
    expect(host.started).toMatchObject([{ slot: "2027-03-11T02:00:00.000Z", trigger: "schedule" }]);
  });

  test.each(["02:10:00.000", "02:25:06.489"])(
    "waits for one whose splay has not run out when it is first heard of, at %s",
    async (time) => {
      vi.setSystemTime(`2027-03-10T${time}Z`);
      const host = await new FakeHost({ jobs: seen(`2027-03-10T${time}Z`), instance, runsFor: 0 }).run();
      await passUntil("2027-03-11T01:00:00Z");
      expect(host.started).toMatchObject([
        { slot: "2027-03-10T02:00:00.000Z", at: "2027-03-10T02:25:06.489Z", trigger: "schedule", missed: 0 },
      ]);
    },
  );

  test("is made up for where the host slept over its first one", async () => {
    const host = await new FakeHost({ jobs: seen("2027-03-10T12:00:00.000Z"), instance, runsFor: 0 }).run();
    vi.setSystemTime("2027-03-12T09:00:00Z");
    await pass(2 * minute + offset);
    expect(host.started).toMatchObject([
      { slot: "2027-03-12T02:00:00.000Z", at: "2027-03-12T09:27:06.489Z", trigger: "catch-up", missed: 1 },
    ]);
  });

  test("takes no notice of a date that its own next readings bring", async () => {
    const host = await new FakeHost({ jobs: seen("2027-03-08T20:00:00.000Z"), instance, runsFor: 0 }).run();
    host.jobs = seen("2027-03-10T12:01:00.000Z");
    await pass(minute);
    host.reload();
    await pass(offset);
    expect(host.started).toMatchObject([{ slot: "2027-03-10T02:00:00.000Z", trigger: "catch-up" }]);
  });
});

test("a host that slept over a slot notices at the next tick and waits for its splay", async () => {
  const host = await new FakeHost({ jobs: since("2027-03-10T02:00:00.000Z"), instance, runsFor: 0 }).run();
  vi.setSystemTime("2027-03-12T09:00:00Z");
  await pass(2 * minute + offset);
  expect(host.started).toMatchObject([
    { slot: "2027-03-12T02:00:00.000Z", at: "2027-03-12T09:27:06.489Z", trigger: "catch-up", missed: 1 },
  ]);
});

test("a sleep of minutes is no reason to wait for the splay again", async () => {
  const host = await new FakeHost({ jobs: since("2027-03-10T02:00:00.000Z"), instance, runsFor: 0 }).run();
  await passUntil("2027-03-11T02:24:00Z");
  vi.setSystemTime("2027-03-11T02:30:00Z");
  await pass(2 * minute);
  expect(host.started).toMatchObject([{ slot: "2027-03-11T02:00:00.000Z", trigger: "schedule" }]);
});

test("a host that falls asleep while it waits to catch up still catches up", async () => {
  const host = await new FakeHost({ jobs: since("2027-03-08T02:00:00.000Z"), instance, runsFor: 0 }).run();
  await pass(10 * minute);
  vi.setSystemTime("2027-03-10T20:00:00Z");
  await pass(2 * minute + offset);
  expect(host.started).toMatchObject([{ slot: "2027-03-10T02:00:00.000Z", trigger: "catch-up", missed: 1 }]);
});

test("a reload, or another job's run, does not make the daemon forget what it is to make up for", async () => {
  const jobs = [
    ...since("2027-03-09T02:00:00.000Z"),
    { ...nightly, job: "hourly", schedule: "15 * * * *", splay: 0 },
  ];
  const host = await new FakeHost({ jobs, instance, runsFor: minute }).run();
  await pass(10 * minute);
  host.reload();
  await pass(offset);
  expect(host.started.filter((run) => run.job === "default")).toMatchObject([
    { slot: "2027-03-10T02:00:00.000Z", at: "2027-03-10T12:25:06.489Z", trigger: "catch-up", missed: 0 },
  ]);
});

test("a slot that somebody else has served meanwhile is not made up for", async () => {
  const host = await new FakeHost({ jobs: since("2027-03-09T02:00:00.000Z"), instance, runsFor: 0 }).run();
  host.jobs = since("2027-03-10T02:00:00.000Z");
  host.reload();
  await pass(3 * hour);
  expect(host.started).toEqual([]);
});
