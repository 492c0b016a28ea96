import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCron } from "../../src/core/cron.ts";
import { countSlots, nextSlot, parseSchedule, previousSlot, slotsBetween } from "../../src/core/schedule.ts";
import { cronFields, slotsByLooking, wallClock } from "./schedule-oracle.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "Africa/Cairo",
];
const date = (text: string) => new Date(`${text}Z`);
const zone = fc.constantFrom(...ZONES);
const expression = cronFields.map((fields) => fields.join(" "));
const instant = fc.date({
  min: date("2020-01-01T00:00"),
  max: date("2040-01-01T00:00"),
  noInvalidDate: true,
});
const anySchedule = fc
  .oneof(
    { weight: 4, arbitrary: expression },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 366 * 24 * 60 }).map((minutes) => `every ${minutes}m`),
    },
  )
  .map(parseSchedule);

describe("a slot", () => {
  test.each([
    ["0 2 * * *", "2027-01-01T02:00", "2027-01-02T02:00"],
    ["0 2 * * *", "2027-01-01T01:59:59.999", "2027-01-01T02:00"],
    ["*/15 * * * *", "2027-01-01T23:45", "2027-01-02T00:00"],
    ["0 0 31 * *", "2027-01-31T00:00", "2027-03-31T00:00"],
    ["0 0 29 2 *", "2027-01-01T00:00", "2028-02-29T00:00"],
    ["0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00"],
    ["0 0 29 2 */7", "2088-03-01T00:00", "2128-02-29T00:00"],
    ["0 0 13 * FRI", "2027-08-01T00:00", "2027-08-06T00:00"],
    ["0 0 13 * FRI", "2027-08-06T00:00", "2027-08-13T00:00"],
    ["0 0 1-7 * */7", "2027-08-01T00:00", "2027-09-05T00:00"],
    ["@yearly", "2027-01-01T00:00", "2028-01-01T00:00"],
    ["every 12h", "2027-01-01T00:00", "2027-01-01T12:00"],
    ["every 1w", "2027-01-01T00:00", "2027-01-07T00:00"],
    ["every 7m", "1969-12-31T23:54", "1970-01-01T00:00"],
  ])("of %j after %s UTC is at %s", (text, after, slot) => {
    const schedule = parseSchedule(text);
    expect(nextSlot(schedule, "UTC", date(after))).toEqual(date(slot));
    expect(previousSlot(schedule, "UTC", date(slot))).toEqual(date(slot));
  });

  test.each(["0 2 * * *", "0 * * * *", "every 1h"])("of %j is not looked for at an invalid date", (text) => {
    const never = new Date(Number.NaN);
    expect(() => nextSlot(parseSchedule(text), "UTC", never)).toThrow(RangeError);
    expect(() => previousSlot(parseSchedule(text), "UTC", never)).toThrow(RangeError);
    expect(() => slotsBetween(parseSchedule(text), "UTC", date("2027-01-01T00:00"), never, 10)).toThrow(
      RangeError,
    );
  });

  test("of a period is the same on every machine, whatever its zone", () => {
    for (const name of ZONES) {
      const slot = nextSlot(parseSchedule("every 1d"), name, date("2027-03-28T12:00"));
      expect(slot).toEqual(date("2027-03-29T00:00"));
    }
  });

  test("always lies after the instant it was asked for, and is found again looking back", () => {
    fc.assert(
      fc.property(anySchedule, zone, instant, (schedule, name, after) => {
        const next = nextSlot(schedule, name, after);
        expect(next.getTime()).toBeGreaterThan(after.getTime());
        expect(previousSlot(schedule, name, next)).toEqual(next);
        expect(previousSlot(schedule, name, new Date(next.getTime() - 1)).getTime()).toBeLessThanOrEqual(
          after.getTime(),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test("looking back is followed by no other before the instant it was asked for", () => {
    fc.assert(
      fc.property(anySchedule, zone, instant, (schedule, name, until) => {
        const last = previousSlot(schedule, name, until);
        expect(last.getTime()).toBeLessThanOrEqual(until.getTime());
        expect(nextSlot(schedule, name, last).getTime()).toBeGreaterThan(until.getTime());
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("slots found by jumping are those found by looking at every minute", () => {
  test.each([
    ["UTC", "2028-02-27T00:00", "2028-03-03T00:00"],
    ["Europe/Berlin", "2027-03-26T12:00", "2027-03-30T00:00"],
    ["Europe/Berlin", "2027-10-29T12:00", "2027-11-02T00:00"],
    ["Europe/Dublin", "2027-10-29T12:00", "2027-11-02T00:00"],
    ["America/New_York", "2027-03-13T00:00", "2027-03-16T00:00"],
    ["America/New_York", "2027-11-06T00:00", "2027-11-09T00:00"],
    ["Australia/Lord_Howe", "2027-04-02T00:00", "2027-04-05T00:00"],
    ["Australia/Lord_Howe", "2027-10-01T00:00", "2027-10-04T00:00"],
    ["America/Sao_Paulo", "2018-11-02T00:00", "2018-11-06T00:00"],
    ["America/Sao_Paulo", "2019-02-15T00:00", "2019-02-19T00:00"],
    ["Asia/Beirut", "2027-03-26T00:00", "2027-03-30T00:00"],
    ["Africa/Cairo", "2027-04-28T00:00", "2027-05-02T00:00"],
    ["Africa/Cairo", "2027-10-27T00:00", "2027-10-31T00:00"],
    ["America/St_Johns", "2010-11-05T00:00", "2010-11-09T00:00"],
    ["Africa/Casablanca", "2027-02-05T00:00", "2027-02-09T00:00"],
    ["Antarctica/Troll", "2027-03-26T00:00", "2027-03-30T00:00"],
    ["Antarctica/Troll", "2027-10-29T00:00", "2027-11-02T00:00"],
    ["Pacific/Apia", "2011-12-28T00:00", "2012-01-02T00:00"],
    ["Asia/Kathmandu", "2027-01-30T00:00", "2027-02-02T00:00"],
  ])("in %s from %s to %s UTC", (name, start, end) => {
    // A day of warm-up, so that the oracle knows which times were shown before.
    const from = date(start).getTime() + DAY;
    const clock = wallClock(name, date(start), date(end));
    fc.assert(
      fc.property(expression, (text) => {
        const expected = slotsByLooking(parseCron(text), clock).filter((slot) => slot > from);
        const found = slotsBetween(
          parseSchedule(text),
          name,
          new Date(from),
          date(end),
          Number.POSITIVE_INFINITY,
        );
        expect(found.map((slot) => slot.getTime())).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });
});

describe("slots between two instants", () => {
  const daily = parseSchedule("0 2 * * *");
  const from = date("2027-01-01T02:00");
  const until = date("2027-01-04T02:00");

  test("leave out the first instant and include the last", () => {
    const slots = [date("2027-01-02T02:00"), date("2027-01-03T02:00"), until];
    expect(slotsBetween(daily, "UTC", from, until, 10)).toEqual(slots);
    expect(countSlots(daily, "UTC", from, until)).toBe(3);
  });

  test("stop at the limit with the oldest", () => {
    expect(slotsBetween(daily, "UTC", from, until, 1)).toEqual([date("2027-01-02T02:00")]);
    expect(slotsBetween(daily, "UTC", from, until, 0)).toEqual([]);
    expect(countSlots(daily, "UTC", from, until, 2)).toBe(2);
  });

  test("are none when the end is not after the start", () => {
    expect(slotsBetween(daily, "UTC", until, from, 10)).toEqual([]);
    expect(countSlots(parseSchedule("every 1h"), "UTC", until, from)).toBe(0);
  });

  test("of a period are counted without listing them", () => {
    expect(
      countSlots(parseSchedule("every 1m"), "UTC", date("2000-01-01T00:00"), date("2100-01-01T00:00")),
    ).toBe(36_525 * 1440);
  });
});

describe("a long search", () => {
  test.each([
    ["0 * * * *", 8_760],
    ["0 0-22 * * *", 8_395],
    ["*/5 * * * *", 105_120],
  ])("finds a year of %j: %i slots", (text, count) => {
    const slots = slotsBetween(
      parseSchedule(text),
      "America/Chicago",
      date("2027-01-01T06:00"),
      date("2028-01-01T06:00"),
      Number.POSITIVE_INFINITY,
    );
    expect(Math.abs(slots.length - count)).toBeLessThanOrEqual(1);
  });

  test("finds the rarest date in both directions", () => {
    const rare = parseSchedule("0 0 29 2 */7");
    expect(nextSlot(rare, "Asia/Tokyo", date("2088-03-01T00:00"))).toEqual(date("2128-02-28T15:00"));
    expect(previousSlot(rare, "Asia/Tokyo", date("2128-02-01T00:00"))).toEqual(date("2088-02-28T15:00"));
  });
});
