import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import { choosePoint, matching, type PointWish } from "../../src/core/restore-choice.ts";
import { consistencies } from "../../src/core/retention-policy.ts";
import { situations } from "./point-arbitraries.ts";
import { at, day, earlier, everyStep, point } from "./points.ts";

const now = at("2026-11-21T12:00");
const rank = (one: RecoveryPoint) => consistencies.indexOf(one.consistency);

describe("the point that is restored", () => {
  it("is complete, as good and as old as asked, and no such point is younger", () => {
    const wishes = fc.record({
      back: fc.integer({ min: -2, max: 40 }),
      consistency: fc.constantFrom(...consistencies),
    });
    fc.assert(
      fc.property(
        situations({ recorded: "none" }),
        wishes,
        ({ points, now: then }, { back, consistency }) => {
          const limit = earlier(then, back * day);
          const wish: PointWish = { at: limit, consistency };
          const good = points.filter(
            (one) =>
              one.state === "complete" &&
              one.captured <= limit &&
              rank(one) >= consistencies.indexOf(consistency),
          );
          if (good.length === 0) {
            expect(() => choosePoint(points, wish)).toThrow(/^cannot choose the point to restore: /);
            return;
          }
          const { point: chosen, passedOver } = choosePoint(points, wish);
          expect(good).toContain(chosen);
          expect(chosen.captured.getTime()).toBe(Math.max(...good.map((one) => one.captured.getTime())));
          for (const { point: passed } of passedOver) {
            expect(passed.state).not.toBe("complete");
            expect(passed.captured.getTime()).toBeGreaterThanOrEqual(chosen.captured.getTime());
          }
        },
      ),
    );
  });

  it("does not depend on the order of the listing", () => {
    fc.assert(
      fc.property(situations({ recorded: "none", most: 8 }), ({ points }) => {
        const ids = (all: readonly RecoveryPoint[]) => matching(all, {}).map(({ id }) => id);
        expect(ids([...points].reverse())).toEqual(ids(points));
      }),
    );
  });

  const three = everyStep(now, day, 3);
  const [oldest, , newest] = three;

  it("is the very one that is named, by its id, the beginning of it or a snapshot, whatever its state", () => {
    const partial = point(earlier(now, 2 * day), { id: "0193a1b2-aaaa", state: "partial" });
    const all = [...three, partial];
    expect(choosePoint(all, { point: "0193a1b2-aaaa" }).point).toBe(partial);
    expect(choosePoint(all, { point: "0193a1b2" }).point).toBe(partial);
    expect(choosePoint(all, { from: oldest?.snapshots[0]?.id ?? "" }).point).toBe(oldest);
    expect(() => choosePoint(all, { point: "0193a1b" })).toThrow("none of the 4 points is as asked for");
  });

  it("is not guessed where a name is that of several points or the points of several machines", () => {
    const twins = ["0193a1b2-aaaa", "0193a1b2-bbbb"].map((id) => point(now, { id }));
    expect(() => choosePoint(twins, { point: "0193a1b2" })).toThrow(/names 2 points: .*give the whole id/);
    const elsewhere = { ...point(now), instanceArn: "arn:other" };
    expect(() => choosePoint([...three, elsewhere], {})).toThrow(/of 2 instances: .*--instance/);
  });

  it("is of the jobs, and carries the tags, that were asked for", () => {
    const nightly = { ...point(earlier(now, day)), job: "nightly" };
    const [first] = nightly.snapshots;
    const tagged = first && { ...nightly, snapshots: [{ ...first, tags: { Release: "7", Empty: "" } }] };
    const all = tagged === undefined ? [] : [...three, tagged];
    expect(choosePoint(all, { jobs: ["nightly"] }).point).toBe(tagged);
    expect(choosePoint(all, { tags: [{ key: "Release" }] }).point).toBe(tagged);
    expect(
      choosePoint(all, {
        tags: [
          { key: "Release", value: "7" },
          { key: "Empty", value: "" },
        ],
      }).point,
    ).toBe(tagged);
    expect(matching(all, { tags: [{ key: "Release", value: "8" }] })).toEqual([]);
    expect(matching(all, { tags: [{ key: "constructor" }] })).toEqual([]);
    expect(choosePoint(all, { jobs: ["default"] }).point).toBe(newest);
  });

  it("is told to be missing in words that say why", () => {
    const found = (points: readonly RecoveryPoint[], wish: PointWish) => {
      try {
        return choosePoint(points, wish).point.id;
      } catch (error) {
        return error instanceof Error ? error.message : "";
      }
    };
    expect(found([], {})).toContain("there is no recovery point");
    expect(found(three, { at: at("2020-01-01T00:00") })).toContain(
      `the oldest point that was asked for is of ${oldest?.captured.toISOString()}`,
    );
    const pending = point(now, { state: "pending", id: "pending-point" });
    expect(found([pending], {})).toMatch(
      /none of the 1 points .* is complete: they are pending; .*--point pending-point/,
    );
  });
});
