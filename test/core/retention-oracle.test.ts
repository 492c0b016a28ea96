import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planRetention } from "../../src/core/retention.ts";
import { consistencies } from "../../src/core/retention-policy.ts";
import { situations, zones } from "./point-arbitraries.ts";
import { at, hour, idsOf, keptOf, later, minute, point, policy } from "./points.ts";
import { keptByOracle } from "./retention-oracle.ts";

describe("what the planner keeps", () => {
  test("is what a second, simpler writing of the rules keeps", () => {
    fc.assert(
      fc.property(situations({ recorded: "none", most: 40 }), ({ points, policy, now }) => {
        expect(idsOf(keptOf(planRetention(points, policy, now)))).toEqual(keptByOracle(points, policy, now));
      }),
      { numRuns: 800 },
    );
  });

  test.each([
    ["Europe/Berlin", "2027-03-28T00:30"],
    ["Europe/Berlin", "2027-10-31T00:30"],
    ["America/New_York", "2027-03-14T06:30"],
    ["America/New_York", "2027-11-07T05:30"],
    ["Australia/Lord_Howe", "2027-04-03T14:30"],
    ["Australia/Lord_Howe", "2027-10-02T15:00"],
    ["Africa/Cairo", "2027-04-29T21:30"],
    ["America/Santiago", "2027-04-04T02:30"],
  ])("is the same around the clock change in %s of %s, every ten minutes of it", (zone, change) => {
    const counts = fc.record({
      hourly: fc.integer({ min: 0, max: 12 }),
      daily: fc.integer({ min: 0, max: 3 }),
      weekly: fc.integer({ min: 0, max: 2 }),
    });
    const steps = fc.uniqueArray(fc.integer({ min: -60, max: 60 }), { minLength: 20, maxLength: 121 });
    fc.assert(
      fc.property(
        counts,
        steps,
        fc.infiniteStream(fc.constantFrom(...consistencies)),
        (wish, offsets, how) => {
          const points = offsets.map((step) =>
            point(later(at(change), step * 10 * minute), { consistency: how.next().value ?? "crash" }),
          );
          const rules = policy({ ...wish, timezone: zone, demanded: "filesystem" });
          const now = later(at(change), 11 * hour);
          expect(idsOf(keptOf(planRetention(points, rules, now)))).toEqual(keptByOracle(points, rules, now));
        },
      ),
      { numRuns: 40 },
    );
  });

  test("is the same for a year of points every six hours in every zone", () => {
    for (const zone of zones) {
      const points = Array.from({ length: 4 * 365 }, (_, index) =>
        point(later(at("2026-06-01T03:17"), index * 6 * hour)),
      );
      const rules = policy({
        last: 2,
        hourly: 5,
        daily: 20,
        weekly: 9,
        monthly: 7,
        yearly: 2,
        timezone: zone,
      });
      const now = at("2027-06-01T00:00");
      expect(idsOf(keptOf(planRetention(points, rules, now)))).toEqual(keptByOracle(points, rules, now));
    }
  });
});
