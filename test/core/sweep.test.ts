import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import { type RecoveryPoint, restorableVolumes } from "../../src/core/recovery-point.ts";
import { planRetention } from "../../src/core/retention.ts";
import { planSweep, type SeriesPlan } from "../../src/core/sweep.ts";
import type { SeriesGround } from "../../src/core/sweep-expiry.ts";
import {
  defaultSweepSettings,
  type SweepPruneRules,
  type TaggedRules,
} from "../../src/core/sweep-settings.ts";
import { doomedSince, isMarked } from "../../src/core/sweep-tags.ts";
import { type Situation, situations, somePolicy } from "./point-arbitraries.ts";
import { at, day, earlier, idsOf, later, point, policy } from "./points.ts";

const usual = defaultSweepSettings.prune;
const living: SeriesGround = {
  gone: () => false,
  volumeGone: () => false,
  grouped: () => false,
  tagged: [],
};
const goneForGood: SeriesGround = { ...living, gone: () => true, volumeGone: () => true };
const no = { yes: false };
const yes = { yes: true };

const allOf = ({ keep, remove, mark, waiting, postponed }: SeriesPlan) => [
  ...keep,
  ...remove,
  ...mark,
  ...waiting,
  ...postponed,
];

/** Points of which some are marked, since then or with what is no instant. */
const marks = (situation: Situation): fc.Arbitrary<Situation> =>
  fc
    .array(
      fc.oneof(fc.constant(undefined), fc.integer({ min: -2, max: 10 }), fc.constant("spoilt" as const)),
      {
        minLength: situation.points.length,
        maxLength: situation.points.length,
      },
    )
    .map((ages) => ({
      ...situation,
      points: situation.points.map((one, index) => {
        const age = ages[index];
        if (age === undefined) return one;
        const value = age === "spoilt" ? age : earlier(situation.now, age * day).toISOString();
        return withTag(one, tagKeys.doomed, value);
      }),
    }));

function withTag(one: RecoveryPoint, key: string, value: string): RecoveryPoint {
  return {
    ...one,
    snapshots: one.snapshots.map((each) => ({ ...each, tags: { ...each.tags, [key]: value } })),
  };
}

const someTag: fc.Arbitrary<TaggedRules> = somePolicy.map(({ counts, within }) =>
  within === undefined ? { counts } : { counts, within },
);

const someGround: fc.Arbitrary<SeriesGround> = fc
  .record({
    gone: fc.boolean(),
    volumes: fc.subarray(["vol-a", "vol-b", "vol-c", "vol-d"]),
    grouped: fc.boolean(),
    tagged: fc.array(someTag, { maxLength: 2 }),
  })
  .map(({ gone, volumes, grouped, tagged }) => ({
    gone: () => gone,
    volumeGone: (volume) => volumes.includes(volume),
    grouped: () => grouped,
    tagged: gone ? [] : tagged,
  }));

const someRules: fc.Arbitrary<SweepPruneRules> = fc.record(
  {
    expireLastAfter: fc.constantFrom(7 * day, 30 * day),
    expireLastAfterOfGroups: fc.constantFrom(7 * day, 30 * day),
    seriesOfGroups: fc.constant("instance" as const),
    minimumAge: fc.constantFrom(7 * day, 30 * day),
    mark: fc.constantFrom(0, 3 * day),
  },
  { requiredKeys: ["seriesOfGroups", "minimumAge", "mark"] },
);

interface Case extends Situation {
  readonly ground: SeriesGround;
  readonly rules: SweepPruneRules;
}

function always(claim: (one: Case, plan: SeriesPlan, freely: SeriesPlan) => void): void {
  const cases = fc.record({
    situation: situations({ recorded: "any" }).chain(marks),
    ground: someGround,
    rules: someRules,
  });
  fc.assert(
    fc.property(cases, ({ situation, ground, rules }) => {
      const { points, now } = situation;
      const one = { ...situation, ground, rules };
      const freely = planSweep(points, ground, rules, yes, now);
      claim(one, planSweep(points, ground, rules, no, now), freely);
    }),
    { numRuns: 400 },
  );
}

const goesOf = ({ remove, mark, waiting, postponed }: SeriesPlan) => [
  ...remove,
  ...mark,
  ...waiting,
  ...postponed,
];

describe("a sweep's plan of a series", () => {
  test("puts each point in exactly one of its lists", () => {
    always(({ points }, ...plans) => {
      for (const plan of plans) expect(idsOf(allOf(plan))).toEqual(idsOf(points));
    });
  });

  test("gives up nothing of an instance that is there which a run of its agent would keep", () => {
    always(({ points, ground, now }, plan, freely) => {
      const newest = believedNewest(points);
      if (points.some(ground.gone) || typeof newest?.policy !== "object") return;
      const { keep } = planRetention(points, newest.policy, now);
      for (const { point: kept } of keep)
        for (const one of [plan, freely]) expect(goesOf(one)).not.toContain(kept);
    });
  });

  test("gives up nothing that the instance's tag keeps", () => {
    always(({ points, ground, now }, _, freely) => {
      const newest = believedNewest(points);
      if (typeof newest?.policy !== "object") return;
      for (const tag of ground.tagged) {
        if (tag === "unreadable") continue;
        const { timezone, demanded, shrinkDelay } = newest.policy;
        const { keep } = planRetention(points, { ...tag, timezone, demanded, shrinkDelay }, now);
        for (const { point: kept } of keep) expect(goesOf(freely)).not.toContain(kept);
      }
    });
  });

  test("gives up nothing that is held, pending or without a policy that can be read, and nothing at all where the newest has none", () => {
    always(({ points }, _, freely) => {
      const newest = believedNewest(points);
      if (newest !== undefined && typeof newest.policy !== "object") {
        expect(goesOf(freely)).toEqual([]);
        expect(freely.left).toContain(`${newest.id} records`);
      }
      for (const one of goesOf(freely)) {
        expect(one.holds).toEqual([]);
        expect(one.state).not.toBe("pending");
        if (one.state !== "failed") expect(typeof one.policy).toBe("object");
      }
    });
  });

  test("gives up the newest complete point of a volume only where volume and instance are gone for long enough", () => {
    always(({ points, ground, rules, now }, _, freely) => {
      const complete = points.filter(({ state }) => state === "complete");
      const going = new Set(goesOf(freely));
      for (const volume of new Set(complete.flatMap(restorableVolumes))) {
        const holding = complete.filter((one) => restorableVolumes(one).includes(volume));
        const newest = Math.max(...holding.map(({ captured }) => captured.getTime()));
        const last = holding.filter(({ captured }) => captured.getTime() === newest);
        if (!last.every((one) => going.has(one))) continue;
        const [one] = last;
        const limit = one && (ground.grouped(one) ? rules.expireLastAfterOfGroups : rules.expireLastAfter);
        expect(one && ground.gone(one)).toBe(true);
        expect(ground.volumeGone(volume)).toBe(true);
        expect(now.getTime() - newest).toBeGreaterThan(limit ?? Number.POSITIVE_INFINITY);
      }
    });
  });

  test("gives up nothing young by a rule that counts", () => {
    always(({ points, rules, now }, _, freely) => {
      const counted = believedNewest(points)?.policy;
      if (typeof counted !== "object") return;
      const { within, counts } = counted;
      const { minimum: __, ...others } = counts;
      if (within !== undefined && !Object.values(others).some((count) => count)) return;
      for (const one of goesOf(freely))
        if (one.state !== "failed")
          expect(now.getTime() - one.captured.getTime()).toBeGreaterThanOrEqual(rules.minimumAge);
    });
  });

  test("removes and marks within the brake, and what it leaves is told", () => {
    always(({ points }, { remove, mark, postponed }) => {
      const limit = Math.max(3, Math.floor(points.length * 0.2));
      for (const list of [remove, mark])
        expect(list.filter(({ state }) => state !== "failed").length).toBeLessThanOrEqual(limit);
      if (postponed.length > 0) expect(remove.length + mark.length).toBeGreaterThanOrEqual(3);
    });
  });

  test("removes in two steps only what has been marked long enough, and takes the marks off what is kept", () => {
    always(({ rules, now }, _, { keep, remove, mark, waiting, unmark }) => {
      expect(unmark).toEqual(keep.filter(isMarked));
      if (rules.mark === 0) return expect([...mark, ...waiting]).toEqual([]);
      for (const one of remove)
        expect(now.getTime() - (doomedSince(one)?.getTime() ?? now.getTime())).toBeGreaterThanOrEqual(
          rules.mark,
        );
      for (const one of waiting) {
        const since = now.getTime() - (doomedSince(one)?.getTime() ?? 0);
        expect(since).toBeLessThan(rules.mark);
        // A mark of the future is none, or it would wait for ever.
        expect(since).toBeGreaterThanOrEqual(0);
      }
      for (const one of mark) expect(doomedSince(one)?.getTime() ?? Infinity).toBeGreaterThan(now.getTime());
    });
  });

  test("comes to the same for the same points in another order", () => {
    always(({ points, ground, rules, now }, plan) => {
      const other = planSweep([...points].reverse(), ground, rules, no, now);
      expect(other.remove.map(({ id }) => id)).toEqual(plan.remove.map(({ id }) => id));
    });
  });
});

function believedNewest(points: readonly RecoveryPoint[]): RecoveryPoint | undefined {
  return [...points]
    .sort((a, b) => b.captured.getTime() - a.captured.getTime() || (a.id < b.id ? 1 : -1))
    .find(({ state }) => state !== "failed");
}

describe("what is gone for good", () => {
  const now = at("2027-06-16T09:41");
  const rules = { ...usual, expireLastAfter: 30 * day };

  /** One point a day up to the day that the instance went. */
  const daily = (count: number, goneFor: number, wish: Parameters<typeof policy>[0]) =>
    Array.from({ length: count }, (_, index) =>
      point(earlier(now, (goneFor + index) * day), {
        id: `p-${String(index).padStart(4, "0")}`,
        volumes: ["vol-a"],
        policy: policy(wish),
      }),
    );

  /** Sweeps each night until nothing changes for 40 nights; how many nights after the first one each point went. */
  function nights(points: readonly RecoveryPoint[], ground: SeriesGround, by: SweepPruneRules) {
    let left = points;
    const went = new Map<string, number>();
    for (let night = 0; night < 800; night += 1) {
      const today = later(now, night * day);
      const { remove } = planSweep(left, ground, by, no, today);
      for (const { id } of remove) went.set(id, night);
      left = left.filter((one) => !remove.includes(one));
    }
    return { left, went };
  }

  test("goes when it has expired, the brake holding, though the policy keeps the last three", () => {
    const { left, went } = nights(daily(10, 20, { within: 7 * day, minimum: 3 }), goneForGood, rules);
    expect(left).toEqual([]);
    expect(Math.min(...[...went].filter(([id]) => id < "p-0003").map(([, night]) => night))).toBe(11);
  });

  test("stays for ever unless it is said, but of an Auto Scaling group", () => {
    const points = daily(10, 40, { within: 7 * day, minimum: 3 });
    expect(nights(points, goneForGood, usual).left).toHaveLength(3);
    expect(nights(points, { ...goneForGood, grouped: () => true }, usual).left).toEqual([]);
  });

  test("stays while a volume of it is there, or its instance", () => {
    const points = daily(10, 40, { within: 7 * day, minimum: 3 });
    for (const ground of [
      { ...goneForGood, volumeGone: () => false },
      { ...goneForGood, gone: () => false },
    ])
      expect(nights(points, ground, rules).left).toHaveLength(3);
  });

  test("leaves what is held and what is pending, however long ago it went", () => {
    const points = daily(10, 40, { within: 7 * day, minimum: 3 }).map((one, index): RecoveryPoint => {
      if (index === 1) return { ...one, holds: [{ by: "ami", detail: "ami-1" }] };
      return index === 2 ? { ...one, state: "pending" } : one;
    });
    expect(idsOf(nights(points, goneForGood, rules).left)).toEqual(["p-0001", "p-0002"]);
  });

  test("keeps its months as long as the calendar has them, and an empty policy keeps all", () => {
    const points = daily(400, 40, { monthly: 12 });
    const { left, went } = nights(points, goneForGood, rules);
    expect(left).toEqual([]);
    for (const one of points) {
      const night = went.get(one.id) ?? 0;
      const day0 = later(now, night * day);
      const months = (date: Date) => date.getUTCFullYear() * 12 + date.getUTCMonth();
      const isLastOfMonth = one === points.find((each) => months(each.captured) === months(one.captured));
      if (isLastOfMonth) expect(months(day0) - months(one.captured)).toBeGreaterThanOrEqual(12);
    }
    expect(nights(daily(10, 40, {}), goneForGood, rules).left).toHaveLength(10);
  });

  test("a file policy of monthly: 12 and no tags loses no monthly point in 400 days of an instance that lives", () => {
    let left: RecoveryPoint[] = [];
    const begin = at("2026-01-01T02:00");
    for (let night = 0; night < 400; night += 1) {
      const today = later(begin, night * day);
      left.push(
        point(today, {
          id: `p-${String(night).padStart(4, "0")}`,
          volumes: ["vol-a"],
          policy: policy({ monthly: 12 }),
        }),
      );
      const { remove } = planSweep(left, living, usual, no, today);
      left = left.filter((one) => !remove.includes(one));
    }
    const months = new Set(left.map(({ captured }) => captured.toISOString().slice(0, 7)));
    expect([...months].sort().slice(-12)).toEqual([
      "2026-03",
      "2026-04",
      "2026-05",
      "2026-06",
      "2026-07",
      "2026-08",
      "2026-09",
      "2026-10",
      "2026-11",
      "2026-12",
      "2027-01",
      "2027-02",
    ]);
  });
});

test("an instance whose newest point came to nothing keeps all but failed sets, unless a person says otherwise", () => {
  const now = at("2027-06-16T09:41");
  const points = Array.from({ length: 12 }, (_, index) =>
    point(earlier(now, index * 10 * day), {
      id: `p-${index + 10}`,
      volumes: ["vol-a"],
      policy: policy({ last: 3 }),
      state: index === 0 ? "failed" : "complete",
    }),
  );
  expect(planSweep(points, living, usual, no, now).remove).toEqual([points[0]]);
  expect(planSweep(points, living, usual, yes, now).remove).toHaveLength(9);
  expect(planSweep(points, goneForGood, usual, no, now).remove.length).toBeGreaterThan(1);
});

test("points that have lost their series are of whomever: none goes by the policy of another", () => {
  const now = at("2027-06-16T09:41");
  const points = [400, 300, 200, 1].map((age) => ({
    ...point(earlier(now, age * day), { policy: policy({ last: 1 }) }),
    series: "",
  }));
  const { left, keep } = planSweep(points, living, usual, yes, now);
  expect([left, keep.length]).toEqual(["its tags do not say which series it is of", 4]);
});

test("a retention tag that cannot be read keeps the whole series", () => {
  const now = at("2027-06-16T09:41");
  const points = Array.from({ length: 12 }, (_, index) =>
    point(earlier(now, index * 10 * day), {
      id: `p-${index + 10}`,
      volumes: ["vol-a"],
      policy: policy({ last: 3 }),
    }),
  );
  const plan = planSweep(points, { ...living, tagged: ["unreadable"] }, usual, yes, now);
  expect(plan).toMatchObject({ keep: { length: 12 }, left: expect.stringContaining("retention tag") });
});
