import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstInstantOf, isTimeZone, offsetAt, shiftsBetween } from "../../src/core/zone.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const utc = (text: string) => Date.parse(`${text}Z`);
const shifts = (zone: string, from: string, until: string) =>
  shiftsBetween(zone, utc(from), utc(until)).map(({ at, before, after }) => [
    new Date(at).toISOString(),
    before / MINUTE,
    after / MINUTE,
  ]);

describe("a time zone", () => {
  test.each([
    ["Europe/Berlin", true],
    ["UTC", true],
    ["America/Argentina/Buenos_Aires", true],
    ["", false],
    ["Berlin", false],
    ["Europe/Atlantis", false],
    ["local", false],
  ])("named %j is known: %j", (name, known) => {
    expect(isTimeZone(name)).toBe(known);
  });

  test("that is unknown is refused where it is used", () => {
    expect(() => offsetAt("Europe/Atlantis", 0)).toThrow(RangeError);
  });

  test.each([
    ["Europe/Berlin", ["2027-03-28T01:00:00.000Z", 60, 120], ["2027-10-31T01:00:00.000Z", 120, 60]],
    ["Europe/Dublin", ["2027-03-28T01:00:00.000Z", 0, 60], ["2027-10-31T01:00:00.000Z", 60, 0]],
    ["Australia/Lord_Howe", ["2027-04-03T15:00:00.000Z", 660, 630], ["2027-10-02T15:30:00.000Z", 630, 660]],
    ["America/New_York", ["2027-03-14T07:00:00.000Z", -300, -240], ["2027-11-07T06:00:00.000Z", -240, -300]],
  ])("%s shifts twice in 2027", (zone, spring, autumn) => {
    expect(shifts(zone, "2027-01-01T00:00", "2028-01-01T00:00")).toEqual([spring, autumn]);
  });

  test("lists a shift from the instant it happens, and not at the end of a span", () => {
    const at = "2027-03-28T01:00";
    expect(shifts("Europe/Berlin", at, "2027-03-28T01:01")).toHaveLength(1);
    expect(shifts("Europe/Berlin", "2027-03-28T00:59", at)).toHaveLength(0);
  });

  test("may shift at midnight UTC", () => {
    expect(shifts("Africa/Cairo", "1975-09-30T12:00", "1975-10-01T12:00")).toEqual([
      ["1975-10-01T00:00:00.000Z", 180, 120],
    ]);
    expect(shifts("Africa/Cairo", "1975-10-01T00:00", "1975-10-01T00:01")).toHaveLength(1);
    expect(offsetAt("Africa/Cairo", utc("1975-10-01T00:00") - 1)).toBe(3 * HOUR);
    expect(offsetAt("Africa/Cairo", utc("1975-10-01T00:00"))).toBe(2 * HOUR);
  });

  test("that skipped a whole day has one shift of 24 hours", () => {
    expect(shifts("Pacific/Apia", "2011-12-01T00:00", "2012-01-01T00:00")).toEqual([
      ["2011-12-30T10:00:00.000Z", -600, 840],
    ]);
  });
});

describe("the first instant of a local time", () => {
  test.each([
    ["an ordinary time", "Europe/Berlin", "2027-06-01T12:00", "2027-06-01T10:00"],
    ["the last minute before a gap", "Europe/Berlin", "2027-03-28T01:59", "2027-03-28T00:59"],
    ["a time in a gap", "Europe/Berlin", "2027-03-28T02:30", "2027-03-28T01:00"],
    ["the end of a gap", "Europe/Berlin", "2027-03-28T03:00", "2027-03-28T01:00"],
    ["a repeated time", "Europe/Berlin", "2027-10-31T02:30", "2027-10-31T00:30"],
    ["the end of an overlap", "Europe/Berlin", "2027-10-31T03:00", "2027-10-31T02:00"],
    ["a skipped midnight", "America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00"],
    ["a time on a skipped date", "Pacific/Apia", "2011-12-30T02:00", "2011-12-30T10:00"],
    ["the date after the skipped one", "Pacific/Apia", "2011-12-31T02:00", "2011-12-30T12:00"],
  ])("%s (%s, %s) is %s UTC", (_, zone, local, instant) => {
    expect(new Date(firstInstantOf(zone, utc(local)))).toEqual(new Date(utc(instant)));
  });

  test("never goes backwards, and shows that local time unless it lies in a gap", () => {
    const zones = [
      "Europe/Berlin",
      "Australia/Lord_Howe",
      "Pacific/Apia",
      "America/St_Johns",
      "Africa/Cairo",
    ];
    const from = utc("2009-01-01T00:00");
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: 0, max: 4 * 365 * 24 * 60 }),
        fc.integer({ min: 0, max: 48 * 60 }),
        (zone, minute, further) => {
          const local = from + minute * MINUTE;
          const instant = firstInstantOf(zone, local);
          expect(firstInstantOf(zone, local + further * MINUTE)).toBeGreaterThanOrEqual(instant);
          const shown = instant + offsetAt(zone, instant);
          expect(shown).toBeGreaterThanOrEqual(local);
          if (shown > local) expect(shiftsBetween(zone, instant, instant + 1)).toHaveLength(1);
          expect(shown - local).toBeLessThanOrEqual(24 * HOUR);
        },
      ),
      { numRuns: 500 },
    );
  });
});
