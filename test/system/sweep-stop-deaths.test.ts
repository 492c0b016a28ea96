import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import { stopPrefix } from "../../src/core/sweep-stop.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { killedAt, startSweep } from "./sweep-kill.ts";
import { fleetOf, instanceId, SweepStage, volumeId } from "./sweep-stage.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(`sweeps that stop an instance: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`);

/** The calls of such a sweep, as a list without repetitions that depend on time. */
const calls = [
  ["GetCallerIdentity", 1],
  ["DescribeInstances", 1],
  ["DescribeSnapshots", 1],
  ["DescribeInstances", 2],
  ["DescribeVolumes", 1],
  ["DescribeInstanceTypes", 1],
  ["StopInstances", 1],
  ["StartInstances", 1],
  ["CreateTags", 1],
  ["DescribeInstances", 5],
  ["DescribeSnapshots", 2],
  ["StopInstances", 2],
  ["DescribeInstances", 6],
  ["CreateSnapshots", 1],
  ["StartInstances", 2],
  ["CreateTags", 2],
  ["DeleteTags", 1],
  ["PutMetricData", 1],
] as const;
const deaths = calls.flatMap(([action, index]) =>
  (["hang", "hang-after"] as const).map((kind) => ({ action, index, kind })),
);

function stageOf(): Promise<SweepStage> {
  const tags = { Backup: "yes", Backup_Stop: "yes" };
  const fleet = fleetOf([{ number: 1, ages: [3], tags, volumes: 2 }], { times: { stop: 0.3, start: 0.3 } });
  return SweepStage.start(fleet, "{ create: { stop: true, stopFor: 5s, startFor: 5s } }");
}

async function expectWhole({ simulator }: SweepStage, what: string): Promise<void> {
  const { instances, snapshots } = await simulator.control.state();
  const { state, tags = {} } = instances[instanceId(1)] ?? {};
  expect([state, Object.keys(tags).filter((key) => key.startsWith(stopPrefix))], what).toEqual([
    "running",
    [],
  ]);
  const made = Object.values(snapshots).filter(
    ({ tags: its }) => !its[tagKeys.point]?.startsWith("0fa00000"),
  );
  const points = Map.groupBy(made, ({ tags: its }) => its[tagKeys.point]);
  expect(points.size, `${what}: one point of the slot`).toBe(1);
  expect(made.map(({ volumeId: id }) => id).sort(), what).toEqual([volumeId(1, 0), volumeId(1, 1)]);
}

test("the loop knows every call of such a sweep", async () => {
  await using stage = await stageOf();
  const [code] = (await once(startSweep(stage), "exit")) as [number];
  expect(code).toBe(0);
  await expectWhole(stage, "undisturbed");
  const count = Map.groupBy(stage.calls(), ({ action }) => action);
  for (const [action, index] of calls)
    expect(count.get(action)?.length ?? 0, action).toBeGreaterThanOrEqual(index);
  const known = new Set<string>([...calls.map(([action]) => action), "DescribeAlarms"]);
  expect([...count.keys()].filter((action) => !known.has(action))).toEqual([]);
});

describe.concurrent("a sweep that is killed at a call", () => {
  const chosen = shuffled(deaths, chanceOf(seed)).slice(0, soak ? undefined : 10);
  test.each(chosen)("$action $index ($kind) leaves nothing off for good", async ({ action, index, kind }) => {
    await using stage = await stageOf();
    const { control } = stage.simulator;
    await killedAt(stage, { action, index, kind });
    const what = `${kind} of ${action} ${index}`;
    // A sweep that follows at once leaves alone what another may be about.
    const at = (await control.state()).instances[instanceId(1)];
    if (Object.keys(at?.tags ?? {}).some((key) => key.startsWith(stopPrefix))) {
      const early = await stage.sweep();
      expect(early.report.units[0]?.stops?.left, what).toEqual([instanceId(1)]);
    }
    await control.clock({ advance: "1h" });
    const next = await stage.sweep();
    expect(next.code, `${what}: ${next.stdout}${next.stderr}`).toBe(0);
    await expectWhole(stage, what);
  });
});
