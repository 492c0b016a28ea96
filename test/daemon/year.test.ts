import { afterEach, expect, test, vi } from "vitest";
import { splayOf } from "../../src/core/splay.ts";
import { wakeAt } from "../../src/daemon/timetable.ts";
import { day, FakeHost, hour, minute, pass } from "../fakes/daemon-host.ts";

afterEach(() => {
  vi.useRealTimers();
});

const local = new Intl.DateTimeFormat("sv-SE", {
  timeZone: "Europe/Berlin",
  dateStyle: "short",
  timeStyle: "medium",
});

/** The days of a year as a calendar has them. */
function calendar(year: number): string[] {
  const first = Date.UTC(year, 0, 1);
  const days = (Date.UTC(year + 1, 0, 1) - first) / day;
  return Array.from({ length: days }, (_, index) => new Date(first + index * day).toISOString().slice(0, 10));
}

/** The daemon as it is wired, node-cron included, for a year in which nothing else happens. */
async function liveAYear(schedule: string, splay: number): Promise<FakeHost> {
  vi.useFakeTimers({ now: new Date("2027-01-01T00:00:00+01:00") });
  const host = await new FakeHost({
    jobs: [{ job: "default", schedule, timezone: "Europe/Berlin", splay }],
    waits: { tick: day },
    runsFor: minute,
    wakeAt,
  }).run();
  await pass(365 * day);
  host.stop();
  await host.ended;
  return host;
}

test.each(["30 2 * * *", "0 3 * * *", "0 23 * * *"])(
  "a year of `%s` in Berlin is one run on each day, on those of the clock changes too",
  async (schedule) => {
    const host = await liveAYear(schedule, 0);
    const days = host.started.map((run) => local.format(new Date(run.at)).slice(0, 10));
    expect(days).toEqual(calendar(2027));
    expect(
      host.started.filter((run) => run.trigger !== "schedule" || run.missed + run.overlapped > 0),
    ).toEqual([]);
    expect(host.started.filter((run) => run.slot !== run.at)).toEqual([]);
  },
);

test("on the days of the clock changes the run comes at the end of the gap and at the first of two occurrences", async () => {
  const host = await liveAYear("30 2 * * *", 0);
  const slots = host.started.map((run) => run.slot);
  expect(slots).toContain("2027-03-28T01:00:00.000Z");
  expect(slots).toContain("2027-10-31T00:30:00.000Z");
});

test("a year with a splay is one run for each slot, each as late as on any other day", async () => {
  const host = await liveAYear("30 2 * * *", 3 * hour);
  const delays = host.started.map((run) => Date.parse(run.at) - Date.parse(run.slot));
  const delay = Math.ceil(splayOf("i-0123456789abcdef0/default", 3 * hour) / 1000) * 1000;
  expect(delays).toEqual(Array.from({ length: 365 }, () => delay));
});
