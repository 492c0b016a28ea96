import { describe, expect, test } from "vitest";
import type { Fault } from "../../src/simulator/faults.ts";
import { Bench, type Report, type Waits } from "./bench.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { type FaultName, faults, type Target, table, targetOf, targets } from "./fault-table.ts";
import { scenarioOf } from "./history.ts";
import { expectNoHarm, expectOneGoodRun, newSets } from "./oracle.ts";

const volumeCount = 3;

/** What the next run has to tell of this one, in the order of the runs. */
const aftermath = (name: FaultName): number[] => (name === "later error" ? [1, 0] : [0]);

/** A request that hangs is given up soon, and all others have time even on a busy machine. */
function waitsFor(target: Target, name: FaultName): Waits {
  if (!name.startsWith("hang") && name !== "cut off") return {};
  return target === "CreateSnapshots" ? { capture: "1s" } : { request: "1s" };
}

interface Case {
  readonly target: Target;
  readonly name: FaultName;
  readonly count: 1 | "always";
  readonly code: number;
}

const cases: Case[] = Object.entries(table).flatMap(([target, row]) =>
  Object.entries(row).flatMap(([name, [once, always]]) => [
    { target: target as Target, name: name as FaultName, count: 1 as const, code: once },
    { target: target as Target, name: name as FaultName, count: "always" as const, code: always },
  ]),
);

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 30));
const share = soak ? cases : shuffled(cases, chanceOf(seed)).slice(0, 10);
console.log(
  `faults: SEED=${seed}, ${share.length} of ${cases.length} cases${soak ? "" : " (SOAK=1 for all)"}`,
);

describe.concurrent("a run with a fault does no harm, says the truth, ends, and the next one heals", () => {
  test.each(share)("$target, $name, $count: exit $code", async ({ target, name, count, code }) => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 7), waitsFor(target, name));
    const { control } = bench.simulator;
    const before = await control.state();
    const fault: Fault = { ...targets[target], ...faults[name], count };
    control.faults([fault]);

    const run = await bench.run();
    const after = await control.state();
    expect(run.code, run.stderr).toBe(code);
    expect(bench.simulator.control.calls().some((call) => call.faults.includes(fault.kind))).toBe(true);
    expectNoHarm(before, after, volumeCount);
    expect(newSets(before, after), "a point where something was done").toHaveLength(code <= 1 ? 1 : 0);
    expectSentOnce(bench, name);
    expectTruth(run.report, code);

    control.clearFaults();
    for (const next of aftermath(name)) await healed(bench, next);
    const asked = new Set(control.calls().map(targetOf));
    expect([...asked].sort(), "the table knows every call of a whole run").toEqual(Object.keys(table).sort());
  });
});

/** Only a request that was surely refused may be sent again. */
function expectSentOnce(bench: Bench, name: FaultName): void {
  const sent = bench.apiCalls().filter((call) => call.action === "CreateSnapshots");
  expect(sent.filter((call) => call.outcome?.code !== "RequestLimitExceeded").length).toBeLessThanOrEqual(1);
  if (name !== "throttle") expect(sent.length).toBeLessThanOrEqual(1);
}

/** The report has an error if and only if the exit code says so, and each says what to look at. */
function expectTruth(report: Report, code: number): void {
  const errors = report.problems.filter((problem) => problem.severity === "error");
  if (code === 0) expect(errors).toEqual([]);
  else expect(errors.length).toBeGreaterThan(0);
  for (const error of errors) expect(error.found).not.toBe("");
}

async function healed(bench: Bench, code: number): Promise<void> {
  await bench.tomorrow();
  const before = await bench.simulator.control.state();
  const run = await bench.run();
  expect(run.code, run.stderr).toBe(code);
  expectOneGoodRun(before, await bench.simulator.control.state(), volumeCount);
}
