import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { JobTiming } from "../../src/core/timetable.ts";
import { day, FakeHost, hour, minute, pass } from "../fakes/daemon-host.ts";

const nightly: JobTiming = { job: "default", schedule: "0 2 * * *", timezone: "UTC", splay: 0 };

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2027-03-01T12:10:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A daemon with a run at work. */
async function atWork(): Promise<FakeHost & { hasEnded: boolean }> {
  const host = await new FakeHost({ jobs: [nightly] }).run();
  await pass(14 * hour);
  expect(host.started).toHaveLength(1);
  return watched(host);
}

function watched(host: FakeHost): FakeHost & { hasEnded: boolean } {
  const seen = Object.assign(host, { hasEnded: false });
  void host.ended.then(() => {
    seen.hasEnded = true;
  });
  return seen;
}

test("the service manager hears READY once, WATCHDOG at every tick and STOPPING at the end", async () => {
  const host = await new FakeHost({ jobs: [{ ...nightly, schedule: "every 1h" }], runsFor: minute }).run();
  expect(host.notified).toEqual(["READY=1"]);
  await pass(day);
  host.reload();
  await pass(0);
  host.stop();
  await host.ended;
  expect(host.notified.filter((state) => state === "READY=1")).toHaveLength(1);
  expect(host.notified.filter((state) => state === "WATCHDOG=1")).toHaveLength(720);
  expect(host.notified.at(-1)).toBe("STOPPING=1");
  const heard = host.notified.length;
  await pass(hour);
  expect(host.notified).toHaveLength(heard);
});

test("READY does not wait for a timetable that is slow to read", async () => {
  const host = new FakeHost({ jobs: [nightly] });
  host.slowReading = new Promise(() => undefined);
  await host.run();
  expect(host.notified).toEqual(["READY=1"]);
  await pass(4 * minute);
  expect(host.notified).toEqual(["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
});

test("a loop that does not come round any more is not said to live, though its timers go on", async () => {
  const host = new FakeHost({ jobs: [nightly] });
  host.slowReading = new Promise(() => undefined);
  await host.run();
  await pass(hour);
  // The fakes allow five minutes for a turn.
  expect(host.notified).toEqual(["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
});

test("an idle daemon ends at once", async () => {
  const host = watched(await new FakeHost({ jobs: [nightly] }).run());
  host.stop();
  await pass(0);
  expect(host.hasEnded).toBe(true);
});

test("a daemon that is still reading its timetable ends at once and starts nothing", async () => {
  const host = new FakeHost({ jobs: [{ ...nightly, lastSlot: "2027-02-01T02:00:00.000Z" }] });
  host.slowReading = new Promise(() => undefined);
  const seen = watched(await host.run());
  host.stop();
  await pass(0);
  expect(seen.hasEnded).toBe(true);
  expect(host.started).toEqual([]);
  expect(host.logged.filter((line) => line.startsWith("error"))).toEqual([]);
});

test("a run at work is let come to its end", async () => {
  const host = await atWork();
  host.stop();
  await pass(5 * minute - 1);
  expect(host).toMatchObject({ hasEnded: false, started: [{ told: 0 }] });
  host.started[0]?.end();
  await pass(0);
  expect(host.hasEnded).toBe(true);
});

test("a run that takes longer than stopWithin is told to stop, and waited for", async () => {
  const host = await atWork();
  host.stop();
  await pass(5 * minute);
  expect(host).toMatchObject({ hasEnded: false, started: [{ told: 1 }] });
  host.started[0]?.end(143);
  await pass(0);
  expect(host.hasEnded).toBe(true);
});

test("who is in a hurry does not wait for stopWithin", async () => {
  const host = await atWork();
  host.stop();
  await pass(minute);
  expect(host.started[0]?.told).toBe(0);
  host.hurry();
  await pass(0);
  expect(host).toMatchObject({ hasEnded: false, started: [{ told: 1 }] });
  host.started[0]?.end(143);
  await pass(0);
  expect(host.hasEnded).toBe(true);
});

test("a run that was told to stop and goes on is told again by who is in a hurry", async () => {
  const host = await atWork();
  host.stop();
  await pass(6 * minute);
  expect(host.started[0]?.told).toBe(1);
  host.hurry();
  await pass(0);
  expect(host.started[0]?.told).toBe(2);
});

test("no slot is begun while the daemon stops", async () => {
  const host = await new FakeHost({ jobs: [{ ...nightly, schedule: "every 1m" }] }).run();
  await pass(minute);
  host.stop();
  await pass(3 * minute);
  expect(host.started).toHaveLength(1);
});
