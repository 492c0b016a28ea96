import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Bench } from "./bench.ts";
import { kept, scenarioOf } from "./history.ts";
import { mayGo } from "./oracle.ts";

const { version } = JSON.parse(
  readFileSync(path.join(import.meta.dirname, "../../package.json"), "utf8"),
) as { version: string };

/** Points of a history of a thousand snapshots. */
const thousand = (volumes: number) => Math.ceil(1000 / volumes);

/** EC2 gives a thousand snapshots in a page; the run's own count too. */
const pages = (snapshots: number) => Math.ceil(snapshots / 1000);

interface Counted {
  readonly volumes: number;
  readonly points: number;
  readonly last: number;
}

/** One that has nothing to remove, and one that removes the two points next to the held oldest one. */
const cases: Counted[] = [1, 4, 40].flatMap((volumes) => [
  { volumes, points: 0, last: kept },
  { volumes, points: thousand(volumes), last: thousand(volumes) },
  { volumes, points: thousand(volumes), last: thousand(volumes) - 3 },
]);

function countsOf(bench: Bench, service: "api" | "imds"): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const call of bench.simulator.control.calls())
    if ((call.service === "imds") === (service === "imds"))
      counts[call.action] = (counts[call.action] ?? 0) + 1;
  return counts;
}

describe("the calls of a run are the same for any number of volumes, but for pages and deletions", () => {
  test.each(cases)("$volumes volumes, $points points, of which $last are kept", async (given) => {
    const { volumes, points, last } = given;
    const scenario = scenarioOf(volumes, points, { limits: false }, last);
    await using bench = await Bench.start(scenario, {}, `{ last: ${last} }`);
    const removed = mayGo(await bench.simulator.control.state(), volumes, last).size;
    expect(removed).toBe(points > last ? 2 * volumes : 0);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(0);

    const counts = countsOf(bench, "api");
    expect(counts).toEqual({
      DescribeInstances: 1,
      DescribeVolumes: 1,
      CreateSnapshots: 1,
      DescribeSnapshots: pages(volumes * (points + 1)),
      ...(removed > 0 ? { DescribeImages: 1, DescribeLockedSnapshots: 1, DeleteSnapshot: removed } : {}),
      PutMetricData: 1,
    });
    const variable = (counts["DescribeSnapshots"] ?? 0) - 1 + removed;
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    expect(total - variable).toBe(removed > 0 ? 7 : 5);
    expect(countsOf(bench, "imds")).toEqual({
      // One for the identity, one that the SDK fetches for credentials.
      "/latest/api/token": 2,
      "/latest/dynamic/instance-identity/document": 1,
      "/latest/meta-data/services/partition": 1,
      "/latest/meta-data/block-device-mapping/": 1,
      "/latest/meta-data/iam/security-credentials/": 1,
      "/latest/meta-data/iam/security-credentials/ec2-backup": 1,
      "/latest/user-data": 1,
    });
  });
});

test("each API call carries product, version and run id for CloudTrail", async () => {
  await using bench = await Bench.start(scenarioOf(3, 7));
  const run = await bench.run();
  const calls = bench.apiCalls();
  expect(calls).toHaveLength(13);
  for (const call of calls) {
    expect(call.userAgent, call.action).toContain(`ec2-backup-agent/${version}`);
    expect(call.userAgent, call.action).toContain(`run/${run.report.run}`);
  }
});

test.each([
  ["alarms", "plan"],
  ["status", "--refresh"],
])("%s %s asks EC2 and CloudWatch, and for credentials once", async (...words) => {
  await using bench = await Bench.start(scenarioOf(1, 1));
  const { stderr } = await bench.execute(["--config", bench.config, ...words]);
  const asked = Object.keys(countsOf(bench, "api"));
  expect(asked, stderr).toEqual(expect.arrayContaining(["DescribeInstances", "DescribeAlarms"]));
  const { "/latest/meta-data/iam/security-credentials/ec2-backup": fetched } = countsOf(bench, "imds");
  expect(fetched).toBe(1);
});
