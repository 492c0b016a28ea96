import { existsSync } from "node:fs";
import { readdir, readFile, utimes } from "node:fs/promises";
import path from "node:path";
import { expect } from "vitest";
import type { Bench, Run } from "./bench.ts";
import { instance } from "./history.ts";
import { expectNoHarm, expectOneGoodRun, newSets } from "./oracle.ts";

export const volumeCount = 2;

/** Points of so many days, of which a run removes one and an image holds another. */
export const days = 6;

type State = Awaited<ReturnType<Bench["simulator"]["control"]["state"]>>;

/** Files of the state that a killed process left half written. */
async function leftovers(bench: Bench): Promise<string[]> {
  const own = path.join(bench.state, instance.id);
  if (!existsSync(own)) return [];
  return (await readdir(own)).filter((name) => !name.endsWith(".json")).map((name) => path.join(own, name));
}

/** Every file that is read again is whole, whenever its writer was killed. */
async function expectWholeFiles(bench: Bench): Promise<{ note?: { point: string } }> {
  const own = path.join(bench.state, instance.id);
  const names = existsSync(own) ? await readdir(own) : [];
  for (const name of names.filter((one) => one.endsWith(".json")))
    expect(JSON.parse(await readFile(path.join(own, name), "utf8")), name).toBeTypeOf("object");
  const job = path.join(own, "job-default.json");
  const log = path.join(bench.state, "removals.jsonl");
  if (existsSync(log)) {
    const text = await readFile(log, "utf8");
    expect(text === "" || text.endsWith("\n")).toBe(true);
    for (const line of text.split("\n").slice(0, -1)) expect(JSON.parse(line)).toHaveProperty("snapshot");
  }
  return existsSync(job) ? JSON.parse(await readFile(job, "utf8")) : {};
}

/** A removal is in the log before it is made. */
async function expectRemovalsRecorded(bench: Bench, before: State, after: State): Promise<void> {
  const log = path.join(bench.state, "removals.jsonl");
  const text = existsSync(log) ? await readFile(log, "utf8") : "";
  for (const id of Object.keys(before.snapshots))
    if (!(id in after.snapshots)) expect(text).toContain(`"snapshot":"${id}"`);
}

/**
 * What holds after a run was killed: no harm, whole files; the next run is clean and tells of the killed
 * one exactly if that one may have captured; the run after it tells nothing more.
 */
export async function expectRecovery(bench: Bench, before: State, gap: string): Promise<void> {
  const { control } = bench.simulator;
  const killed = await control.state();
  expectNoHarm(before, killed, volumeCount);
  const made = newSets(before, killed);
  expect(made.length).toBeLessThanOrEqual(1);
  await expectRemovalsRecorded(bench, before, killed);
  const { note } = await expectWholeFiles(bench);
  if (made.length === 1 && note !== undefined) expect(made[0]?.id).toBe(note.point);

  for (const file of await leftovers(bench)) await utimes(file, new Date(0), new Date(0));
  await control.clock({ advance: gap });
  const between = await control.state();
  const next = await bench.run();
  expect(next.code, next.stderr).toBe(0);
  const healed = await control.state();
  expectOneGoodRun(between, healed, volumeCount);
  expect(endings(next)).toEqual(note === undefined ? [] : [told(note.point, made.length === 1)]);
  await expectRemovalsRecorded(bench, before, healed);
  expect(await expectWholeFiles(bench)).not.toHaveProperty("note");
  expect(await leftovers(bench)).toEqual([]);
}

function told(point: string, made: boolean): string {
  return `it ended without a report; its point ${point} ${made ? "was made and is adopted" : "is not there"}`;
}

function endings(run: Run): string[] {
  return run.report.problems
    .filter((problem) => problem.doing === "finish the run before this one")
    .map((problem) => problem.found);
}

/** A run after all that has nothing to tell. */
export async function expectQuietRun(bench: Bench): Promise<void> {
  await bench.tomorrow();
  const before = await bench.simulator.control.state();
  const run = await bench.run();
  expect(run.code, run.stderr).toBe(0);
  expect(endings(run)).toEqual([]);
  expectOneGoodRun(before, await bench.simulator.control.state(), volumeCount);
}
