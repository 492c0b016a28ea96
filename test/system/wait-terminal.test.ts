import path from "node:path";
import { expect, test } from "vitest";
import { need } from "../host/places.ts";
import { AtTerminal, terminalCan, terminalNeed } from "./at-terminal.ts";
import { agent, Bench } from "./bench.ts";
import { scenarioOf } from "./history.ts";

const waits = { settleFor: "60s", settleEvery: "100ms" };

function sit(at: Bench, command: readonly string[]): AtTerminal {
  return new AtTerminal(command, {
    ...at.simulator.environment,
    STATE_DIRECTORY: at.state,
    RUNTIME_DIRECTORY: path.join(at.folder, "run"),
  });
}

const waiting = (at: Bench): string[] => [process.execPath, agent, "--config", at.config, "run", "--wait"];

/** What is written in place of itself. */
const erase = "\u001b[K";

test("at a terminal of 80 columns `run --wait` shows how far the point is, and leaves its report alone", async (context) => {
  need(context, terminalCan, terminalNeed);
  // Snapshots go on as the test moves the clock, by less than what an agent takes for a clock that is wrong.
  const clock = { start: new Date().toISOString(), speed: 0 };
  const scenario = scenarioOf(2, 0, { limits: false, clock, settle: { seconds: 10 } });
  await using at = await Bench.start(scenario, waits);
  const { control } = at.simulator;
  await using person = sit(at, waiting(at));
  await person.sees("   0 %  of 2 snapshots");
  await control.clock({ advance: "5s" });
  await person.sees("  50 %  of 2 snapshots");
  await control.clock({ advance: "4s" });
  await person.sees("  90 %  of 2 snapshots");
  await control.clock({ advance: "1s" });
  expect(await person.end(), person.text).toBe(0);
  const [before = "", ...drawn] = person.text.split(erase);
  expect(before).not.toMatch(/[█░]/);
  const report = drawn.pop() ?? "";
  // The bar is taken away before the report.
  expect(drawn.at(-1)).toMatch(/90 %/);
  expect(report).toContain("complete");
  expect(report).not.toMatch(/[█░]/);
  const percents = drawn.map((line) => {
    const [, full = "", empty = "", percent] = /^(█*)(░*) +(\d+) % {2}of 2 snapshots$/.exec(line) ?? [];
    expect([line.length < 80, full.length + empty.length], line).toEqual([true, 30]);
    expect(full.length, line).toBe(Math.round((Number(percent) / 100) * 30));
    return Number(percent);
  });
  expect(percents).toEqual(percents.toSorted((one, other) => one - other));
  expect(new Set(percents)).toEqual(new Set([0, 50, 90]));
});

test("there is no bar for JSON, nor where what is said goes to no terminal", async (context) => {
  need(context, terminalCan, terminalNeed);
  await using at = await Bench.start(scenarioOf(2, 0, { limits: false, settle: { seconds: 0.3 } }), waits);
  const apart = ["sh", "-c", `"$0" "$@" 2>'${at.folder}/said'; code=$?; cat '${at.folder}/said'; exit $code`];
  for (const [words, says] of [
    [[...waiting(at), "--json"], '"exitCode":0'],
    [[...apart, ...waiting(at)], "complete"],
  ] as const) {
    await using person = sit(at, words);
    expect(await person.end(), person.text).toBe(0);
    expect(person.text).toContain(says);
    expect(person.text).not.toMatch(/[█░]/);
    expect(person.text).not.toContain(erase);
  }
});
