import { expect, test } from "vitest";
import { Bench, type Run } from "./bench.ts";
import { scenarioOf } from "./history.ts";

const days = 12;
const elsewhere = "{ last: 4 }, prune: elsewhere";

const beyondOf = ({ report }: Run) =>
  (report.retention as unknown as { beyond?: readonly { id: string }[] } | undefined)?.beyond;
const callsOf = (bench: Bench, action: string) => bench.apiCalls().filter((call) => call.action === action);

/** A host whose role may not delete, with points of earlier days. */
async function start(job: string, count = days): Promise<Bench> {
  const bench = await Bench.start(scenarioOf(2, count, { limits: false }), {}, job);
  await bench.simulator.control.settings({ deny: [{ action: "ec2:DeleteSnapshot" }] });
  return bench;
}

test("under a role that only creates, runs neither try to remove nor fail, and tell what is beyond retention", async () => {
  await using bench = await start(elsewhere, 8);
  const run = await bench.run();
  expect([run.code, run.report.outcome], run.stdout).toEqual([0, "done"]);
  // Of eight points and a new one that is pending; an image holds the oldest, which nobody is asked about.
  expect(beyondOf(run)).toHaveLength(4);
  expect(run.report.retention?.remove).toEqual([]);
  expect(run.report.problems).toMatchObject([
    { severity: "notice", code: "PrunedElsewhere", found: "4 points are beyond retention" },
  ]);
  for (const action of ["DeleteSnapshot", "DescribeImages", "DescribeLockedSnapshots"])
    expect(callsOf(bench, action), action).toEqual([]);

  const words = ["--config", bench.config];
  const [plan, list, status, page, explained] = await Promise.all([
    bench.execute(["plan", ...words]),
    bench.execute(["list", ...words]),
    bench.execute(["status", "--offline", ...words]),
    bench.execute(["report", "--format", "md", ...words]),
    bench.execute(["explain", beyondOf(run)?.[0]?.id ?? "", ...words]),
  ]);
  expect(plan.stdout).toMatch(
    /Pruned by another role \(prune: elsewhere\): \d points are beyond retention now/,
  );
  expect(list.stdout).toContain("4 beyond retention: pruned by another role");
  expect(status.stdout).toContain("Pruned by another role (prune: elsewhere): 4 points are beyond retention");
  // The page asks what images hold.
  expect(page.stdout).toContain("Pruned by another role (prune: elsewhere): 3 points are beyond retention");
  expect(page.stdout.match(/no rule keeps it; another role prunes/g)).toHaveLength(3);
  expect(explained.stdout).toContain("another role prunes");
});

test("more beyond retention than is kept is a warning: it seems that nobody prunes", async () => {
  await using bench = await start(elsewhere);
  const run = await bench.run();
  expect(run.code, run.stdout).toBe(0);
  expect(run.report.problems).toMatchObject([{ severity: "warning", code: "PointsPileUp" }]);
});

test("who may delete prunes such a job by the command, and the run has nothing to tell then", async () => {
  await using bench = await start(elsewhere, 8);
  await bench.run();
  const denied = await bench.execute(["prune", "--yes", "--config", bench.config, "--json"]);
  expect(denied.code).toBe(77);
  await bench.simulator.control.settings({ deny: [] });
  const pruned = await bench.execute(["prune", "--yes", "--config", bench.config]);
  expect(pruned.code, pruned.stderr).toBe(0);
  expect(callsOf(bench, "DeleteSnapshot").filter(({ outcome }) => outcome?.status === 200)).toHaveLength(6);
  const run = await bench.run();
  // What an image holds is not asked about and counts as beyond; nothing else does.
  expect(beyondOf(run)).toHaveLength(1);
});

test("where it is not said and the role may not delete, one error names both remedies", async () => {
  await using bench = await start("{ last: 4 }", 8);
  const run = await bench.run();
  expect([run.code, run.report.outcome]).toEqual([1, "degraded"]);
  expect(run.report.points).toHaveLength(1);
  const errors = run.report.problems.filter(({ severity }) => severity === "error");
  expect(errors).toMatchObject([
    {
      kind: "denied",
      doing: expect.stringMatching(/^remove 3 points of job default/),
      remedy: expect.stringMatching(/agent-self-pruning.*prune: elsewhere/),
    },
  ]);
});

test("doctor asks such a role for no right to remove, and for the locks that its jobs want", async () => {
  const found = async (bench: Bench) => {
    const words = ["doctor", "--no-metric", "--json", "--config", bench.config];
    const { findings } = JSON.parse((await bench.execute(words)).stdout) as {
      findings: readonly { check: string; what: string; command: string }[];
    };
    return findings.filter(({ check }) => check === "retention");
  };
  await using bench = await start("{ within: 14d }, prune: elsewhere, lock: { days: 14 }", 3);
  expect(await found(bench)).toEqual([]);
  const deny = [{ action: "ec2:DeleteSnapshot" }, { action: "ec2:LockSnapshot" }];
  await bench.simulator.control.settings({ deny });
  const [finding, ...more] = await found(bench);
  expect(more).toEqual([]);
  expect(finding?.what).toContain("ec2:LockSnapshot");
  expect(finding?.command).toContain('"NumericLessThanEquals": {"ec2:SnapshotLockDuration": "14"}');
  expect(
    bench.apiCalls().every((call) => call.action !== "LockSnapshot" || call.outcome?.status !== 200),
  ).toBe(true);
});
