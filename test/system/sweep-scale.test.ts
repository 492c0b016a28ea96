import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { PruneSwept } from "../../src/core/sweep-report.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
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
      "ec2-backup:point": "{point}",
      "ec2-backup:run": "{point}",
      "ec2-backup:job": "default",
      "ec2-backup:series": "{arn}/default",
      "ec2-backup:instance": "{arn}",
      "ec2-backup:captured": "{captured}",
      "ec2-backup:retention": "daily=7 monthly=12 zone=Europe/Berlin demanded=crash delay=7d",
      "ec2-backup:consistency": "filesystem",
      "ec2-backup:version": "1.0.0",
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

test("plans 100,000 snapshots of 6 units with as many requests as there are pages, in little memory", async () => {
  await using stage = await SweepStage.start(scenario);
  const accounts = `[self, { role: "${role}" }]`;
  await stage.configure(
    `{ regions: [${regions.join(", ")}], accounts: ${accounts}, unitDeadline: 10m }`,
    "60s",
  );
  const recorder = path.resolve(import.meta.dirname, "../fakes/record-memory.cjs");
  const report = path.join(stage.folder, "memory.json");
  const swept = await stage.sweep(["--dry-run", "--only", "prune"], {
    NODE_OPTIONS: `--require=${recorder}`,
    RECORD_MEMORY: report,
  });
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

  // Without care for what the answers leave behind it was 430.
  const kibibytes = Number(await readFile(report, "utf8"));
  expect(kibibytes / 1_024).toBeLessThan(300);
}, 300_000);
