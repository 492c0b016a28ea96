import { expect, test } from "vitest";
import { hasFailed, sweepAnswer, sweepMetrics } from "../../src/core/lambda-answer.ts";
import { type Problem, problemOf } from "../../src/core/report.ts";
import type { SweptUnit } from "../../src/core/sweep-report.ts";

const unit = (region: string) => ({ id: `111122223333/${region}`, account: "111122223333", region });
const prune = (removed: number): NonNullable<SweptUnit["prune"]> => ({
  asOf: "2026-01-01T00:00:00.000Z",
  series: 1,
  points: 40,
  snapshots: 80,
  removedSnapshots: removed,
  details: [
    {
      series: "s",
      points: 40,
      kept: 40 - removed,
      removed: Array.from({ length: removed }, (_, index) => `p${index}`),
      marked: [],
      unmarked: [],
      waiting: 0,
      postponed: 3,
      held: 0,
      silent: 0,
      expired: 0,
    },
  ],
});
const stopped = problemOf("error", {
  kind: "interrupted",
  doing: "remove old points",
  found: "told to stop",
});
const share = problemOf("error", {
  kind: "unreachable",
  doing: "sweep x",
  found: "it was not done within 5 s",
  code: "UnitDeadline",
});
const brake = problemOf("error", { kind: "refused", doing: "remove", found: "the brake", code: "Brake" });
const swept = (
  region: string,
  outcome: SweptUnit["outcome"],
  removed: number,
  ...problems: Problem[]
): SweptUnit => ({
  unit: unit(region),
  outcome,
  ms: 10,
  prune: prune(removed),
  problems,
});
const answer = (...units: SweptUnit[]) => sweepAnswer({ run: "r", dryRun: false, units });
const values = (...units: SweptUnit[]) => sweepMetrics(answer(...units)).map(({ value }) => value);

test("what is done is done, in numbers", () => {
  const { outcome, units } = answer(swept("a", "done", 4));
  expect([outcome, hasFailed({ ...answer(swept("a", "done", 4)) })]).toEqual(["done", false]);
  expect(units).toEqual([
    {
      unit: unit("a").id,
      outcome: "done",
      ms: 10,
      points: 40,
      removed: 4,
      marked: 0,
      postponed: 3,
      problems: [],
    },
  ]);
});

test.each(["late", "interrupted"] as const)(
  "one that was stopped (%s) after it had done something has more",
  (how) => {
    const units = [swept("a", how, 4, stopped, share), swept("b", "done", 1)];
    expect(answer(...units)).toMatchObject({
      outcome: "more",
      units: [{ outcome: "more", problems: [] }, {}],
    });
    expect(values(...units)).toEqual([0, 1]);
    expect(hasFailed(answer(...units))).toBe(false);
  },
);

test("one that was stopped before it had done anything is wrong: it might never", () => {
  const units = [swept("a", "late", 0, share), swept("b", "done", 1)];
  expect(answer(...units)).toMatchObject({ outcome: "partly", units: [{ outcome: "late" }, {}] });
  expect(values(...units)).toEqual([1, 0]);
  expect(hasFailed(answer(swept("a", "late", 0, share)))).toBe(true);
});

test("one that was stopped and has met the brake is not to be gone on with at once", () => {
  const units = [swept("a", "late", 4, stopped, brake)];
  expect(answer(...units)).toMatchObject({ outcome: "partly", units: [{ outcome: "partly" }] });
  // Nor is it tried again.
  expect(hasFailed(answer(...units))).toBe(false);
});

test("an answer stays small, however much is wrong", () => {
  const problems = Array.from({ length: 5_000 }, (_, index) =>
    problemOf("error", { kind: "denied", doing: `remove point ${index}`, found: "x".repeat(2_000) }),
  );
  const units = Array.from({ length: 17 * 4 }, (_, index) => swept(`r${index}`, "denied", 0, ...problems));
  expect(JSON.stringify(answer(...units)).length).toBeLessThan(1_000_000);
  expect(hasFailed(answer(...units))).toBe(true);
});
