import { describe, expect, it } from "vitest";
import { daysLeft, describeLock, lockDays, promisedDays } from "../../src/core/lock.ts";
import { planRetention } from "../../src/core/retention.ts";
import type { RetentionPolicy } from "../../src/core/retention-policy.ts";
import { nextSlot, parseSchedule } from "../../src/core/schedule.ts";
import { point } from "./points.ts";

type Rules = Partial<RetentionPolicy["counts"]> & { within?: number };

const day = 86_400_000;

function promised({ within, ...counts }: Rules, schedule?: string, timezone = "UTC"): number {
  return promisedDays({
    retention: { counts, ...(within === undefined ? {} : { within }) },
    schedule,
    timezone,
  });
}

describe("what retention promises", () => {
  it.each<[string, Rules, string | undefined, number]>([
    ["everything for ever", {}, undefined, Number.POSITIVE_INFINITY],
    ["an age", { within: 7 * day }, undefined, 7],
    ["the longer of two", { within: 7 * day, daily: 9 }, "0 2 * * *", 9],
    ["nothing by counts without a schedule", { last: 30, daily: 30 }, undefined, 0],
    ["so many nights", { daily: 14 }, "0 2 * * *", 14],
    ["half of them with two runs a day", { last: 14 }, "0 2,14 * * *", 7],
    ["nothing by days with two runs a day", { daily: 14 }, "0 2,14 * * *", 0],
    ["the shortest of uneven gaps", { last: 1 }, "0 2 1,3 * *", 2],
    ["weeks", { weekly: 4 }, "0 2 * * 0", 28],
    ["weeks of nightly runs not at all", { weekly: 4 }, "0 2 * * *", 0],
    ["months by the shortest of them", { monthly: 1 }, "0 2 1 * *", 28],
    ["a minimum as much as the last ones", { minimum: 3 }, "every 12h", 1],
    ["hours that make no day", { hourly: 23 }, "@hourly", 1],
    ["thousands of runs", { last: 2_880 }, "every 1h", 120],
  ])("is %s", (_, rules, schedule, days) => {
    expect(promised(rules, schedule)).toBe(days);
  });

  it("loses no day by a clock change", () => {
    expect(promised({ daily: 14 }, "0 2 * * *", "Europe/Berlin")).toBe(14);
    expect(promised({ last: 1 }, "30 2 * * *", "Europe/Berlin")).toBe(1);
  });

  it.each<[Rules, string]>([
    [{ daily: 5 }, "0 2 * * *"],
    [{ last: 10 }, "0 2,14 * * *"],
    [{ within: 3 * day, weekly: 2 }, "0 2 * * 0"],
    [{ monthly: 2, last: 2 }, "0 2 1,15 * *"],
  ])("is kept by planRetention in all of a year: %j at %s", (rules, schedule) => {
    const { within, ...counts } = rules;
    const policy = {
      counts,
      ...(within === undefined ? {} : { within }),
      timezone: "Europe/Berlin",
      demanded: "crash",
      shrinkDelay: 0,
    } as const;
    const days = promisedDays({ retention: policy, schedule, timezone: policy.timezone });
    expect(days).toBeGreaterThan(0);
    const parsed = parseSchedule(schedule);
    const points: ReturnType<typeof point>[] = [];
    let slot = new Date("2027-01-01");
    while (slot.getTime() < Date.UTC(2028, 0, 1)) {
      slot = nextSlot(parsed, policy.timezone, slot);
      points.push(point(slot));
      const gone = planRetention(points, policy, slot).remove;
      // The hour of a clock change is forgiven.
      for (const { captured } of gone)
        expect(slot.getTime() - captured.getTime()).toBeGreaterThanOrEqual(days * day - 3_600_000);
    }
  });
});

it("a lock is never longer than retention", () => {
  const wish = { mode: "governance", days: 14 } as const;
  const keeping = { retention: { counts: {}, within: 3 * day }, timezone: "UTC" };
  expect(lockDays(wish, keeping)).toBe(3);
  expect(lockDays(wish, { ...keeping, retention: { counts: {} } })).toBe(14);
  expect(lockDays(wish, { ...keeping, retention: { counts: { last: 9 } } })).toBe(0);
});

it("a lock that was missed ends no later for that", () => {
  const captured = new Date("2027-03-01T02:00:00Z");
  const at = (text: string) => daysLeft(14, captured, new Date(text));
  expect(at("2027-03-01T02:00:00Z")).toBe(14);
  expect(at("2027-03-01T02:00:01Z")).toBe(13);
  expect(at("2027-03-14T02:00:00Z")).toBe(1);
  expect(at("2027-03-14T02:00:01Z")).toBe(0);
  expect(at("2027-02-28T00:00:00Z")).toBe(14);
});

it("is told in words", () => {
  expect(describeLock({ mode: "governance", days: 1 })).toBe("for 1 day in governance mode");
  expect(describeLock({ mode: "compliance", days: 30, coolOff: 24 })).toBe(
    "for 30 days in compliance mode after 24 h of cooling off",
  );
});
