import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planRetention } from "../../src/core/retention.ts";
import { formatPolicy, type RetentionPolicy } from "../../src/core/retention-policy.ts";
import { PrunedSeries } from "../simulations/pruned-series.ts";
import { situations, somePolicy } from "./point-arbitraries.ts";
import {
  at,
  day,
  earlier,
  everyStep,
  hour,
  idsOf,
  keptOf,
  later,
  minute,
  type PolicyWish,
  point,
  policy,
  reasonsOf,
} from "./points.ts";

const now = at("2027-06-16T02:00");

describe("a policy that shrank", () => {
  test("removes only what every policy of the last days gives up as well", () => {
    fc.assert(
      fc.property(situations({ recorded: "any" }), ({ points, policy: inForce, now: moment }) => {
        const { remove } = planRetention(points, inForce, moment);
        for (const { policy: recorded, captured } of points) {
          if (recorded === undefined) continue;
          const delay =
            recorded === "unreadable"
              ? inForce.shrinkDelay
              : Math.max(inForce.shrinkDelay, recorded.shrinkDelay);
          if (captured <= earlier(moment, delay)) continue;
          if (recorded === "unreadable") expect(remove).toEqual([]);
          else {
            const alone = planRetention(points, recorded, moment, { noShrinkDelay: true });
            expect(idsOf(alone.remove)).toEqual(expect.arrayContaining(idsOf(remove)));
          }
        }
      }),
      { numRuns: 600 },
    );
  });

  test("removes by itself alone once a person ends the wait", () => {
    fc.assert(
      fc.property(situations({ recorded: "any" }), ({ points, policy: inForce, now: moment }) => {
        const bare = points.map(({ policy: _, ...rest }) => rest);
        const plan = planRetention(points, inForce, moment, { noShrinkDelay: true });
        expect(idsOf(keptOf(plan))).toEqual(idsOf(keptOf(planRetention(bare, inForce, moment))));
      }),
      { numRuns: 300 },
    );
  });

  test("takes nothing for six days of hourly runs that the policy before it still keeps, and all of it after the wait", () => {
    const grown = fc
      .tuple(somePolicy, somePolicy)
      .filter(([old, shrunk]) => formatPolicy(old) !== formatPolicy(shrunk));
    fc.assert(
      fc.property(grown, fc.integer({ min: 1, max: 30 }), ([old, shrunk], step) => {
        const series = new PrunedSeries();
        const all = new Map<string, ReturnType<PrunedSeries["list"]>[number]>();
        const run = (moment: Date, inForce: RetentionPolicy): void => {
          series.capture(moment, { policy: inForce });
          for (const one of series.list(moment)) all.set(one.id, one);
          series.prune(inForce, moment);
        };
        const changed = at("2027-03-25T00:00");
        const wait = Math.max(old.shrinkDelay, shrunk.shrinkDelay);
        for (let count = 60; count > 0; count -= 1)
          run(earlier(changed, (count - 1) * step * hour + hour), old);
        for (let count = 0; count < 6 * 24; count += 6) {
          // Between two looks the runs go on; the looks are spaced, since each plans over everything ever captured.
          for (let each = 0; each < 6; each += 1) run(later(changed, (count + each) * hour), shrunk);
          const moment = later(changed, (count + 5) * hour);
          const wanted = keptOf(planRetention([...all.values()], old, moment, { noShrinkDelay: true }));
          const present = new Set(series.list(moment).map((one) => one.id));
          const gone = wanted.filter((one) => !present.has(one.id));
          // The wait counts from the last point that recorded the old policy, an hour before the change.
          if (moment < later(changed, wait - hour)) expect(gone).toEqual([]);
        }
        const late = later(changed, wait);
        run(late, shrunk);
        for (let again = 0; again < 40; again += 1) series.prune(shrunk, late);
        const idle = planRetention(series.list(late), shrunk, late, { noShrinkDelay: true });
        expect(idle.remove).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });

  test("waits by the longer of the two delays, so that shortening the delay is no way around it", () => {
    const old = policy({ daily: 30, shrinkDelay: 30 * day });
    const points = everyStep(earlier(now, 10 * day), day, 20, { policy: old });
    const hasty = policy({ last: 1, shrinkDelay: day });
    expect(planRetention(points, hasty, now).remove).toEqual([]);
  });

  test("keeps the newest record of each earlier policy, without which the wait would be forgotten", () => {
    const old = policy({ daily: 3 });
    const newer = policy({ last: 1 });
    const records = everyStep(earlier(now, 2 * day), hour, 5, { policy: old });
    const points = [...records, ...everyStep(now, hour, 5, { policy: newer })];
    const plan = planRetention(points, newer, now);
    expect(reasonsOf(plan, records[4] ?? point(now))).toContain("policy-record");
    const again = planRetention(keptOf(plan), newer, now);
    expect(again.remove).toEqual([]);
  });

  test("names the earlier policy among its reasons", () => {
    const points = everyStep(earlier(now, hour), day, 3, { policy: policy({ daily: 3 }) });
    const plan = planRetention(points, policy({ last: 1 }), now);
    expect(plan.keep[2]?.reasons).toEqual([
      { rule: "shrink-delay", detail: "daily 3 of the earlier policy daily 3 (UTC)" },
    ]);
  });

  test("does not wait for a policy that was recorded longer ago than the delay", () => {
    const since = everyStep(now, hour, 2, { policy: policy({ last: 1 }) });
    const points = everyStep(earlier(now, 7 * day), day, 5, { policy: policy({ daily: 30 }) });
    expect(planRetention([...since, ...points], policy({ last: 1 }), now).remove).toHaveLength(6);
    const younger = everyStep(earlier(now, 7 * day - 1), day, 5, { policy: policy({ daily: 30 }) });
    expect(planRetention([...since, ...younger], policy({ last: 1 }), now).remove).toHaveLength(1);
  });

  test("waits for the next capture where captures are rarer than the delay", () => {
    const monthly = everyStep(earlier(now, 31 * day), 31 * day, 12, {
      policy: policy({ within: 500 * day }),
    });
    const slip = policy({ within: day, minimum: 1 });
    expect(planRetention(monthly, slip, now).remove).toEqual([]);
    const first = point(earlier(now, hour), { id: "first", policy: slip });
    expect(planRetention([first, ...monthly], slip, now).remove).toEqual([]);
    const failed = point(now, { id: "failed", policy: slip, state: "failed" });
    expect(idsOf(planRetention([failed, first, ...monthly], slip, now).remove)).toEqual(["failed"]);
    const second = point(now, { id: "second", policy: slip });
    expect(planRetention([second, first, ...monthly], slip, now).remove).toHaveLength(12);
  });

  test("waits also where only the zone or the demanded consistency changed", () => {
    for (const wish of [{ timezone: "Asia/Kolkata" }, { demanded: "application" }] satisfies PolicyWish[]) {
      const old = policy({ daily: 3 });
      const points = everyStep(now, 5 * hour, 30, { policy: old });
      const kept = idsOf(keptOf(planRetention(points, old, now)));
      const plan = planRetention(points, policy({ daily: 3, ...wish }), now);
      expect(idsOf(keptOf(plan))).toEqual(expect.arrayContaining(kept));
    }
  });

  test("grows at once: what the new policy keeps stays whatever was recorded", () => {
    const points = everyStep(now, day, 10, { policy: policy({ last: 1 }) });
    expect(planRetention(points, policy({ last: 10 }), now).remove).toEqual([]);
  });
});

describe("a recorded policy that cannot be read", () => {
  const points = everyStep(now, day, 20);
  const unreadable = (old: number) => point(earlier(now, old), { id: "unreadable", policy: "unreadable" });

  test("stops all removal while it is recent", () => {
    const plan = planRetention([...points, unreadable(7 * day - minute)], policy({ last: 1 }), now);
    expect(plan.remove).toEqual([]);
  });

  test("is passed over once it is older than the delay", () => {
    const plan = planRetention([...points, unreadable(7 * day)], policy({ last: 1 }), now);
    expect(plan.remove).toHaveLength(20);
  });

  test("does not stop a person who ends the wait", () => {
    const plan = planRetention([...points, unreadable(hour)], policy({ last: 1 }), now, {
      noShrinkDelay: true,
    });
    expect(plan.remove).toHaveLength(20);
  });
});
