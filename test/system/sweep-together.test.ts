import { once } from "node:events";
import { expect, test } from "vitest";
import { startSweep } from "./sweep-kill.ts";
import { fleetOf, lastOnes, pointId, SweepStage } from "./sweep-stage.ts";

const ages = [1, 2, 3, 4, 30, 31, 32];
/** Each wish has six snapshots to lose, four a second. */
const wishes = Array.from({ length: process.env["SOAK"] === undefined ? 5 : 12 }, (_, index) => ({
  number: index + 1,
  ages,
  policy: lastOnes(4),
  volumes: 2,
}));
const kept = wishes.flatMap(({ number }) => [1, 2, 3, 4].map((age) => pointId(number, age))).sort();

test.concurrent("two sweeps at once remove the same, and neither takes the other's work for a fault", async () => {
  await using stage = await SweepStage.start(fleetOf(wishes));
  const both = await Promise.all([stage.sweep(), stage.sweep()]);
  expect(both.map(({ code, report }) => [code, report.units.map(({ problems }) => problems)])).toEqual([
    [0, [[]]],
    [0, [[]]],
  ]);
  expect(await stage.points()).toEqual(kept);
});

test.concurrent("a sweep that is killed in the midst of its work is gone on with by the next one, and no set is left halved", async () => {
  await using stage = await SweepStage.start(fleetOf(wishes));
  const child = startSweep(stage);
  for (let seen = 0, removed = 0; removed < 5; ) {
    const calls = await stage.simulator.control.waitForCalls(seen, 20_000);
    seen = calls.at(-1)?.number ?? seen;
    removed += calls.filter(({ action }) => action === "DeleteSnapshot").length;
    expect(calls.length).toBeGreaterThan(0);
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  expect((await stage.points()).length).toBeGreaterThan(kept.length);
  const swept = await stage.sweep();
  expect(swept.code, swept.stdout).toBe(0);
  expect(await stage.points()).toEqual(kept);
});

test.concurrent("deletions keep below five a second, apart from all else", async () => {
  await using stage = await SweepStage.start(fleetOf(wishes));
  const whole = await stage.sweep();
  expect(whole.code).toBe(0);
  const at = stage.calls().filter(({ action }) => action === "DeleteSnapshot");
  expect(at).toHaveLength(wishes.length * 6);
  const times = at.map(({ time }) => Date.parse(time));
  for (const [index, time] of times.entries()) {
    const within = times.slice(index).filter((other) => other < time + 4_000).length;
    expect(within).toBeLessThanOrEqual(20);
  }
});

test.concurrent("while EC2 turns deletions away it waits, and goes on", async () => {
  await using stage = await SweepStage.start(
    fleetOf([{ number: 1, ages: [1, 2, 3, 4, 30, 31], policy: lastOnes(4) }]),
  );
  stage.simulator.control.faults([{ kind: "throttle", action: "DeleteSnapshot", count: 7 }]);
  const swept = await stage.sweep();
  expect(swept.code, swept.stdout).toBe(0);
  expect(await stage.points()).toEqual(kept.filter((id) => id < pointId(2, 0)));
});
