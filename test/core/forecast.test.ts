import { describe, expect, test } from "vitest";
import { brake } from "../../src/core/brake.ts";
import { expectedAt, forecast, mostRuns } from "../../src/core/forecast.ts";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import { planRetention } from "../../src/core/retention.ts";
import type { RetentionPolicy } from "../../src/core/retention-policy.ts";
import { at, day, earlier, everyStep, hour, later, minute, point, policy } from "./points.ts";

const now = at("2027-03-20T07:30");
const nights = Array.from({ length: 56 }, (_, index) => later(at("2027-03-21T02:00"), index * day));
const daily = policy({ daily: 7, weekly: 4, minimum: 3 });
const fortnight = everyStep(at("2027-03-20T02:00"), day, 14, { policy: daily });

/** The same, said plainly: one run after the other, each with a plan of its own. */
function plainly(points: readonly RecoveryPoint[], wanted: RetentionPolicy, slots: readonly Date[]) {
  let there = [...points];
  const gone = new Map<string, string>();
  slots.forEach((slot, index) => {
    there = [...there, expectedAt(slot, points.at(-1), wanted, index)];
    for (const { id } of brake(planRetention(there, wanted, slot), false).remove)
      gone.set(id, slot.toISOString());
    there = there.filter(({ id }) => !gone.has(id));
  });
  return { there, leaving: new Map([...gone].filter(([id]) => points.some((one) => one.id === id))) };
}

describe("what retention will do", () => {
  test("of a nightly job is what each of its runs would decide", () => {
    const ahead = forecast(fortnight, daily, nights, now, 8);
    const { there, leaving } = plainly(fortnight, daily, nights);
    expect(new Map([...ahead.leaving].sort())).toEqual(new Map([...leaving].sort()));
    expect(leaving.size).toBeGreaterThan(5);
    expect(ahead.weeks.at(-1)?.points).toBe(there.length);
    expect(ahead).toMatchObject({ runs: 56, shortened: false, until: "2027-05-15T07:30:00.000Z" });
  });

  test("of an hourly job is right to the day, and exact at the end of each", () => {
    const wanted = policy({ hourly: 48, daily: 5 });
    const points = everyStep(at("2027-03-20T07:00"), hour, 60, { policy: wanted });
    const slots = Array.from({ length: 10 * 24 }, (_, index) => later(at("2027-03-20T08:00"), index * hour));
    const ahead = forecast(points, wanted, slots, now, 1);
    const exact = plainly(
      points,
      wanted,
      slots.filter((slot) => slot.getTime() <= now.getTime() + 7 * day),
    );
    expect([...ahead.leaving.keys()].sort()).toEqual([...exact.leaving.keys()].sort());
    for (const [id, when] of exact.leaving) {
      const late = Date.parse(ahead.leaving.get(id) ?? "") - Date.parse(when);
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(day);
    }
    expect(ahead.weeks.at(-1)?.points).toBe(exact.there.length);
  });

  test("is exact of the next run, also where many follow on the same day", () => {
    const slots = Array.from({ length: 48 }, (_, index) => later(at("2027-03-20T08:00"), index * hour));
    const { leaving } = forecast(everyStep(now, hour, 6), policy({ last: 6 }), slots, now, 1);
    expect([...leaving.values()].sort()[0]).toBe(slots[0]?.toISOString());
  });

  test("adds up from week to week", () => {
    const { weeks } = forecast(fortnight, daily, nights, now, 8);
    expect(weeks).toHaveLength(9);
    weeks.slice(1).forEach(({ points, made, removed }, index) => {
      expect(points).toBe((weeks[index]?.points ?? 0) + made - removed);
    });
    expect(weeks.slice(1).every(({ made }) => made === 7)).toBe(true);
  });

  test("never takes what is held, nor the only copy of a volume that is gone", () => {
    const held = point(at("2027-01-01T02:00"), { holds: [{ by: "ami", detail: "snap-1 is used by ami-1" }] });
    const former = point(at("2027-01-02T02:00"), { volumes: ["vol-9"] });
    const plain = point(at("2027-01-03T02:00"));
    const { leaving } = forecast([held, former, plain, ...fortnight], daily, nights, now, 8);
    expect([leaving.has(held.id), leaving.has(former.id), leaving.has(plain.id)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("is braked as a run is", () => {
    const many = everyStep(at("2027-03-20T02:00"), day, 100);
    const { leaving } = forecast(many, policy({ last: 3 }), nights, now, 8);
    const first = [...leaving.values()].filter((when) => when === nights[0]?.toISOString());
    expect(first).toHaveLength(20);
  });

  test("takes what is pending for complete by the next run", () => {
    const pending = point(earlier(now, hour), { state: "pending" });
    const settled = everyStep(at("2027-03-20T02:00"), day, 5);
    const { leaving } = forecast([pending, ...settled], policy({ last: 2 }), nights, now, 8);
    expect(leaving.get(pending.id)).toBe(nights[1]?.toISOString());
  });

  test("takes only empty sets in the first run after one that did not become complete", () => {
    const failed = point(earlier(now, 2 * day), { state: "failed" });
    const partial = point(earlier(now, hour), { state: "partial" });
    const { leaving } = forecast([partial, failed, ...fortnight], policy({ last: 1 }), nights, now, 8);
    expect([...leaving].filter(([, when]) => when === nights[0]?.toISOString()).map(([id]) => id)).toEqual([
      failed.id,
    ]);
  });

  test.each([
    ["every minute", minute, 20],
    ["every minute over thousands of points", minute, 5_000],
  ])("is bounded and says so for a job that runs %s", (_, step, count) => {
    const wanted = policy({ last: 100, daily: 7 });
    const points = everyStep(now, step, count, { policy: wanted });
    const slots = Array.from({ length: mostRuns + 1 }, (_, index) => later(now, (index + 1) * step));
    const ahead = forecast(points, wanted, slots, now, 8);
    expect(ahead.shortened).toBe(true);
    expect(ahead.runs).toBeLessThanOrEqual(mostRuns);
    expect(Date.parse(ahead.until)).toBeLessThan(now.getTime() + 56 * day);
    expect(ahead.weeks[0]?.points).toBe(count);
  });

  test("is bounded by the number of points as well", () => {
    const slots = Array.from({ length: 56 * 24 }, (_, index) => later(now, (index + 1) * hour));
    const ahead = forecast(everyStep(now, minute, 30_000), policy(), slots, now, 8);
    expect(ahead.shortened).toBe(true);
    expect(ahead.runs).toBeLessThan(24 * 21);
    expect(ahead.weeks.at(-1)?.at).toBe(later(now, (ahead.weeks.length - 1) * 7 * day).toISOString());
  });

  test("of a series without points begins with none", () => {
    const { weeks } = forecast([], daily, nights, now, 8);
    expect(weeks[0]).toMatchObject({ points: 0 });
    expect(weeks[1]).toMatchObject({ points: 7, made: 7, removed: 0 });
  });
});
