import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ErrorKind } from "../../src/core/errors.ts";
import { exitCodeOf, exitCodeOfKind, summaryOf } from "../../src/core/report.ts";
import { at, point } from "./points.ts";
import { captured, problem, removal, report } from "./reports.ts";

const table: [ErrorKind, number][] = [
  ["usage", 64],
  ["configuration", 78],
  ["unreachable", 69],
  ["throttled", 69],
  ["unknown-outcome", 69],
  ["denied", 77],
  ["cannot-write", 73],
  ["locked", 75],
  ["interrupted", 130],
  ["not-found", 2],
  ["refused", 2],
  ["unexpected", 2],
];

describe("the exit code", () => {
  test.each(table)("where nothing was done because of %s is %i", (kind, code) => {
    expect(exitCodeOfKind(kind)).toBe(code);
    expect(exitCodeOf([report({ outcome: "failed", problems: [problem(kind)] })])).toBe(code);
  });

  test.each(table)("where a point was made and then %s came about is 1", (kind) => {
    expect(exitCodeOf([report({ outcome: "degraded", points: [captured], problems: [problem(kind)] })])).toBe(
      1,
    );
  });

  test("of a run without errors is 0, whatever warnings and notices there are", () => {
    const problems = [
      problem("refused", "notice"),
      problem("refused", "warning"),
      problem("denied", "warning"),
    ];
    expect(exitCodeOf([report({ problems, points: [captured] })])).toBe(0);
    expect(exitCodeOf([report({ problems, points: [] })])).toBe(0);
  });

  test("of no job at all is 0", () => {
    expect(exitCodeOf([])).toBe(0);
  });

  test("is the specific one if several errors have the same code, and 2 if they do not", () => {
    const failed = (...kinds: ErrorKind[]) =>
      report({ outcome: "failed", problems: kinds.map((kind) => problem(kind)) });
    expect(exitCodeOf([failed("unreachable", "throttled")])).toBe(69);
    expect(exitCodeOf([failed("unreachable", "denied")])).toBe(2);
    expect(exitCodeOf([failed("denied"), failed("denied")])).toBe(77);
    expect(exitCodeOf([failed("denied"), failed("configuration")])).toBe(2);
  });

  test("of several jobs is 1 as soon as one did something and another did not", () => {
    const done = report({ points: [captured] });
    const failed = report({ outcome: "failed", problems: [problem("denied")] });
    const skipped = report({ outcome: "skipped", problems: [problem("locked")] });
    expect(exitCodeOf([done, failed])).toBe(1);
    expect(exitCodeOf([failed, done])).toBe(1);
    expect(exitCodeOf([done, skipped])).toBe(1);
    expect(exitCodeOf([done, done])).toBe(0);
    expect(exitCodeOf([skipped])).toBe(75);
    expect(exitCodeOf([skipped, skipped])).toBe(75);
    expect(exitCodeOf([skipped, failed])).toBe(2);
  });

  test("of a prune is 1 if some points went and others could not, and that of the cause if none went", () => {
    const pruned = (...outcomes: Parameters<typeof removal>[]) =>
      report({
        outcome: "degraded",
        retention: {
          policy: "",
          asOf: "",
          keep: [],
          remove: [],
          postponed: [],
          removals: outcomes.map((outcome) => removal(...outcome)),
        },
        problems: [problem("denied")],
      });
    expect(exitCodeOf([pruned(["removed"], ["failed"])])).toBe(1);
    expect(exitCodeOf([pruned(["failed"])])).toBe(77);
    expect(exitCodeOf([pruned(["held"], ["was-gone"], ["left"])])).toBe(77);
  });

  test("is 0 exactly if there is no error, and never anything but what the table of the help lists", () => {
    const kind = fc.constantFrom(...table.map(([name]) => name));
    const severity = fc.constantFrom("error" as const, "warning" as const, "notice" as const);
    const some = fc
      .record({
        outcome: fc.constantFrom("done" as const, "degraded" as const, "failed" as const, "skipped" as const),
        problems: fc.array(fc.tuple(kind, severity), { maxLength: 3 }),
        made: fc.boolean(),
      })
      .map(({ outcome, problems, made }) =>
        report({
          outcome,
          problems: problems.map((one) => problem(...one)),
          points: made ? [captured] : [],
        }),
      );
    fc.assert(
      fc.property(fc.array(some, { maxLength: 4 }), (reports) => {
        const code = exitCodeOf(reports);
        const wrong = reports.some((one) => one.problems.some(({ severity }) => severity === "error"));
        expect(code === 0).toBe(!wrong);
        expect([0, 1, 2, 64, 69, 73, 75, 77, 78, 130]).toContain(code);
        if (wrong && reports.some((one) => one.points.length > 0)) expect(code).toBe(1);
      }),
      { numRuns: 500 },
    );
  });
});

test("a point in a report names its snapshots, its bytes and when EC2 fixed its data", () => {
  const one = point(at("2027-03-28T01:00"), {
    id: "p",
    volumes: ["vol-a", "vol-b"],
    consistency: "filesystem",
  });
  expect(summaryOf(one)).toEqual({
    id: "p",
    state: "complete",
    captured: "2027-03-28T01:00:00.000Z",
    consistency: "filesystem",
    bytes: 16 * 1024 ** 3,
    snapshots: [
      { id: "snap-p-vol-a", volume: "vol-a", state: "completed" },
      { id: "snap-p-vol-b", volume: "vol-b", state: "completed" },
    ],
  });
});
