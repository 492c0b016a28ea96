import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pointsOf, tagsOf } from "../../src/core/point-tags.ts";
import type { Snapshot } from "../../src/core/recovery-point.ts";
import { planRetention } from "../../src/core/retention.ts";
import { defaultRetention, type RetentionPolicy } from "../../src/core/retention-policy.ts";
import { PrunedSeries } from "../simulations/pruned-series.ts";
import {
  at,
  day,
  earlier,
  everyStep,
  hour,
  idsOf,
  instance,
  job,
  keptOf,
  later,
  minute,
  point,
  policy,
  reasonsOf,
  snapshot,
  volume,
} from "./points.ts";

const start = at("2027-05-01T02:00");
const night = (count: number) => later(start, count * day);
const nameOf = (count: number) => `point-${night(count).toISOString()}`;
const nights = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => nameOf(first + index)).sort();

describe("a volume that is detached", () => {
  const root = volume({ id: "vol-aaa", root: true, device: "/dev/xvda" });
  const data = volume({ id: "vol-bbb" });

  test("keeps its last copy for the whole month that it is away, and as long after as no newer one is complete", () => {
    const series = new PrunedSeries();
    const rules = policy({ within: 7 * day, minimum: 3 });
    const run = (count: number, volumes: readonly (typeof root)[], settle = 0) => {
      series.capture(night(count), { policy: rules, volumes, settle });
      series.prune(rules, night(count));
      return idsOf(series.list(night(count)));
    };
    for (let count = 0; count < 10; count += 1) run(count, [root, data]);
    for (let count = 10; count < 40; count += 1) {
      expect(run(count, [root])).toContain(nameOf(9));
    }
    expect(run(40, [root, data], 90 * minute)).toContain(nameOf(9));
    expect(run(41, [root, data])).toEqual(nights(34, 41));
  });
});

describe("a fortnight of runs that fail", () => {
  const rules = policy({ within: 7 * day, minimum: 3 });

  test("removes nothing, since only a captured run prunes; the first success then removes what is old and leaves the minimum", () => {
    const series = new PrunedSeries();
    const success = (count: number, settle = 0) => {
      series.capture(night(count), { policy: rules, settle });
      return series.prune(rules, night(count));
    };
    for (let count = 0; count <= 10; count += 1) success(count);
    expect(idsOf(series.list(night(10)))).toEqual(nights(3, 10));
    // Nights 11 to 24 make no point, so that nothing is asked to be removed.
    const healed = success(25, hour);
    expect(idsOf(healed.removed)).toEqual(nights(3, 5));
    expect(idsOf(series.list(night(25)))).toEqual([...nights(6, 10), nameOf(25)].sort());
    // The point of night 25 was pending and counted for nothing; complete, it takes its place.
    success(26, hour);
    success(27, hour);
    success(28, hour);
    expect(idsOf(series.list(night(28)))).toEqual([...nights(25, 28)].sort());
  });

  test("keeps every period that holds a point, however long ago it was", () => {
    const series = new PrunedSeries();
    const daily = policy({ daily: 7 });
    for (let count = 0; count <= 10; count += 1) series.capture(night(count), { policy: daily });
    series.prune(daily, night(10), true);
    series.capture(night(200), { policy: daily });
    expect(series.prune(daily, night(200)).removed.map((one) => one.id)).toEqual([nameOf(4)]);
  });

  test("that leave failed sets behind cleans those up and lets them take no slot", () => {
    const series = new PrunedSeries();
    const last = policy({ last: 3 });
    for (let count = 0; count <= 2; count += 1) series.capture(night(count), { policy: last });
    for (let count = 3; count <= 16; count += 1) series.capture(night(count), { policy: last, fails: true });
    series.capture(night(17), { policy: last, settle: hour });
    const { removed } = series.prune(last, night(17));
    expect(idsOf(removed)).toEqual(nights(3, 16));
    expect(idsOf(series.list(night(17)))).toEqual([...nights(0, 2), nameOf(17)]);
  });
});

describe("a slip of the pen in a Retention tag", () => {
  const old = policy({ within: 7 * day, minimum: 3 });
  const slip = policy({ within: day, minimum: 3 });
  const series = () => {
    const made = new PrunedSeries();
    for (let count = 0; count <= 20; count += 1) run(made, count, old);
    return made;
  };
  const run = (made: PrunedSeries, count: number, rules: RetentionPolicy) => {
    made.capture(night(count), { policy: rules });
    made.prune(rules, night(count));
    return idsOf(made.list(night(count)));
  };

  test("removes for a week only what the policy before it gives up as well", () => {
    const made = series();
    for (let count = 21; count < 27; count += 1)
      expect(run(made, count, slip)).toEqual(nights(count - 7, count));
  });

  test("leaves no trace if it is put right within the week", () => {
    const made = series();
    for (let count = 21; count < 27; count += 1) run(made, count, slip);
    for (let count = 27; count < 50; count += 1)
      expect(run(made, count, old)).toEqual(nights(count - 7, count));
  });

  test("comes into force after the week, in steps that the brake allows", () => {
    const made = series();
    for (let count = 21; count < 27; count += 1) run(made, count, slip);
    expect(run(made, 27, slip)).toHaveLength(9 - 3);
    expect(run(made, 28, slip)).toHaveLength(7 - 3);
    expect(run(made, 29, slip)).toEqual(nights(27, 29));
  });

  test("that is the default policy of a series that kept everything also waits", () => {
    const made = new PrunedSeries();
    for (let count = 0; count <= 30; count += 1) run(made, count, policy());
    for (let count = 31; count < 37; count += 1)
      expect(run(made, count, defaultRetention)).toEqual(nights(0, count));
  });
});

describe("a set", () => {
  const volumes = ["vol-0a", "vol-0b", "vol-0c"].map((id, index) =>
    volume({ id, device: `/dev/sd${"fgh"[index]}` }),
  );
  const rules = policy({ last: 2 });
  const set = (name: string, startTime: Date): Snapshot[] => {
    const birth = {
      pointId: name,
      runId: "run",
      job: job({ retention: rules }),
      instance,
      captured: startTime,
    };
    const { tags } = tagsOf({ ...birth, volumes, version: "1" });
    return volumes.map(({ id }) => snapshot({ id: `snap-${name}-${id}`, volumeId: id, startTime, tags }));
  };
  const sets = (...old: number[]) => old.flatMap((ms) => set(`p${ms / minute}`, earlier(start, ms)));

  test("of which the removal was interrupted is never taken for complete again, and the next plan finishes it", () => {
    const four = sets(4 * day, 3 * day, 2 * day, day);
    for (const left of [["vol-0a"], ["vol-0b"], ["vol-0a", "vol-0c"]]) {
      const oldest = `p${(4 * day) / minute}`;
      const rest = four.filter(({ id, volumeId }) => !id.includes(oldest) || left.includes(volumeId));
      const points = pointsOf(rest, start);
      expect(points.find((one) => one.id === oldest)?.state).toBe("partial");
      expect(idsOf(planRetention(points, rules, start).remove)).toContain(oldest);
    }
  });

  test("is given up again after any interruption of its removal, whatever else there is", () => {
    const ages = fc.uniqueArray(fc.integer({ min: 2, max: 2_000 }), { minLength: 1, maxLength: 12 });
    const counts = fc.record({
      last: fc.nat(3),
      daily: fc.nat(3),
      monthly: fc.nat(2),
      within: fc.nat(9 * day),
    });
    const cut = fc.subarray(
      volumes.map((one) => one.id),
      { minLength: 1, maxLength: 2 },
    );
    fc.assert(
      fc.property(ages, counts, cut, (hours, wish, gone) => {
        const snapshots = sets(...hours.map((count) => count * hour));
        const wanted = policy(wish);
        const options = { noShrinkDelay: true };
        const { remove } = planRetention(pointsOf(snapshots, start), wanted, start, options);
        for (const { id } of remove) {
          const rest = snapshots.filter(
            (one) => !(one.id.includes(`-${id}-`) && gone.includes(one.volumeId)),
          );
          const again = planRetention(pointsOf(rest, start), wanted, start, options);
          expect(again.remove.find((one) => one.id === id)?.state).toBe("partial");
          expect(idsOf(again.remove)).toEqual(idsOf(remove));
        }
      }),
      { numRuns: 100 },
    );
  });

  test("that is listed by halves stays while it is young, for EC2 may not show all of it yet", () => {
    const young = sets(59 * minute).slice(0, 2);
    const points = pointsOf([...young, ...sets(day, 2 * day, 3 * day)], start);
    const half = points.find((one) => one.id === "p59");
    expect(half?.state).toBe("partial");
    expect(idsOf(planRetention(points, policy({ last: 0 }), start, { noShrinkDelay: true }).remove)).toEqual([
      "p2880",
      "p4320",
    ]);
    const hourOld = later(start, minute);
    expect(
      idsOf(planRetention(points, policy({ last: 0 }), hourOld, { noShrinkDelay: true }).remove),
    ).toContain("p59");
  });

  test("that is listed by halves never pushes out a whole one", () => {
    const points = pointsOf([...sets(2 * hour).slice(0, 1), ...sets(day, 2 * day)], start);
    expect(idsOf(planRetention(points, rules, start).remove)).toEqual([]);
  });
});

describe("a point that is held", () => {
  const asOf = at("2027-06-16T12:00");
  const old = at("2025-01-01T00:00");
  const listed = (tags: Record<string, string>) =>
    pointsOf(
      [snapshot({ id: "snap-old", startTime: old, tags: { "ec2-backup:point": "old", ...tags } })],
      asOf,
    );
  const newer = everyStep(asOf, day, 5);
  const plan = (points: Parameters<typeof planRetention>[0]) =>
    planRetention([...newer, ...points], policy({ last: 5 }), asOf);

  test.each([
    { KeepForever: "yes" },
    { DeleteOn: "2027-06-17" },
    { "aws:backup:source-resource": "arn" },
    { "aws:dlm:lifecycle-policy-id": "policy-1" },
  ])("by the tag %j stays, and the plan says what holds it", (tags) => {
    const { keep, remove } = plan(listed(tags as Record<string, string>));
    expect(remove).toEqual([]);
    expect(keep.at(-1)?.reasons).toMatchObject([{ rule: "held" }]);
  });

  test.each(["ami", "lock", "refused"] as const)("by something outside its tags (%s) stays", (by) => {
    const held = point(old, { id: "old", holds: [{ by, detail: "because" }] });
    expect(plan([held]).keep.at(-1)?.reasons).toEqual([{ rule: "held", detail: `${by}: because` }]);
  });

  test("stays even if its set failed", () => {
    const held = point(old, { state: "failed", holds: [{ by: "ami", detail: "ami-1" }] });
    expect(plan([held]).remove).toEqual([]);
  });

  test.each([{}, { KeepForever: "no" }])("is gone once nothing holds it any more (%j)", (tags) => {
    expect(idsOf(plan(listed(tags)).remove)).toEqual(["old"]);
  });

  test("by a DeleteOn is free on that day, which is no reason to remove what the rules keep", () => {
    const points = listed({ DeleteOn: "2026-01-01" });
    expect(idsOf(plan(points).remove)).toEqual(["old"]);
    expect(planRetention([...newer, ...points], policy({ last: 6 }), asOf).remove).toEqual([]);
  });

  test("takes its slot among the rules like any other", () => {
    const held = point(asOf, { id: "held", holds: [{ by: "lock", detail: "until 2030" }] });
    const points = [
      held,
      point(earlier(asOf, hour), { id: "second" }),
      point(earlier(asOf, 2 * hour), { id: "third" }),
    ];
    expect(idsOf(planRetention(points, policy({ last: 2 }), asOf).remove)).toEqual(["third"]);
  });
});

describe("points at the same instant", () => {
  test("count as two, and which one goes does not depend on the order of the listing", () => {
    const twins = [point(start, { id: "one" }), point(start, { id: "two" })];
    for (const points of [twins, twins.toReversed()]) {
      expect(idsOf(planRetention(points, policy({ last: 1 }), start).remove)).toEqual(["one"]);
      expect(idsOf(planRetention(points, policy({ daily: 1 }), start).remove)).toEqual(["one"]);
      expect(planRetention(points, policy({ last: 2 }), start).remove).toEqual([]);
    }
  });

  test("are judged by their quality before their order", () => {
    const twins = [
      point(start, { id: "one", consistency: "application" }),
      point(start, { id: "two", consistency: "crash" }),
    ];
    const demanding = policy({ daily: 1, demanded: "application" });
    const plan = planRetention(twins, demanding, start);
    expect(reasonsOf(plan, twins[0] ?? point(start))).toEqual(["daily"]);
    // The crash-consistent one stays too, but only as the newest complete copy of its volume.
    expect(reasonsOf(plan, twins[1] ?? point(start))).toEqual(["newest-of-volume"]);
  });
});

describe("the rules", () => {
  const now = at("2027-06-16T12:00");

  test("give each point that they keep its number within the rule", () => {
    const plan = planRetention(everyStep(now, 12 * hour, 4), policy({ last: 1, daily: 3 }), now);
    expect(plan.keep.map(({ reasons }) => reasons.map((reason) => reason.detail))).toEqual([
      ["last 1", "daily 1", "the newest complete point of vol-1"],
      ["daily 2"],
    ]);
  });

  test("keep a point of exactly the age of `within` and none older", () => {
    const points = [point(earlier(now, day)), point(earlier(now, day + 1)), point(now)];
    expect(planRetention(points, policy({ within: day }), now).remove).toEqual([points[1]]);
  });

  test("let what is better than demanded count as no better than what is demanded", () => {
    const points = [
      point(now, { consistency: "filesystem" }),
      point(earlier(now, hour), { consistency: "application" }),
    ];
    const plan = planRetention(points, policy({ daily: 1, demanded: "filesystem" }), now);
    expect(keptOf(plan)).toEqual([points[0]]);
  });

  test("still give a period that has nothing better to a lesser point", () => {
    const points = [
      point(now, { consistency: "crash" }),
      point(earlier(now, day), { consistency: "application" }),
      point(earlier(now, 2 * day), { state: "partial" }),
    ];
    expect(planRetention(points, policy({ daily: 3, demanded: "application" }), now).remove).toEqual([]);
  });
});

describe("a series that nothing adds to any more", () => {
  const held = [{ by: "keep-forever" as const, detail: "KeepForever" }];
  const points = [
    point(start, { state: "pending" }),
    point(earlier(start, day)),
    point(earlier(start, 2 * day), { holds: held }),
    point(earlier(start, 3 * day), { policy: policy({ last: 9 }) }),
  ];

  test("goes as a whole where a person says so, but for what is held or not settled", () => {
    const plan = planRetention(points, policy({ last: 9, minimum: 3 }), start, { whole: true });
    expect(plan.remove).toEqual([points[1], points[3]]);
    expect(keptOf(plan)).toEqual([points[0], points[2]]);
  });

  test("is kept by its rules for ever where nobody says so", () => {
    expect(planRetention(points, policy({ last: 9 }), later(start, 900 * day)).remove).toEqual([]);
  });
});
