import { expect, test } from "vitest";
import type { Fault } from "../../src/simulator/faults.ts";
import { Bench } from "./bench.ts";
import { scenarioOf } from "./history.ts";

const volumeCount = 3;

function refusal(action: string): Fault {
  return {
    kind: "error",
    action,
    status: 403,
    code: "UnauthorizedOperation",
    message: action,
    count: "always",
  };
}

const pairs = [
  { first: "DescribeInstances", second: "DescribeVolumes", code: 77 },
  { first: "DescribeImages", second: "DescribeLockedSnapshots", code: 1 },
];

test.concurrent.each(pairs)("a failure of $first is told, whatever $second does", async (pair) => {
  const { first, second, code } = pair;
  const others: Fault[] = [
    refusal(second),
    { kind: "hang", action: second, count: "always" },
    { kind: "reset-before", action: second, count: "always" },
  ];
  for (const other of others) {
    await using bench = await Bench.start(scenarioOf(volumeCount, 7));
    bench.simulator.control.faults([{ ...refusal(first) }, other]);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(code);
    const errors = run.report.problems.filter((one) => one.severity === "error");
    expect(errors.map((one) => one.found)).toEqual([expect.stringContaining(first)]);
    expect(run.stderr).not.toMatch(/UnhandledPromiseRejection|defect/);
    // The limit of the other's request is ten seconds and it has four of them.
    expect(run.ms).toBeLessThan(9_000);
  }
});

test.concurrent.each(pairs)("of $first and $second neither hangs longer than its deadline", async (pair) => {
  const { first, second, code } = pair;
  await using bench = await Bench.start(scenarioOf(volumeCount, 7), { request: "500ms" });
  bench.simulator.control.faults([
    { kind: "hang", action: first, count: "always" },
    { kind: "hang", action: second, count: "always" },
  ]);
  const run = await bench.run();
  expect(run.code, run.stderr).toBe(code === 77 ? 69 : 1);
  const errors = run.report.problems.filter((one) => one.severity === "error");
  expect(errors).toHaveLength(1);
  expect(run.ms).toBeLessThan(9_000);
});

test.concurrent.each(pairs)("who is told to stop during $first and $second stops", async (pair) => {
  const { first, second } = pair;
  await using bench = await Bench.start(scenarioOf(volumeCount, 7));
  const { control } = bench.simulator;
  control.faults([
    { kind: "hang", action: first, count: "always" },
    { kind: "hang", action: second, count: "always" },
  ]);
  const process = Promise.withResolvers<number>();
  const run = bench.run({ onStart: process.resolve });
  const hanging = () => control.calls().filter((call) => call.outcome?.code === "hang").length;
  while (hanging() < 2) await control.waitForCalls(control.calls().length, 1_000);
  globalThis.process.kill(await process.promise, "SIGTERM");
  const ended = await run;
  expect(ended.code, ended.stderr).toBe(143);
  expect(ended.ms).toBeLessThan(9_000);
});
