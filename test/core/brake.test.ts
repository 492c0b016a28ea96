import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { brake } from "../../src/core/brake.ts";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import { planRetention } from "../../src/core/retention.ts";
import { situations } from "./point-arbitraries.ts";
import { at, day, earlier, everyStep, hour, idsOf, keptOf, point, policy } from "./points.ts";

const now = at("2027-06-16T02:00");

/** A failed set of which nothing was completed. */
const isEmpty = (one: RecoveryPoint): boolean =>
  one.state === "failed" && one.snapshots.every(({ state }) => state !== "completed");

describe("the brake", () => {
  test("lets one run remove at most three points or a fifth of the series, whichever is more, failed ones aside", () => {
    fc.assert(
      fc.property(situations({ recorded: "any", most: 60 }), ({ points, policy: inForce, now: moment }) => {
        const plan = planRetention(points, inForce, moment);
        const { remove, postponed, limit } = brake(plan, false);
        const full = remove.filter((one) => !isEmpty(one));
        const whole = points.filter((one) => !isEmpty(one)).length;
        expect(limit).toBe(Math.max(3, Math.floor(whole / 5)));
        expect(full.length).toBeLessThanOrEqual(limit);
        if (postponed.length > 0) expect(full).toHaveLength(limit);
        expect(idsOf([...remove, ...postponed])).toEqual(idsOf(plan.remove));
        expect(postponed.filter(isEmpty)).toEqual([]);
        for (const gone of full) {
          for (const left of postponed) expect(left.captured >= gone.captured).toBe(true);
        }
      }),
      { numRuns: 600 },
    );
  });

  test("removes all that the plan gives up once a person released it", () => {
    fc.assert(
      fc.property(situations({ recorded: "none", most: 60 }), ({ points, policy: inForce, now: moment }) => {
        const plan = planRetention(points, inForce, moment);
        expect(brake(plan, true)).toMatchObject({ remove: plan.remove, postponed: [] });
      }),
      { numRuns: 200 },
    );
  });

  test("comes to the plan's result over several runs and stops there", () => {
    const points = everyStep(now, hour, 100);
    const rules = policy({ last: 2 });
    let left = points;
    const sizes = Array.from({ length: 25 }, () => {
      const { remove } = brake(planRetention(left, rules, now), false);
      left = left.filter((one) => !remove.includes(one));
      return left.length;
    });
    expect(sizes.slice(0, 4)).toEqual([80, 64, 52, 42]);
    expect(sizes.at(-1)).toBe(2);
    expect(idsOf(left)).toEqual(idsOf(keptOf(planRetention(points, rules, now))));
  });

  test.each([
    [4, 3],
    [15, 3],
    [19, 3],
    [20, 4],
    [100, 20],
  ])("lets a run remove of %i points at most %i", (count, most) => {
    const plan = planRetention(everyStep(now, hour, count), policy({ last: 1 }), now);
    const { remove, postponed } = brake(plan, false);
    expect(remove).toHaveLength(most);
    expect(postponed).toHaveLength(count - 1 - most);
  });

  test("removes the oldest and leaves the newest of those given up", () => {
    const points = everyStep(now, day, 10);
    const { remove, postponed } = brake(planRetention(points, policy({ last: 1 }), now), false);
    expect(idsOf(remove)).toEqual(idsOf(points.slice(0, 3)));
    expect(idsOf(postponed)).toEqual(idsOf(points.slice(3, 9)));
    expect(postponed.at(-1)).toBe(points[3]);
  });

  test("does not count failed sets, neither against the limit nor towards it", () => {
    const failed = Array.from({ length: 90 }, (_, index) =>
      point(earlier(now, index * hour), { id: `failed-${index}`, state: "failed" }),
    );
    const points = everyStep(earlier(now, hour), day, 10);
    const plan = planRetention([...points, ...failed], policy({ last: 1 }), now);
    const { remove, postponed, limit } = brake(plan, false);
    expect(limit).toBe(3);
    expect(remove.filter((one) => one.state === "failed")).toHaveLength(90);
    expect(idsOf(remove.filter((one) => one.state !== "failed"))).toEqual(idsOf(points.slice(0, 3)));
    expect(postponed).toHaveLength(6);
  });
});
