import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RecoveryPoint, restorableVolumes } from "../../src/core/recovery-point.ts";
import { planRetention, type RetentionPlan } from "../../src/core/retention.ts";
import { consistencies, formatPolicy, type RetentionPolicy } from "../../src/core/retention-policy.ts";
import { type Situation, situations } from "./point-arbitraries.ts";
import { at, day, earlier, idsOf, keptOf, later, policy } from "./points.ts";

const numRuns = 400;

function always(wish: Parameters<typeof situations>[0], claim: (situation: Situation) => void): void {
  fc.assert(fc.property(situations(wish), claim), { numRuns });
}

/** How good a point is in the eyes of the policy in force: 0 failed, 1 partial, then by consistency. */
function worth(point: RecoveryPoint, { demanded }: RetentionPolicy): number {
  if (point.state === "failed") return 0;
  if (point.state === "partial") return 1;
  return 2 + Math.min(consistencies.indexOf(point.consistency), consistencies.indexOf(demanded));
}

describe("a retention plan", () => {
  test("puts each point in exactly one of its two lists, newest first, and says why each kept one stays", () => {
    always({ recorded: "any" }, ({ points, policy, now }) => {
      const plan = planRetention(points, policy, now);
      expect(idsOf([...keptOf(plan), ...plan.remove])).toEqual(idsOf(points));
      for (const list of [keptOf(plan), plan.remove]) {
        const times = list.map((one) => one.captured.getTime());
        expect(times).toEqual([...times].sort((a, b) => b - a));
      }
      for (const { reasons } of plan.keep) expect(reasons.length).toBeGreaterThan(0);
    });
  });

  test("never removes the newest complete point of any volume that was ever captured", () => {
    always({ recorded: "any" }, ({ points, policy, now }) => {
      const { remove } = planRetention(points, policy, now);
      const complete = points.filter((one) => one.state === "complete");
      for (const volume of new Set(complete.flatMap(restorableVolumes))) {
        const holding = complete.filter((one) => restorableVolumes(one).includes(volume));
        const newest = Math.max(...holding.map((one) => one.captured.getTime()));
        const last = holding.filter((one) => one.captured.getTime() === newest);
        expect(last.some((one) => !remove.includes(one))).toBe(true);
      }
    });
  });

  test("never removes the newest settled point that holds the data of a volume which no complete point contains", () => {
    always({ recorded: "any" }, ({ points, policy, now }) => {
      const { remove } = planRetention(points, policy, now);
      const safe = new Set(points.filter((one) => one.state === "complete").flatMap(restorableVolumes));
      const settled = points.filter((one) => one.state !== "pending");
      for (const volume of new Set(settled.flatMap(restorableVolumes))) {
        if (safe.has(volume)) continue;
        const holding = settled.filter((one) => restorableVolumes(one).includes(volume));
        const newest = Math.max(...holding.map((one) => one.captured.getTime()));
        const last = holding.filter((one) => one.captured.getTime() === newest);
        expect(last.some((one) => !remove.includes(one))).toBe(true);
      }
    });
  });

  test("never removes a pending or held point, nor a set so young that members may not be listed yet", () => {
    always({ recorded: "any" }, ({ points, policy, now }) => {
      for (const one of planRetention(points, policy, now).remove) {
        expect(one.state).not.toBe("pending");
        expect(one.holds).toEqual([]);
        if (one.state === "partial")
          expect(now.getTime() - one.captured.getTime()).toBeGreaterThan(3_599_999);
      }
    });
  });

  test("keeps the same complete points whether or not there are partial, failed and pending ones", () => {
    always({ recorded: "none" }, ({ points, policy, now }) => {
      const complete = points.filter((one) => one.state === "complete");
      const kept = keptOf(planRetention(points, policy, now)).filter((one) => one.state === "complete");
      expect(idsOf(kept)).toEqual(idsOf(keptOf(planRetention(complete, policy, now))));
    });
  });

  test("keeps by its rules the same better points whether or not there are lesser ones, whatever makes them lesser", () => {
    // The floor is no slot: it asks for the newest complete point of a volume, however consistent that is.
    const ruled = (plan: RetentionPlan) =>
      plan.keep
        .filter(({ reasons }) => reasons.some((reason) => reason.rule !== "newest-of-volume"))
        .map((one) => one.point);
    always({ recorded: "none" }, ({ points, policy, now }) => {
      const settled = points.filter((one) => one.state !== "pending");
      const kept = ruled(planRetention(points, policy, now));
      for (const level of [1, 2, 3, 4]) {
        const better = settled.filter((one) => worth(one, policy) >= level);
        const among = kept.filter((one) => better.includes(one));
        expect(idsOf(among)).toEqual(idsOf(ruled(planRetention(better, policy, now))));
      }
    });
  });

  test("keeps everything where the policy has no rules", () => {
    always({ recorded: "any" }, ({ points, now }) => {
      expect(planRetention(points, policy(), now).remove).toEqual([]);
    });
  });

  test("removes nothing from what a plan of the same moment kept", () => {
    always({ recorded: "any" }, ({ points, policy, now }) => {
      const kept = keptOf(planRetention(points, policy, now));
      expect(planRetention(kept, policy, now).remove).toEqual([]);
    });
  });

  test("gives up no more than before when some of what it gave up is gone: an interrupted prune is safe", () => {
    const arbitrary = fc.tuple(situations({ recorded: "any" }), fc.infiniteStream(fc.boolean()));
    fc.assert(
      fc.property(arbitrary, ([{ points, policy, now }, gone]) => {
        const plan = planRetention(points, policy, now);
        const removed = plan.remove.filter(() => gone.next().value === true);
        const rest = points.filter((one) => !removed.includes(one));
        expect(idsOf(keptOf(planRetention(rest, policy, now)))).toEqual(idsOf(keptOf(plan)));
      }),
      { numRuns },
    );
  });

  test("keeps every newer point that it kept before when any older one goes, where no point records another policy", () => {
    for (const recorded of ["none", "in-force"] as const) {
      always({ recorded, most: 16 }, ({ points, policy, now }) => {
        const kept = keptOf(planRetention(points, policy, now));
        for (const old of points) {
          const rest = points.filter((one) => one !== old);
          const { remove } = planRetention(rest, policy, now);
          const newer = kept.filter((one) => one.captured > old.captured);
          expect(newer.filter((one) => remove.includes(one))).toEqual([]);
        }
      });
    }
  });

  test("keeps every newer point that it kept before when an older one goes that is not the newest record of its policy", () => {
    always({ recorded: "any", most: 16 }, ({ points, policy, now }) => {
      const kept = keptOf(planRetention(points, policy, now));
      const text = (one: RecoveryPoint) =>
        one.policy === undefined || one.policy === "unreadable" ? "" : formatPolicy(one.policy);
      for (const old of points) {
        if (old.policy === "unreadable") continue;
        const rest = points.filter((one) => one !== old);
        const recordsElse = old.policy !== undefined && text(old) !== formatPolicy(policy);
        const newerRecord = rest.some((one) => text(one) === text(old) && one.captured > old.captured);
        if (recordsElse && !newerRecord) continue;
        const { remove } = planRetention(rest, policy, now);
        expect(kept.filter((one) => one.captured > old.captured && remove.includes(one))).toEqual([]);
      }
    });
  });

  test("does not depend on the order of the points", () => {
    const shuffled = situations({ recorded: "any" }).chain((situation) =>
      fc
        .shuffledSubarray([...situation.points], { minLength: situation.points.length })
        .map((order) => ({ situation, order })),
    );
    fc.assert(
      fc.property(shuffled, ({ situation: { points, policy, now }, order }) => {
        expect(planRetention(order, policy, now)).toEqual(planRetention(points, policy, now));
      }),
      { numRuns },
    );
  });

  test("leaves the list that it was given as it was", () => {
    always({ recorded: "any" }, ({ points, policy, now }) => {
      const copy = [...points];
      planRetention(points, policy, now);
      expect(points).toEqual(copy);
    });
  });

  test("keeps at an earlier moment all that it keeps at a later one: a clock behind can only keep more", () => {
    const arbitrary = fc.tuple(situations({ recorded: "any" }), fc.integer({ min: 0, max: 5_000 }));
    fc.assert(
      fc.property(arbitrary, ([{ points, policy, now }, days]) => {
        const early = idsOf(keptOf(planRetention(points, policy, earlier(now, days * day))));
        const late = idsOf(keptOf(planRetention(points, policy, now)));
        expect(early).toEqual(expect.arrayContaining(late));
      }),
      { numRuns },
    );
  });

  test("keeps what the counting rules and the floor keep even if the moment is centuries away", () => {
    always({ recorded: "none" }, ({ points, policy, now }) => {
      const { within, ...counting } = policy;
      if (Object.keys(policy.counts).length === 0) return;
      const counted = keptOf(planRetention(points, counting, now));
      const lasting = counted.filter((one) => one.state !== "partial");
      const much = keptOf(planRetention(points, policy, later(now, 100_000 * day)));
      expect(idsOf(much)).toEqual(expect.arrayContaining(idsOf(lasting)));
      expect(keptOf(planRetention(points, policy, at("1971-01-01T00:00"))).length).toBeGreaterThanOrEqual(
        within === undefined ? much.length : points.filter((one) => one.state !== "failed").length,
      );
    });
  });

  test("gives up a volume's last copy only if a person says so by name", () => {
    const arbitrary = fc.tuple(
      situations({ recorded: "any" }),
      fc.subarray(["vol-a", "vol-b", "vol-c", "vol-d"]),
    );
    fc.assert(
      fc.property(arbitrary, ([{ points, policy, now }, forgotten]) => {
        const forget = new Set(forgotten);
        const { remove } = planRetention(points, policy, now, { forget });
        const usual = planRetention(points, policy, now).remove;
        for (const one of remove.filter((candidate) => !usual.includes(candidate))) {
          expect(restorableVolumes(one).some((volume) => forget.has(volume))).toBe(true);
        }
        expect(idsOf(remove)).toEqual(expect.arrayContaining(idsOf(usual)));
      }),
      { numRuns },
    );
  });
});
