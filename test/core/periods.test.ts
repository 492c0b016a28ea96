import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Period, periodCounter } from "../../src/core/periods.ts";
import { zones } from "./point-arbitraries.ts";
import { at, hour, later, minute } from "./points.ts";
import { periodName } from "./retention-oracle.ts";

const rules: readonly Period[] = ["hourly", "daily", "weekly", "monthly", "yearly"];

describe("a period of a zone", () => {
  test("is shared by exactly those instants that a wall calendar puts together, and grows with time", () => {
    const instant = fc.date({
      min: at("2026-01-01T00:00"),
      max: at("2029-01-01T00:00"),
      noInvalidDate: true,
    });
    const apart = fc.oneof(fc.integer({ min: 0, max: 4 * 60 }), fc.integer({ min: 0, max: 60 * 24 * 400 }));
    const arbitrary = fc.tuple(fc.constantFrom(...zones), fc.constantFrom(...rules), instant, apart);
    fc.assert(
      fc.property(arbitrary, ([zone, rule, first, minutes]) => {
        const second = later(first, minutes * minute);
        const periodOf = periodCounter(zone);
        const same = periodName(rule, zone, first) === periodName(rule, zone, second);
        const difference = periodOf(rule, second) - periodOf(rule, first);
        expect(same ? difference === 0 : difference > 0).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["Europe/Berlin", "2027-03-27T22:00", "2027-03-28T22:00"],
    ["Europe/Berlin", "2027-10-30T21:00", "2027-10-31T23:00"],
    ["America/New_York", "2027-03-14T04:00", "2027-03-15T04:00"],
    ["Australia/Lord_Howe", "2027-04-03T12:00", "2027-04-04T13:30"],
    ["Australia/Lord_Howe", "2027-10-02T12:30", "2027-10-03T13:00"],
  ])("agrees with a wall calendar in %s for every ten minutes from %s to %s", (zone, start, end) => {
    const periodOf = periodCounter(zone);
    for (const rule of rules) {
      for (let now = at(start); now < at(end); now = later(now, 10 * minute)) {
        const next = later(now, 10 * minute);
        const same = periodName(rule, zone, now) === periodName(rule, zone, next);
        expect(periodOf(rule, next) - periodOf(rule, now) > 0, `${rule} ${now.toISOString()}`).toBe(!same);
      }
    }
  });

  test("is an hour of its own for each of the two hours of an autumn night that show the same time", () => {
    const periodOf = periodCounter("Europe/Berlin");
    const hours = [0, 1, 2, 3].map((count) =>
      periodOf("hourly", later(at("2027-10-30T23:30"), count * hour)),
    );
    expect(new Set(hours).size).toBe(4);
  });

  test("begins a week on Monday, also where the year turns", () => {
    const periodOf = periodCounter("UTC");
    const week = (text: string) => periodOf("weekly", at(text));
    expect(week("2027-01-03T23:59")).toBe(week("2026-12-28T00:00"));
    expect(week("2027-01-04T00:00")).toBe(week("2027-01-03T23:59") + 1);
  });

  test("is the local one: midnight in Berlin is yesterday in UTC", () => {
    const instant = at("2027-06-30T22:30");
    expect(periodCounter("UTC")("monthly", instant)).toBe(2027 * 12 + 5);
    expect(periodCounter("Europe/Berlin")("monthly", instant)).toBe(2027 * 12 + 6);
  });
});
