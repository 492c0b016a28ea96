import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { Bench } from "./bench.ts";

const regions = ["eu-central-1", "eu-west-1", "us-east-1"] as const;

/** Tags as agents write them. */
const snapshot = {
  "ec2-backup:point": "{point}",
  "ec2-backup:run": "{point}",
  "ec2-backup:job": "default",
  "ec2-backup:series": "{arn}/default",
  "ec2-backup:instance": "{arn}",
  "ec2-backup:name": "{name}",
  "ec2-backup:captured": "{captured}",
  "ec2-backup:retention": "daily=30 minimum=3 zone=UTC demanded=crash delay=7d",
  "ec2-backup:consistency": "crash",
  "ec2-backup:version": "0.1.0",
  "ec2-backup:manifest.1": "{volumes}",
};

/** 5,000 instances with 12,000 volumes and 100,000 snapshots in three Regions. */
function place(index: number): Pick<Scenario, "generate"> {
  const instances = [1_666, 1_667, 1_667][index] ?? 0;
  return {
    generate: {
      instances,
      volumesPer: 2.4,
      snapshotsPerVolume: 8.34,
      tags: { snapshot, instance: { Backup: "yes" } },
    },
  };
}

const world: Scenario = {
  limits: false,
  region: regions[0],
  instances: [{ id: "i-0000000000000000a" }],
  ...place(0),
  places: regions.slice(1).map((region, index) => ({ region, ...place(index + 1) })),
};

const recorder = path.resolve(import.meta.dirname, "../fakes/record-memory.cjs");

test("an account of a hundred thousand snapshots is audited with a call for each page and a few more", async () => {
  await using bench = await Bench.start(world);
  const report = path.join(bench.folder, "memory.json");
  const words = [
    "sweep",
    "audit",
    "--all-regions",
    "--config",
    bench.config,
    "--retention",
    "daily=7",
    "--json",
  ];
  const ended = await bench.execute(words, {
    env: { NODE_OPTIONS: `--require=${recorder}`, RECORD_MEMORY: report },
  });
  const { units, totals, savings } = JSON.parse(ended.stdout || "{}") as {
    units: { outcome: string; totals: { snapshots: number; volumes: number; instances: number } }[];
    totals: { snapshots: number; volumes: number; instances: number };
    savings: { points: number };
  };
  expect(
    units?.map(({ outcome }) => outcome),
    ended.stderr,
  ).toEqual(["done", "done", "done"]);
  expect(totals.instances).toBe(5_001);
  expect(totals.snapshots).toBeGreaterThan(95_000);
  expect(savings.points).toBeGreaterThan(0);
  const pages = units.reduce(
    (sum, { totals: of }) =>
      sum +
      Math.max(1, Math.ceil(of.snapshots / 1_000)) +
      Math.max(1, Math.ceil(of.volumes / 500)) +
      Math.max(1, Math.ceil(of.instances / 1_000)),
    0,
  );
  const calls = bench.apiCalls();
  // One for the Regions, one for the account, and one for each of the few keys.
  expect(calls.length - pages).toBeLessThanOrEqual(8);
  // Without care for what the answers leave behind it was 480.
  expect(Number(await readFile(report, "utf8")) / 1_024).toBeLessThan(350);
}, 400_000);
