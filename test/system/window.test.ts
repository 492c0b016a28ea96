import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fault } from "../../src/simulator/faults.ts";
import { chanceOf } from "./chance.ts";
import {
  captures,
  hindrance,
  longestStall,
  metric,
  type Observed,
  shortestStall,
  tag,
  WindowLab,
} from "./window-lab.ts";
import { freezesIn, tracer } from "./window-trace.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const rounds = soak ? 40 : 10;
if (hindrance === undefined)
  console.log(`freeze window: SEED=${seed}, ${rounds} rounds${soak ? "" : " (SOAK=1 for 40)"}`);

let lab: WindowLab;
beforeAll(async () => {
  if (hindrance === undefined) lab = await WindowLab.start(["ext4", "xfs", "btrfs"]);
});
afterAll(() => lab?.[Symbol.asyncDispose]());

/** Faults of the capture itself, not of its rehearsal. */
const arm = (fault: Omit<Fault, "action">, dryRun = false): void =>
  lab.bench.simulator.control.faults([{ action: "CreateSnapshots", dryRun, ...fault }]);

/** The time said is what the writers felt, in the report and whoever else is told. */
function expectTruth(seen: Observed): void {
  const { stillness } = seen.run.report;
  expect(stillness?.frozenMs).toBeGreaterThanOrEqual(longestStall(seen) - 10 - seen.late);
  // What is said stays near the truth: processes are started and ended in it, nothing else.
  expect(stillness?.frozenMs).toBeLessThanOrEqual(longestStall(seen) + 400 + seen.late);
  expect(metric(seen, "FrozenTime")).toBe(stillness?.frozenMs);
  if (seen.points.length > 0) expect(tag(seen, "frozen")).toBe(String(stillness?.frozenMs));
}

describe.skipIf(hindrance !== undefined)(`the freeze window${hindrance ? ` (${hindrance})` : ""}`, () => {
  const chance = chanceOf(seed);
  const latencies = Array.from({ length: rounds }, () => 20 + Math.round(chance() * 130));

  test.each(latencies)(
    "FrozenTime is no less than a writer's longest stall, EC2 taking %i ms",
    async (ms) => {
      await lab.holds({ latency: ms });
      const seen = await lab.run();
      expect(seen.run.code, seen.run.stderr).toBe(0);
      expect(seen.run.report.stillness).toMatchObject({ demanded: "filesystem", achieved: "filesystem" });
      expect(tag(seen, "consistency")).toBe("filesystem");
      expect(shortestStall(seen)).toBeGreaterThanOrEqual(ms);
      expectTruth(seen);
      expect(captures(seen)).toHaveLength(1);
      expect(lab.leftovers()).toEqual([]);
    },
  );

  test("a program and a freeze make it consistent for applications", async () => {
    const [disk] = lab.block.members;
    const trace = path.join(lab.bench.folder, "application");
    // Written while nothing is frozen; were it, the program would wait for the thaw and run out of time.
    const write = (word: string) => [
      "/bin/sh",
      "-c",
      `echo ${word} >>${trace}; cp ${trace} ${disk?.mount}/copy; sync`,
    ];
    await lab.holds({
      hooks: [{ command: { before: write("before"), after: write("after"), timeout: "5s" } }],
    });
    const seen = await lab.run();
    expect(seen.run.code, seen.run.stderr).toBe(0);
    expect(tag(seen, "consistency")).toBe("application");
    expect(shortestStall(seen)).toBeGreaterThanOrEqual(50);
    expectTruth(seen);
    expect(readFileSync(trace, "utf8")).toBe("before\nafter\n");
  });

  test("turned away once: thawed while it waits, then frozen and asked again", async () => {
    await lab.holds({ waits: { retryEvery: "1s" }, latency: 200 });
    arm({ kind: "throttle", count: 1 });
    const seen = await lab.run();
    expect(seen.run.code, seen.run.stderr).toBe(0);
    expect(seen.run.report.stillness).toMatchObject({ attempts: 2, achieved: "filesystem" });
    expect(captures(seen).map(({ outcome }) => outcome?.code)).toEqual(["RequestLimitExceeded", "OK"]);
    expect(captures(seen, true)).toHaveLength(1);
    expect(seen.points).toHaveLength(1);
    expect(seen.stalls).toHaveLength(2);
    expect(shortestStall(seen)).toBeGreaterThanOrEqual(200);
    // A writer that stood still from the first capture to the second would have waited for longer.
    expect(longestStall(seen)).toBeLessThan(1_000);
    expectTruth(seen);
  });

  test("turned away for good: no point, nothing frozen, and how long it was is told", async () => {
    await lab.holds({ waits: { retryFor: "3s", retryEvery: "500ms" } });
    arm({ kind: "throttle", count: "always" });
    const seen = await lab.run();
    expect(seen.run.code, seen.run.stderr).toBe(69);
    expect(captures(seen).length).toBeGreaterThan(1);
    expect(seen.points).toEqual([]);
    expect(seen.run.report.points).toEqual([]);
    expect(shortestStall(seen)).toBeGreaterThanOrEqual(50);
    expectTruth(seen);
    expect(lab.leftovers()).toEqual([]);
  });

  test.each([
    { kind: "hang-after", code: 1, points: 1 },
    { kind: "hang", code: 69, points: 0 },
  ] as const)(
    "no answer ($kind): thawed before the deadline, and looked for",
    async ({ kind, code, points }) => {
      await lab.holds({ deadline: "2s" });
      arm({ kind });
      const seen = await lab.run();
      const { run } = seen;
      expect(run.signal).toBeNull();
      expect(run.code, run.stderr).toBe(code);
      // `lost` would mean that the guard had to do it.
      expect(run.report.stillness?.hooks).toMatchObject([{ kind: "freeze", outcome: "held" }]);
      expect(run.report.stillness?.achieved).toBe("crash");
      expect(shortestStall(seen)).toBeGreaterThanOrEqual(1_000);
      expect(longestStall(seen)).toBeLessThan(2_000);
      expect(captures(seen)).toHaveLength(1);
      expect(seen.points).toHaveLength(points);
      if (points > 0) expect(tag(seen, "consistency")).toBe("crash");
      expectTruth(seen);
      expect(lab.leftovers()).toEqual([]);
    },
  );

  test("refused at the rehearsal: no program has run and nothing stood still", async () => {
    const trace = path.join(lab.bench.folder, "never");
    await lab.holds({ hooks: [{ command: { before: ["/usr/bin/touch", trace] } }] });
    arm({ kind: "denied" }, true);
    const log = path.join(lab.bench.folder, "ioctls");
    const seen = await lab.run({ under: tracer(log, "ioctl") });
    expect(seen.run.code, seen.run.stderr).toBe(77);
    expect(existsSync(trace)).toBe(false);
    const hooks = seen.run.report.stillness?.hooks ?? [];
    expect(hooks.map(({ outcome }) => outcome)).toEqual(["not-tried", "not-tried"]);
    expect(captures(seen)).toEqual([]);
    expect(captures(seen, true)).toHaveLength(1);
    expect(metric(seen, "FrozenTime")).toBeUndefined();
    expect(freezesIn(readFileSync(log, "utf8"))).toBe(0);
    expect(lab.leftovers()).toEqual([]);
  });
});
