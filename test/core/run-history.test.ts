import { describe, expect, test } from "vitest";
import { medianOf } from "../../src/core/median.ts";
import { durationsOf, readHistory } from "../../src/core/run-history.ts";
import { withRun } from "../../src/core/run-note.ts";
import { note } from "./page-facts.ts";
import { at } from "./points.ts";
import { captured, problem, report } from "./reports.ts";

describe("a run is remembered", () => {
  test("with what its report says of time, stillness, size and errors", () => {
    const error = { ...problem("denied"), remedy: "ask for the right" };
    const [one] = withRun(
      undefined,
      report({
        outcome: "degraded",
        trigger: "catch-up",
        missed: 2,
        settleMs: 60_000,
        points: [captured],
        stillness: { demanded: "application", achieved: "filesystem", hooks: [], frozenMs: 140 },
        series: {
          complete: 1,
          newestComplete: { captured: "2027-03-27T01:00:00.000Z", bytes: 512, ageSeconds: 86_400 },
        },
        problems: [problem("unexpected", "warning"), error, problem("refused")],
      }),
    );
    expect(JSON.parse(JSON.stringify(one))).toEqual({
      run: "run-1",
      started: "2027-03-28T01:00:00.000Z",
      trigger: "catch-up",
      outcome: "degraded",
      elapsedMs: 2_500,
      settleMs: 60_000,
      frozenMs: 140,
      consistency: "filesystem",
      demanded: "application",
      bytes: 512,
      point: "p",
      errors: 2,
      error: "cannot back up: it was denied; ask for the right",
      missed: 2,
    });
  });

  test("and read again as it was written", () => {
    const history = JSON.parse(JSON.stringify(withRun([], report())));
    expect(readHistory(history)).toEqual({ runs: history, unreadable: 0 });
  });

  test("for sixty runs, however long an error is", () => {
    const long = report({ problems: [{ ...problem("denied"), found: "x".repeat(5_000) }] });
    let history: unknown;
    for (let run = 0; run < 100; run++) history = withRun(history, long);
    expect(history).toHaveLength(60);
    expect(JSON.stringify(history).length).toBeLessThan(40_000);
  });
});

describe("a history that is damaged", () => {
  const good = note(at("2027-03-01T02:00"));
  test.each<[string, unknown, number, number]>([
    ["absent", undefined, 0, 0],
    ["no list", { runs: [good] }, 0, 1],
    ["null", null, 0, 1],
    ["one of what is none", [good, null, 7, "run", []], 1, 4],
    ["without a date", [good, { ...good, started: "yesterday" }], 1, 1],
    ["with a negative duration", [good, { ...good, elapsedMs: -1 }], 1, 1],
    ["with a number as text", [good, { ...good, frozenMs: "140" }], 1, 1],
    ["with an error that is no text", [good, { ...good, error: { toString: "x" } }], 1, 1],
  ])("%s gives what is good of it, and says how much is not", (_, kept, runs, unreadable) => {
    const read = readHistory(kept);
    expect([read.runs.length, read.unreadable]).toEqual([runs, unreadable]);
  });

  test("with far more runs than are written gives the last of them", () => {
    const many = Array.from({ length: 200_000 }, (_, index) => ({ ...good, run: `r${index}` }));
    const { runs, unreadable } = readHistory(many);
    expect([runs.length, runs.at(-1)?.run, unreadable]).toEqual([60, "r199999", 0]);
  });

  test("is put in order", () => {
    const runs = [note(at("2027-03-02T02:00")), note(at("2027-03-01T02:00"))];
    expect(readHistory(runs).runs).toEqual([...runs].reverse());
  });
});

test("durations are of runs that made a point, oldest first", () => {
  const { point: _, ...pruned } = note(at("2027-03-02T02:00"), { elapsedMs: 7 });
  const runs = [
    note(at("2027-03-01T02:00"), { elapsedMs: 5 }),
    pruned,
    note(at("2027-03-03T02:00"), { elapsedMs: 9, outcome: "degraded" }),
  ];
  expect(durationsOf(runs)).toEqual([5, 9]);
});

test.each([
  [[], undefined],
  [[3], 3],
  [[9, 1, 5], 5],
  [[4, 1, 100, 2], 3],
])("the median of %j is %j", (values, median) => {
  expect(medianOf(values)).toBe(median);
});
