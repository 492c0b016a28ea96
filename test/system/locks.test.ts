import { expect, test } from "vitest";
import type { LockReport } from "../../src/core/lock-report.ts";
import { tagKeys } from "../../src/core/point-tags.ts";
import { Bench, type Run } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";

const job = "{ within: 14d }, lock: { days: 14 }";

const locksOf = ({ report }: Run) => (report as unknown as { locks?: LockReport }).locks;
const errors = ({ report }: Run) => report.problems.filter(({ severity }) => severity === "error");

async function start(volumes = 3, more: Parameters<typeof scenarioOf>[2] = {}): Promise<Bench> {
  return Bench.start({ ...scenarioOf(volumes, 0, { limits: false, ...more }), clock: { speed: 1 } }, {}, job);
}

/** The modes and days of all snapshots, as EC2 has them. */
async function lockedIn({ simulator }: Bench) {
  const { snapshots } = await simulator.control.state();
  const ours = Object.values(snapshots).filter(({ tags }) => tagKeys.point in tags);
  return ours.map(({ lock }) => (lock === null ? "none" : `${lock.mode} ${lock.days}`));
}

const callsOf = ({ simulator }: Bench, action: string) =>
  simulator.control.calls().filter((call) => call.action === action);

/** The last value of the metric that was sent. */
function degradedIn(bench: Bench): number | undefined {
  const { MetricData = [] } = (callsOf(bench, "PutMetricData").at(-1)?.parameters ?? {}) as {
    MetricData?: { MetricName: string; Value: number }[];
  };
  return MetricData.find(({ MetricName }) => MetricName === "Degraded")?.Value;
}

test.concurrent("the snapshots of a point are locked after its capture, and those of earlier points are left as they are", async () => {
  await using bench = await start();
  const first = await bench.run();
  expect(first.code, first.stderr).toBe(0);
  expect(locksOf(first)).toMatchObject({ mode: "governance", days: 14, already: 0, missing: [] });
  expect(await lockedIn(bench)).toEqual(Array(3).fill("governance 14"));
  const actions = bench.apiCalls().map(({ action }) => action);
  expect(actions.filter((action) => /^(Create|Lock)/.test(action))).toEqual([
    "CreateSnapshots",
    ...Array(3).fill("LockSnapshot"),
  ]);
  const times = callsOf(bench, "LockSnapshot").map(({ time }) => Date.parse(time));
  for (const [index, time] of times.slice(1).entries())
    expect(time - (times[index] ?? 0), "at a pace").toBeGreaterThanOrEqual(200);

  await bench.tomorrow();
  const second = await bench.run();
  expect(second.code, second.stderr).toBe(0);
  expect(locksOf(second)).toMatchObject({ already: 3, missing: [] });
  expect(callsOf(bench, "LockSnapshot")).toHaveLength(6);

  const listed = await bench.execute(["list", "--config", bench.config]);
  expect(listed.stdout.match(/held by lock/g)).toHaveLength(2);
  const [id = ""] = locksOf(first)?.locked ?? [];
  const explained = await bench.execute(["explain", id, "--config", bench.config]);
  expect(explained.stdout).toMatch(/is locked \(governance until \d{4}-/);
  // What is locked is kept by whoever prunes, without an error.
  await bench.configure({}, "{ last: 1 }");
  const pruned = await bench.execute(["prune", "--yes", "--config", bench.config, "--json"]);
  expect(pruned.code, pruned.stdout).toBe(0);
  expect(await lockedIn(bench)).toHaveLength(6);
  expect(callsOf(bench, "DeleteSnapshot")).toEqual([]);
});

test.concurrent("one refusal never stops the others, is told and measured, and the next run makes up for it", async () => {
  await using bench = await start();
  await bench.simulator.control.faults([
    { action: "LockSnapshot", count: 1, kind: "error", code: "UnsupportedOperation" },
  ]);
  const refused = await bench.run();
  expect([refused.code, refused.report.outcome]).toEqual([1, "degraded"]);
  const [missing = ""] = locksOf(refused)?.missing ?? [];
  expect(locksOf(refused)?.locked).toHaveLength(2);
  expect(errors(refused)).toMatchObject([{ kind: "refused", doing: expect.stringContaining(missing) }]);
  expect(degradedIn(bench)).toBe(1);
  const shown = await bench.execute(["status", "--offline", "--config", bench.config]);
  expect(shown.stdout).toContain("1 snapshot is not locked");

  const healed = await bench.run();
  expect(healed.code, healed.stdout).toBe(0);
  expect(locksOf(healed)?.locked).toHaveLength(4);
  expect(locksOf(healed)?.locked).toContain(missing);
  // A lock that comes later ends no later than retention.
  expect((await lockedIn(bench)).sort()).toEqual([...Array(5).fill("governance 14"), "governance 13"].sort());
  expect(degradedIn(bench)).toBe(0);
});

test.concurrent("a role that may not lock makes its point all the same, and says once what is missing", async () => {
  await using bench = await start();
  await bench.simulator.control.settings({ deny: [{ action: "ec2:LockSnapshot" }] });
  const run = await bench.run();
  expect(run.code).toBe(1);
  expect(run.report.points).toHaveLength(1);
  expect(errors(run)).toMatchObject([
    {
      kind: "denied",
      doing: expect.stringMatching(/^lock 3 of 3 snapshots/),
      remedy: expect.stringContaining("ec2:LockSnapshot"),
    },
  ]);
});

test.concurrent("what passes is waited for: a throttle, and a snapshot that is not known everywhere yet", async () => {
  await using bench = await start();
  await bench.configure({ retryFor: "20s" }, job);
  await bench.simulator.control.faults([
    { action: "LockSnapshot", count: 1, kind: "error", code: "InvalidSnapshot.NotFound" },
    { action: "LockSnapshot", count: 4, kind: "throttle" },
  ]);
  const run = await bench.run();
  expect(run.code, run.stdout).toBe(0);
  expect(await lockedIn(bench)).toEqual(Array(3).fill("governance 14"));
});

test.concurrent("a run that is killed between capture and lock is healed by the next one", async ({
  expect,
}) => {
  await using bench = await start();
  await bench.simulator.control.faults([{ action: "LockSnapshot", kind: "hang", count: 1 }]);
  let pid = 0;
  const running = bench.execute(["run", "--config", bench.config], {
    onStart: (id) => {
      pid = id;
    },
  });
  await expect.poll(() => callsOf(bench, "LockSnapshot").length, { timeout: 60_000 }).toBe(1);
  process.kill(pid, "SIGKILL");
  expect((await running).signal).toBe("SIGKILL");
  expect(await lockedIn(bench)).toEqual(Array(3).fill("none"));
  await bench.simulator.control.faults([]);

  const healed = await bench.run();
  expect(healed.code, healed.stdout).toBe(0);
  expect(locksOf(healed)?.locked).toHaveLength(6);
  expect(await lockedIn(bench)).not.toContain("none");
});

test.concurrent("tags that shorten retention shorten the lock, with a warning, and a plan says so and locks nothing", async () => {
  await using bench = await start();
  await bench.simulator.control.instances({ change: { instance: instance.id, tags: { Retention: "3d" } } });
  const planned = await bench.execute(["plan", "--config", bench.config]);
  expect(planned.stdout).toContain("locks the snapshots of its point for 3 days in governance mode");
  expect(await lockedIn(bench)).toEqual([]);
  const run = await bench.run();
  expect(run.code, run.stdout).toBe(0);
  expect(run.report.problems).toMatchObject([{ severity: "warning", code: "LockShortened" }]);
  expect(await lockedIn(bench)).toEqual(Array(3).fill("governance 3"));
  await bench.configure(
    {},
    "{ within: 14d }, lock: { days: 2, mode: compliance, irrevocable: true, coolOff: 1h }",
  );
  await bench.tomorrow();
  const compliant = await bench.run();
  expect(compliant.code, compliant.stdout).toBe(0);
  expect((await lockedIn(bench)).sort()).toEqual([
    ...Array(3).fill("compliance 2"),
    ...Array(3).fill("governance 3"),
  ]);
  expect(callsOf(bench, "LockSnapshot").at(-1)?.parameters).toMatchObject({ CoolOffPeriod: 1 });
});
