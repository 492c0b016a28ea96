import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mostRunning } from "../../src/core/copies.ts";
import { tagsOfCopy } from "../../src/core/copy-tags.ts";
import { copyTag } from "../../src/core/copy-target.ts";
import { tagKeys } from "../../src/core/point-tags.ts";
import type { RecoveryPoint, Snapshot } from "../../src/core/recovery-point.ts";
import {
  type CopyLine,
  type DestinationPlan,
  lagOf,
  planDestination,
  withinRoom,
} from "../../src/core/sweep-copy.ts";
import { type CopyLineGround, copyLinesOf } from "../../src/core/sweep-copy-lines.ts";
import type { SweepInstance } from "../../src/core/sweep-ports.ts";
import { pointHere, snapId } from "./copy-world.ts";
import { at, day, earlier, hour, policy, snapshot } from "./points.ts";

const now = at("2027-06-16T09:41");
const clocks = { now, here: now };
const keeping = policy({ daily: 7, minimum: 3 });
const target = { region: "eu-west-1" };
const from = "eu-central-1";

/** A line of a number of its own with points of as many days, the newest a day old. */
function line(number: number, ages: readonly number[], volumes = 1, more: Partial<CopyLine> = {}): CopyLine {
  const series = `series-${number}`;
  const here = ages.map((age) =>
    pointHere(number * 100 + age, earlier(now, age * day), keeping, {
      volumes,
      tags: { [tagKeys.series]: series },
    }),
  );
  return { series, job: "default", here, target, policy: keeping, ...more };
}

/** What a plan takes, begun. */
function begun(plan: DestinationPlan, running: number, first: number): Snapshot[] {
  const taken = withinRoom(plan.due, running).flatMap(({ plan: { line: its }, sources }) =>
    plan.due.filter(({ order, plan: of }) => of.line === its && sources.has(order.source.id)),
  );
  return taken.map(({ plan: { line: its }, order }, index) =>
    snapshot({
      id: snapId(10_000_000 + first + index),
      volumeId: "vol-ffffffff",
      state: "pending",
      startTime: now,
      tags: tagsOfCopy({ ...order, from, target: its.target, policy: its.policy }).tags,
    }),
  );
}

const someLines = fc
  .array(
    fc.record({
      ages: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
      volumes: fc.integer({ min: 1, max: 5 }),
      isLeft: fc.boolean(),
    }),
    { maxLength: 6 },
  )
  .map((all) =>
    all.map(({ ages, volumes, isLeft }, index) =>
      line(index + 1, ages, volumes, isLeft ? { leftFor: 3 * day } : {}),
    ),
  );

describe("the copies of a unit into one Region", () => {
  test("are never more at once than there is room for, each once, and none that its agent is to make", () => {
    fc.assert(
      fc.property(someLines, fc.nat(30), (lines, running) => {
        const plan = planDestination(lines, [], from, clocks);
        const groups = withinRoom(plan.due, running);
        const count = groups.reduce((sum, { sources }) => sum + sources.size, 0);
        expect(count).toBe(Math.min(plan.due.length, Math.max(0, mostRunning - running)));
        const ids = plan.due.map(({ order }) => order.source.id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const { order, plan: of } of plan.due)
          expect(now.getTime() - order.point.captured.getTime()).toBeGreaterThanOrEqual(of.line.leftFor ?? 0);
      }),
    );
  });

  test("come to be whole in the end, sweep after sweep, none of them twice", () => {
    fc.assert(
      fc.property(someLines, fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }), (lines, busy) => {
        let there: readonly Snapshot[] = [];
        // There is room for one at least, and there are 6 lines of 6 points of 5 volumes at most.
        for (let sweep = 0; sweep < 180; sweep += 1) {
          const plan = planDestination(lines, there, from, clocks);
          if (plan.due.length === 0) break;
          const more = begun(
            plan,
            busy[sweep % busy.length] === 20 ? 19 : (busy[sweep % busy.length] ?? 0),
            sweep * 100,
          );
          there = [...there, ...more].map((one) => ({ ...one, state: "completed" as const }));
        }
        const plan = planDestination(lines, there, from, clocks);
        expect([
          plan.due,
          lagOf(
            plan.lines.filter(({ line: { leftFor } }) => leftFor === undefined),
            now,
          ),
        ]).toEqual([[], 0]);
        const sources = there.map(({ tags }) => tags["Source_SnapshotId"]);
        expect(new Set(sources).size).toBe(sources.length);
      }),
    );
  });

  test("go by turns: what is begun, then the newest of each series, of the one that has none there first, then the oldest", () => {
    const lines = [line(1, [1, 2, 3], 2), line(2, [1, 2]), line(3, [2, 5])];
    const first = planDestination([line(1, [3], 2), line(2, [2])], [], from, clocks);
    const half = begun(first, 0, 0).filter((_, index) => index !== 1);
    const there = half.map((one) => ({ ...one, state: "completed" as const }));
    const order = planDestination(lines, there, from, clocks).due.map(({ plan, order: { point } }) => [
      plan.line.series,
      Math.round((now.getTime() - point.captured.getTime()) / day),
    ]);
    expect(order).toEqual([
      ["series-1", 3],
      ["series-1", 1],
      ["series-1", 1],
      ["series-3", 2],
      ["series-2", 1],
      ["series-3", 5],
      ["series-1", 2],
      ["series-1", 2],
    ]);
  });

  test("that failed go where nothing of their series is left here, and nothing whole does", () => {
    const mine = line(1, [1, 2]);
    const [bad, good] = begun(planDestination([mine], [], from, clocks), 0, 0);
    if (bad === undefined || good === undefined) throw new Error("nothing begun");
    const there = [
      { ...bad, state: "error" as const },
      { ...good, state: "completed" as const },
    ];
    const plan = planDestination([line(2, [1])], there, from, clocks);
    expect(plan.lines.flatMap(({ clear }) => clear)).toEqual([{ copy: there[0], because: "failed" }]);
    expect(
      planDestination([line(2, [1])], there, "us-east-1", clocks).lines.flatMap(({ clear }) => clear),
    ).toEqual([]);
  });
});

describe("where a series is copied to", () => {
  const arn = pointHere(1, now, keeping).instanceArn;
  const instance = { id: "i-1", arn, state: "running", tags: { Copy: "us-east-1" }, volumes: [] };
  const ground: CopyLineGround = {
    unit: { id: "1/eu-central-1", account: "1", region: from },
    instances: [instance as unknown as SweepInstance],
    rules: { targets: [], after: 26 * hour },
    regionsOf: (tags) => (tags["Copy"] === "?" ? "unreadable" : [tags["Copy"] ?? ""].filter(Boolean)),
  };
  const snapshotsOf = (points: readonly RecoveryPoint[]) => points.flatMap(({ snapshots }) => snapshots);
  const points = (record?: string) =>
    snapshotsOf([
      pointHere(1, earlier(now, day), keeping, record === undefined ? {} : { tags: { [copyTag]: record } }),
    ]);
  const regions = (record?: string, change: Partial<CopyLineGround> = {}) =>
    copyLinesOf(points(record), now, { ...ground, ...change }).lines.map((one) => [
      one.target.region,
      one.leftFor,
    ]);

  test("is what its newest point records, then the tag, then the file; each Region once, and never its own", () => {
    expect(regions("eu-west-1")).toEqual([
      ["eu-west-1", 26 * hour],
      ["us-east-1", undefined],
    ]);
    const rules = {
      targets: [{ region: from }, { region: "us-east-1" }, { region: "ap-south-1" }],
      after: hour,
    };
    expect(regions("eu-central-1", { rules }).map(([region]) => region)).toEqual(["us-east-1", "ap-south-1"]);
    expect(regions("eu-west-1", { instances: [] })).toEqual([["eu-west-1", undefined]]);
  });

  test("is nowhere where a record or a tag cannot be read, which is told", () => {
    expect(copyLinesOf(points("?"), now, ground)).toMatchObject({ lines: [], unread: [{}] });
    const faulty = [{ ...instance, tags: { Copy: "?" } } as unknown as SweepInstance];
    expect(copyLinesOf(points(), now, { ...ground, instances: faulty })).toMatchObject({
      lines: [],
      unread: [{}],
    });
    const bare = points("eu-west-1").map((one) => ({
      ...one,
      tags: { ...one.tags, [tagKeys.retention]: "?" },
    }));
    expect(copyLinesOf(bare, now, ground)).toMatchObject({ lines: [], unread: [{}] });
  });
});
