import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { Scenario, ScenarioSnapshot } from "../../src/simulator/scenario.ts";
import { Bench } from "./bench.ts";

const day = 86_400_000;
const start = Date.parse("2027-03-20T12:00:00Z");
const instance = "i-0123456789abcdef0";
const volumeId = "vol-0123456789abcdef0";

function made(id: string, days: number, tags: Record<string, string>): ScenarioSnapshot {
  const startTime = new Date(start - days * day).toISOString();
  return { id: `snap-${id.padStart(17, "0")}`, volumeId, volumeSize: 8, startTime, tags };
}

const scenario: Scenario = {
  clock: { start: new Date(start).toISOString(), speed: 0 },
  instances: [{ id: instance }],
  volumes: [{ id: volumeId, size: 8, attachments: [{ instance, device: "/dev/xvda" }] }],
  snapshots: [
    ...[1, 2, 10, 20].map((days) => made(`a${days}`, days, { CreatedBy: "AutomatedBackup", Name: "x" })),
    made("b1", 3, { Name: "by hand" }),
    made("c1", 3, { "aws:backup:source-resource": "x" }),
  ],
};

async function governed(bench: Bench, name: string): Promise<void> {
  const file = path.resolve(import.meta.dirname, `../../policies/${name}.json`);
  const documents = [await readFile(file, "utf8")];
  await bench.simulator.control.settings({ policies: [{ principal: "*", documents }] });
}

test.concurrent("what another tool has made is shown, then tagged on demand, and never removed by that", async () => {
  await using bench = await Bench.start(scenario);
  const words = ["sweep", "adopt", "--from", "bash-snapshot", "--config", bench.config];
  const ids = async () => Object.keys((await bench.simulator.control.state()).snapshots).sort();
  const before = await ids();
  // The right to look is enough to be shown it.
  await governed(bench, "audit");
  const shown = await bench.execute(words);
  expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining("--yes writes the tags")]);
  expect(bench.apiCalls().filter(({ action }) => action === "CreateTags")).toEqual([]);
  const denied = await bench.execute([...words, "--yes"]);
  expect(denied.code).toBe(77);
  await governed(bench, "adopt");
  const done = await bench.execute([...words, "--yes", "--json"]);
  expect(done.code, done.stdout).toBe(0);
  const { units } = JSON.parse(done.stdout) as { units: { adopted: string[] }[] };
  expect(units[0]?.adopted).toHaveLength(4);
  const { snapshots } = await bench.simulator.control.state();
  const marked = Object.values(snapshots).filter(
    ({ tags }) => tags["ec2-backup:adopted"] === "bash-snapshot",
  );
  expect(marked.map(({ tags }) => [tags["CreatedBy"], tags["Name"]])).toEqual(
    Array(4).fill(["AutomatedBackup", "x"]),
  );
  expect(await ids()).toEqual(before);
  // A second time there is nothing left to take over.
  const again = await bench.execute([...words, "--yes", "--json"]);
  expect([
    again.code,
    (JSON.parse(again.stdout) as typeof done & { units: { adopt: [] }[] }).units[0]?.adopt,
  ]).toEqual([0, []]);
}, 120_000);

test.concurrent("what was taken over is pruned by a sweep, as long as the tool itself would have kept it, and nothing else is", async () => {
  await using bench = await Bench.start(scenario);
  const config = ["--config", bench.config];
  const adopted = await bench.execute(["sweep", "adopt", "--from", "bash-snapshot", "--yes", ...config]);
  expect(adopted.code, adopted.stdout + adopted.stderr).toBe(0);
  const swept = await bench.execute(["sweep", "--only", "prune", "--yes", "--json", ...config]);
  expect(swept.code, swept.stdout).toBe(0);
  const left = Object.keys((await bench.simulator.control.state()).snapshots);
  expect(left.map((id) => id.replace(/^snap-0+/, "")).sort()).toEqual(["a1", "a2", "b1", "c1"]);
}, 120_000);

test.concurrent("a tool that nobody knows, and one that is AWS's own, are refused as usage", async () => {
  await using bench = await Bench.start(scenario);
  for (const from of ["nobody", "aws-backup", "janitor"]) {
    const refused = await bench.execute(["sweep", "adopt", "--from", from, "--config", bench.config]);
    expect(refused.code).toBe(64);
  }
}, 120_000);
