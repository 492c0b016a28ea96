import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Contender, Work } from "./contender.ts";
import { agent } from "./contenders/agent.ts";
import { agentUncached } from "./contenders/agent-uncached.ts";
import { bareNode } from "./contenders/bare-node.ts";
import { boto3 } from "./contenders/boto3.ts";
import { type Cost, measure, median } from "./measure.ts";
import { type Call, Simulator } from "./simulator.ts";
import { against, fixed, printTable } from "./table.ts";
import { configFor, scenario } from "./world.ts";

const points = 50;
/** What one run asks for; a page or a deletion more is a fault, not a matter of time. */
const expected = new Map([
  ["DescribeInstances", 1],
  ["DescribeVolumes", 1],
  ["CreateSnapshots", 1],
  ["DescribeSnapshots", 1],
  ["DescribeImages", 1],
  ["DescribeLockedSnapshots", 1],
  ["DeleteSnapshot", 4],
  ["PutMetricData", 1],
]);
/** A script does not look whether an image or a lock holds what it deletes. */
const leftOutByScript = ["DescribeImages", "DescribeLockedSnapshots"];
const goals = {
  cpu: 0.45,
  peak: 1.3,
  overhead: 0.45,
  wall: new Map([
    [0, 0.4],
    [50, 0.65],
  ]),
};

/** One run of the agent beside the same job as a boto3 script, turn by turn. */
export async function oneShot(root: string, folder: string, runs: number): Promise<void> {
  const config = path.join(folder, "config.yaml");
  writeFileSync(config, configFor(points));
  for (const latency of [0, 50]) {
    await using simulator = await Simulator.start(root, folder, scenario(points, new Date()));
    const work: Work = { root, folder, config, env: simulator.env };
    const contenders = [boto3, agent, agentUncached, bareNode].filter((one) => canRun(one, work));
    const costs = new Map<Contender, Cost[]>(contenders.map((one) => [one, []]));
    const calls = new Map<Contender, number>();
    for (let round = 0; round <= runs; round += 1) {
      for (const contender of contenders) {
        await simulator.reset(latency);
        const cost = measure(contender, work);
        // The first round warms file caches and is not counted.
        if (round > 0) costs.get(contender)?.push(cost);
        else calls.set(contender, checkCalls(contender, latency, await simulator.calls()));
      }
    }
    report(latency, runs, costs, calls);
  }
}

function canRun(contender: Contender, work: Work): boolean {
  const reason = contender.missing?.(work);
  if (reason !== undefined) console.log(`left out: ${contender.name}: ${reason}`);
  return reason === undefined;
}

/** Counts what the latency applied to: the API's calls, not those of the metadata service. */
function checkCalls(contender: Contender, latency: number, calls: readonly Call[]): number {
  if (contender === bareNode) return 0;
  const api = calls.filter((call) => call.service !== "imds");
  for (const [action, wanted] of expected) {
    const found = api.filter((call) => call.action === action).length;
    if (found !== (contender === boto3 && leftOutByScript.includes(action) ? 0 : wanted)) {
      throw new Error(`${contender.name} called ${action} ${found} times, not ${wanted}`);
    }
  }
  const others = calls.filter(({ service, action }) => service !== "imds" && !expected.has(action));
  if (others.length > 0) throw new Error(`${contender.name} also called ${others.map((one) => one.action)}`);
  const delayed = calls.filter((call) => call.faults.includes("delay")).length;
  if (delayed !== (latency > 0 ? api.length : 0)) {
    throw new Error(`${delayed} of ${contender.name}'s ${api.length} calls were delayed`);
  }
  return api.length;
}

function report(
  latency: number,
  runs: number,
  costs: Map<Contender, Cost[]>,
  calls: Map<Contender, number>,
): void {
  const baseline = costs.get(boto3) ?? [];
  const ratio = (mine: readonly Cost[], of: (cost: Cost, calls: number) => number, count: number) =>
    median(mine.map((cost, i) => of(cost, count) / of(baseline[i] ?? cost, calls.get(boto3) ?? count)));
  const overhead = (cost: Cost, count: number) => cost.wall - count * latency;
  const rows = [...costs].map(([contender, mine]) => {
    const count = calls.get(contender) ?? 0;
    const ours = contender === agent || contender === agentUncached;
    const figure = (value: number, goal: number | undefined) =>
      baseline.length === 0 ? "-" : ours && goal !== undefined ? against(value, goal) : fixed(value, 2);
    return [
      contender.name,
      String(count),
      fixed(median(mine.map((cost) => cost.wall))),
      fixed(median(mine.map((cost) => cost.cpu))),
      fixed(median(mine.map((cost) => cost.peak))),
      figure(
        ratio(mine, (cost) => cost.wall, count),
        goals.wall.get(latency),
      ),
      figure(
        ratio(mine, (cost) => cost.cpu, count),
        goals.cpu,
      ),
      figure(
        ratio(mine, (cost) => cost.peak, count),
        goals.peak,
      ),
      figure(ratio(mine, overhead, count), goals.overhead),
    ];
  });
  printTable(
    `One run: 4 volumes, ${points * 4} snapshots listed, 4 deleted; ${latency} ms a call; medians of ${runs} rounds, ratios in pairs`,
    ["contender", "calls", "wall ms", "CPU ms", "peak MiB", "wall/B", "CPU/B", "peak/B", "own overhead/B"],
    rows,
  );
}
