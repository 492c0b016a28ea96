import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { JobTiming } from "../../src/core/timetable.ts";
import { FakeHost, hour, pass } from "../fakes/daemon-host.ts";

const hourly: JobTiming = { job: "default", schedule: "every 1h", timezone: "UTC", splay: 0 };

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2027-03-01T12:00:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

test("leftovers are thawed when the daemon starts, before it knows its timetable", async () => {
  const host = new FakeHost({ jobs: [hourly] });
  host.slowReading = new Promise(() => undefined);
  await host.run();
  expect(host.thaws).toEqual(["2027-03-01T12:00:00.000Z"]);
  host.stop();
  await host.ended;
});

test.each([0, 1, 78, 137])("after a run that ends with %i, leftovers are thawed at once", async (code) => {
  const host = await new FakeHost({ jobs: [hourly] }).run();
  host.thaws.length = 0;
  await pass(hour);
  host.started[0]?.end(code);
  await pass(0);
  expect(host.thaws).toHaveLength(1);
  // And the timetable goes on.
  await pass(hour);
  expect(host.started).toHaveLength(2);
  host.started[1]?.end();
  host.stop();
  await host.ended;
});
