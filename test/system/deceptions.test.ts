import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import { agent, Bench } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";

const volumeCount = 3;

async function ids(bench: Bench): Promise<string[]> {
  const { snapshots } = await bench.simulator.control.state();
  return Object.keys(snapshots).sort();
}

describe("a run that would look like a success", () => {
  test("is a failed one if its set had failed by the time it looked", async () => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 7));
    const before = new Set(await ids(bench));
    bench.simulator.control.faults([
      { kind: "partial", action: "CreateSnapshots", seconds: 0 },
      { kind: "delay", action: "DescribeSnapshots", ms: 300 },
    ]);
    const run = await bench.run();
    expect(run.code, run.stderr).not.toBe(0);
    expect(run.report.outcome).toBe("failed");
    expect(run.report.problems.map((problem) => problem.code)).toContain("SnapshotError");
    expect((await ids(bench)).filter((id) => before.has(id))).toHaveLength(before.size);
  });

  test("says so when neither the file nor the instance can be read", async () => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 0));
    await writeFile(bench.config, "version: 1\njobs: { default: { retention: { daily: seven } } }\n");
    bench.simulator.control.faults([{ kind: "denied", action: "DescribeInstances", count: "always" }]);
    const run = await bench.run();
    expect(run.code).not.toBe(0);
    expect(run.report.problems.map((problem) => problem.kind).sort()).toEqual(["configuration", "denied"]);
  });
});

describe("a reader that goes away", () => {
  test.each(["stdout", "stderr"] as const)("on %s does not end the run", async (stream) => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 7));
    const env = {
      PATH: process.env["PATH"],
      STATE_DIRECTORY: bench.state,
      ...bench.simulator.environment,
    };
    const words = [agent, "run", "--config", bench.config, "--log-level", "debug"];
    const child = spawn(process.execPath, words, { env, stdio: ["ignore", "pipe", "pipe"] });
    child[stream].destroy();
    child[stream === "stdout" ? "stderr" : "stdout"].resume();
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code).toBe(0);
    const published = bench.apiCalls().filter((call) => call.action === "PutMetricData");
    expect(published).toHaveLength(1);
  });
});

describe("tags that somebody changed", () => {
  test("cannot make a run remove the newest points", async () => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 7));
    const { control } = bench.simulator;
    const { snapshots } = await control.state();
    const series = `${instance.arn}/default`;
    const byAge = Object.values(snapshots)
      .filter((one) => one.tags[tagKeys.series] === series)
      .sort((a, b) => a.startTime - b.startTime);
    const [oldest, newest] = [byAge[0], byAge.at(-1)];
    const point = newest?.tags[tagKeys.point] ?? "";
    const members = byAge.filter((one) => one.tags[tagKeys.point] === point).map((one) => one.id);
    expect(members).toHaveLength(volumeCount);
    await control.snapshots([{ change: { snapshot: oldest?.id ?? "", tags: { [tagKeys.point]: point } } }]);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(0);
    expect(run.report.problems.map((problem) => problem.code)).toContain("MixedPoint");
    expect(await ids(bench)).toEqual(expect.arrayContaining([...members, oldest?.id]));
  });
});

describe("an incomplete listing", () => {
  test("does not remove a point of which it hides a member", async () => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 7), {}, "{ daily: 2 }");
    const { control } = bench.simulator;
    const { snapshots } = await control.state();
    const before = Object.keys(snapshots);
    control.faults([{ kind: "partial-listing", action: "DescribeSnapshots", items: volumeCount + 1 }]);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(0);
    const byAge = Object.values(snapshots).sort((a, b) => b.startTime - a.startTime);
    const newest = byAge.slice(0, 2 * volumeCount).map((one) => one.id);
    expect(await ids(bench)).toEqual(expect.arrayContaining(newest));
    expect((await ids(bench)).length).toBeLessThanOrEqual(before.length + volumeCount);
  });
});

describe("forget", () => {
  test("removes what only that volume kept, and nothing that the brake had left", async () => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 30), {}, "{ last: 4 }");
    const { control } = bench.simulator;
    const gone =
      Object.keys((await control.state()).volumes)
        .sort()
        .at(-1) ?? "";
    await control.volumes([{ detach: { volume: gone } }]);
    await bench.run();
    const before = await ids(bench);
    const shown = await bench.execute(["forget", gone, "--config", bench.config, "--json"]);
    expect(shown.code, shown.stderr).toBe(0);
    expect(await ids(bench)).toEqual(before);
    const done = await bench.execute(["forget", gone, "--yes", "--config", bench.config, "--json"]);
    expect(done.code, done.stdout).toBe(0);
    // The newest points still have it, by the rules and not by the floor.
    expect(await ids(bench)).toEqual(before);
  });
});

describe("a lock on one member", () => {
  test("holds the whole set, is no error, and does not use up the brake", async () => {
    await using bench = await Bench.start(scenarioOf(volumeCount, 12), {}, "{ last: 4 }");
    const { control } = bench.simulator;
    const series = `${instance.arn}/default`;
    const own = Object.values((await control.state()).snapshots)
      .filter((one) => one.tags[tagKeys.series] === series)
      .sort((a, b) => a.startTime - b.startTime);
    // The last member of each of four old points: the one that would be tried last.
    const locked = [2, 3, 4, 5].map((nth) => own[nth * volumeCount + volumeCount - 1]);
    for (const one of locked)
      await control.snapshots([{ change: { snapshot: one?.id ?? "", lock: "governance" } }]);
    const run = await bench.run();
    expect(run.code, run.stdout).toBe(0);
    const left = await ids(bench);
    for (const one of locked) {
      const set = own.filter((each) => each.tags[tagKeys.point] === one?.tags[tagKeys.point]);
      expect(left).toEqual(expect.arrayContaining(set.map((each) => each.id)));
    }
    expect(run.report.retention?.removals.map((removal) => removal.outcome)).toContain("removed");
  });
});
