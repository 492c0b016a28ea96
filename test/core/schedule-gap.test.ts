import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { largestGap } from "../../src/core/largest-gap.ts";
import { parseSchedule, previousSlot, slotsBetween } from "../../src/core/schedule.ts";
import { cronFields } from "./schedule-oracle.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FROM = new Date("2027-01-15T00:00Z");

describe("the largest gap of a schedule", () => {
  test.each([
    ["0 2 * * *", "UTC", 24],
    ["0 2 * * *", "Europe/Berlin", 25],
    ["30 2 * * *", "Australia/Lord_Howe", 24.5],
    ["0 2 * * MON-FRI", "UTC", 72],
    ["0 2 * * MON-FRI", "Europe/Berlin", 73],
    ["0 2,14 * * *", "UTC", 12],
    ["0 2,14 * * *", "Europe/Berlin", 13],
    ["0 * * * *", "UTC", 1],
    ["0 * * * *", "Europe/Berlin", 1],
    ["0 * * * *", "Australia/Lord_Howe", 1.5],
    ["*/15 * * * *", "Europe/Berlin", 0.25],
    ["* * * * *", "Europe/Berlin", 1 / 60],
    ["0,50 9-17 * * *", "UTC", 15 + 10 / 60],
    ["* * * 1 *", "UTC", 335 * 24 + 1 / 60],
    ["0 0 1 * *", "UTC", 31 * 24],
    ["0 0 31 * *", "UTC", 61 * 24],
    ["@yearly", "UTC", 366 * 24],
    ["0 0 29 2 *", "UTC", 1461 * 24],
    ["every 12h", "Europe/Berlin", 12],
  ])("%j in %s is %d hours", (text, zone, hours) => {
    expect(largestGap(parseSchedule(text), zone, FROM)).toBeCloseTo(hours * HOUR, 0);
  });

  test("may be the one that the given instant lies in", () => {
    const leap = new Date("2101-01-01T00:00Z");
    expect(largestGap(parseSchedule("0 0 29 2 *"), "UTC", leap)).toBe((8 * 365 + 1) * DAY);
  });

  test("is never missed and never invented: it is that of all slots listed", () => {
    const schedule = cronFields
      .filter(([minute]) => /^\d+$/.test(minute))
      .map((fields) => parseSchedule(fields.join(" ")));
    fc.assert(
      fc.property(schedule, fc.constantFrom("UTC", "Europe/Berlin", "Australia/Lord_Howe"), (found, zone) => {
        const first = previousSlot(found, zone, FROM);
        const until = new Date(FROM.getTime() + 5 * 366 * DAY);
        const slots = slotsBetween(
          found,
          zone,
          new Date(first.getTime() - 1),
          until,
          Number.POSITIVE_INFINITY,
        );
        let listed = 0;
        for (const [index, slot] of slots.entries()) {
          const next = slots[index + 1];
          if (next !== undefined) listed = Math.max(listed, next.getTime() - slot.getTime());
        }
        const gap = largestGap(found, zone, FROM);
        expect(gap).toBeGreaterThanOrEqual(listed);
        // The last gap begins within the five years and may end after them.
        if (gap > listed) {
          const last = slots.at(-1) ?? first;
          const [next] = slotsBetween(found, zone, last, new Date(8.64e15), 1);
          expect(gap).toBe((next?.getTime() ?? 0) - last.getTime());
        }
      }),
      { numRuns: 60 },
    );
  }, 30_000);

  test("is found without looking at every slot of five years", () => {
    expect(largestGap(parseSchedule("* * * * *"), "America/Denver", FROM)).toBe(60_000);
  });
});
