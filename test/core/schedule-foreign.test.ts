import fc from "fast-check";
import cron from "node-cron";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseSchedule, slotsBetween } from "../../src/core/schedule.ts";
import { cronFields } from "./schedule-oracle.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The next runs that node-cron foresees in UTC. */
function foreseen(expression: string, after: Date, count: number): number[] {
  vi.setSystemTime(after);
  const task = cron.createTask(expression, () => {}, { timezone: "Etc/UTC" });
  try {
    return task.getNextRuns(count).map((run) => run.getTime());
  } finally {
    task.destroy();
  }
}

test("node-cron foresees the same slots in UTC", () => {
  const instant = fc.date({
    min: new Date("2026-01-01T00:00Z"),
    max: new Date("2029-01-01T00:00Z"),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(cronFields, instant, ([minute, hour, dayOfMonth, month, dayOfWeek], after) => {
      const expression = [minute, hour, dayOfMonth, month, dayOfWeek].join(" ");
      const schedule = parseSchedule(expression);
      // node-cron demands both day fields where cron is content with either, so there each is asked for alone.
      const either = schedule.kind === "cron" && schedule.eitherDay;
      const asked = either
        ? [`${minute} ${hour} ${dayOfMonth} ${month} *`, `${minute} ${hour} * ${month} ${dayOfWeek}`]
        : [expression];
      const runs = new Set(asked.flatMap((one) => foreseen(one, after, 5)));
      const expected = [...runs].sort((a, b) => a - b).slice(0, 5);
      const slots = slotsBetween(schedule, "UTC", after, new Date(8.64e15), 5);
      expect(slots.map((slot) => slot.getTime())).toEqual(expected);
    }),
    { numRuns: 400 },
  );
}, 60_000);
