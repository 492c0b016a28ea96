import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { auditJson } from "../../src/cli/audit.ts";
import type { PruneSwept } from "../../src/core/sweep-report.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { generatedPoint } from "./generated-points.ts";
import { other, own, role, SweepStage } from "./sweep-stage.ts";

const regions = ["eu-central-1", "eu-west-1", "us-east-1"];
const generate = {
  instances: 834,
  volumesPer: 2.4,
  snapshotsPerVolume: 8.34,
  gone: 0.1,
  groups: 0.3,
  tags: {
    instance: { Backup: "yes", Name: "{name}" },
    snapshot: {
      ...generatedPoint,
      Owner: "somebody@example.com",
      CostCenter: "4711",
    },
  },
};

const scenario: Scenario = {
  account: own,
  region: "eu-central-1",
  instances: [{ id: "i-00000000000000fff" }],
  accessKeys: [{ id: "AKIASIMULATORTEST001", user: "operator" }],
  roles: [{ arn: role }],
  limits: false,
  generate,
  places: [own, other].flatMap((account) =>
    regions
      .filter((region) => account === other || region !== "eu-central-1")
      .map((region) => ({ account, region, generate })),
  ),
};

const recorder = path.resolve(import.meta.dirname, "../fakes/record-memory.cjs");
/** MiB; some 60 of them are the program of Node.js itself. Single runs lie between 120 and 140. */
const mostMemory = 150;

let stage: SweepStage;
beforeAll(async () => {
  stage = await SweepStage.start(scenario);
  const accounts = `[self, { role: "${role}" }]`;
  const scope = `{ regions: [${regions.join(", ")}], accounts: ${accounts}, unitDeadline: 10m }`;
  await stage.configure(scope, "60s");
}, 120_000);
afterAll(() => stage[Symbol.asyncDispose]());

/** Lets the agent note the most memory that it had, in MiB. */
function remembering(name: string) {
  const file = path.join(stage.folder, name);
  return {
    env: { NODE_OPTIONS: `--require=${recorder}`, RECORD_MEMORY: file },
    peak: async () => Number(await readFile(file, "utf8")) / 1_024,
  };
}

test("plans 100,000 snapshots of 6 units with as many requests as there are pages, in little memory", async () => {
  const { env, peak } = remembering("swept");
  const swept = await stage.sweep(["--dry-run", "--only", "prune"], env);
  const problems = swept.report.units.flatMap((one) => one.problems);
  expect([swept.code, problems], swept.stderr).toEqual([0, []]);
  const sum = (of: (one: PruneSwept) => number) =>
    swept.report.units.reduce((total, { prune }) => total + (prune === undefined ? 0 : of(prune)), 0);
  expect(swept.report.units.map(({ outcome }) => outcome)).toEqual(Array(6).fill("done"));
  expect(sum(({ snapshots }) => snapshots)).toBeGreaterThan(99_000);

  const calls = Map.groupBy(stage.calls(), ({ action }) => action ?? "");
  const count = (action: string) => calls.get(action)?.length ?? 0;
  const pages = (of: (one: PruneSwept) => number, size: number) =>
    swept.report.units.reduce((total, { prune }) => total + (prune ? Math.ceil(of(prune) / size) : 0), 0);
  expect(count("DescribeSnapshots")).toBe(pages(({ snapshots }) => snapshots, 1_000));
  expect(count("DescribeInstances")).toBe(6);
  // Of what would go, and of nothing else, it is asked what holds it: 200 at a time.
  const going = sum(({ details }) => details.reduce((total, { removed }) => total + removed.length, 0));
  expect(going).toBeGreaterThan(3_000);
  const held = (going * 2.4 * 1.1) / 200 + 2 * 6;
  expect(count("DescribeImages")).toBeLessThan(held);
  expect(count("DescribeLockedSnapshots")).toBe(count("DescribeImages"));
  const others = [...calls.keys()].filter(
    (action) => !/^Describe(Snapshots|Instances|Images|Locked)/.test(action),
  );
  expect(others.sort()).toEqual(["AssumeRole", "GetCallerIdentity"]);
  for (const action of others) expect(count(action)).toBe(1);

  // With answers that are read as a whole, four units at a time, it was 430.
  expect(await peak()).toBeLessThan(mostMemory);
}, 300_000);

test("audits as much with a request for each page and a few more, in as little memory", async () => {
  const before = stage.calls().at(-1)?.number ?? 0;
  const { env, peak } = remembering("audited");
  const ended = await stage.execute(
    ["sweep", "audit", "--retention", "daily=2", "--requests", "90", "--json"],
    env,
  );
  const { units, totals, savings } = JSON.parse(ended.stdout || "{}") as Pick<
    ReturnType<typeof auditJson>,
    "units" | "totals" | "savings"
  >;
  expect(
    units?.map(({ outcome }) => outcome),
    ended.stderr,
  ).toEqual(Array(6).fill("done"));
  expect(totals.snapshots).toBeGreaterThan(99_000);
  expect(savings?.points).toBeGreaterThan(0);
  const pages = (of: "snapshots" | "volumes" | "instances", size: number) =>
    units.reduce((sum, { totals: its }) => sum + Math.max(1, Math.ceil((its?.[of] ?? 0) / size)), 0);
  const calls = stage.calls(before).length;
  expect(stage.calls(before).filter(({ action }) => action === "ListChangedBlocks")).toHaveLength(90);
  // One for the account, one for the role of the other, and one for each of the few keys, and each unit's quota.
  expect(
    calls - pages("snapshots", 1_000) - pages("volumes", 500) - pages("instances", 1_000),
  ).toBeLessThanOrEqual(8 + 6 + 90);
  expect(await peak()).toBeLessThan(mostMemory);
}, 300_000);
