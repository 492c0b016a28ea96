import { EC2Client, paginateDescribeSnapshots } from "@aws-sdk/client-ec2";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import { planRetention } from "../../src/core/retention.ts";
import { instanceCredentials } from "./credentials.ts";
import { median } from "./measure.ts";
import { Simulator } from "./simulator.ts";
import { against, fixed, printTable } from "./table.ts";
import { policyFor, scenario } from "./world.ts";

const planned = 100_000;
const listed = 20_000;
const goal = 0.1;
const hour = 3_600_000;

/** Planning over a long history beside the time it takes only to list one. */
export async function planning(root: string, folder: string, rounds: number): Promise<void> {
  const now = new Date();
  const points = history(planned, now);
  const policy = {
    ...policyFor(3),
    counts: { last: 3, hourly: 48, daily: 30, weekly: 12, monthly: 24, yearly: 10 },
    timezone: "Europe/Berlin",
  };
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    const { keep, remove } = planRetention(points, policy, now);
    times.push(performance.now() - start);
    if (keep.length + remove.length !== planned) throw new Error("keep and remove are not all of the points");
  }
  const listing = (await timeListing(root, folder, now)) * (planned / listed);
  const plan = median(times);
  printTable(
    `Planning over ${planned} points, median of ${rounds}; listing ${listed} snapshots, scaled`,
    ["figure", "value"],
    [
      ["first plan, ms", fixed(times[0] ?? Number.NaN)],
      ["plan, ms", fixed(plan)],
      ["list as many by the plain SDK, ms", fixed(listing)],
      ["plan / list", against(plan / listing, goal, 3)],
    ],
  );
}

function history(count: number, now: Date): RecoveryPoint[] {
  return Array.from({ length: count }, (_, index) => {
    const captured = new Date(now.getTime() - index * hour);
    const id = `point-${index}`;
    return {
      id,
      run: id,
      job: "default",
      series: "bench",
      instanceArn: "arn:aws:ec2:eu-central-1:111122223333:instance/i-0be00000000000001",
      state: "complete",
      captured,
      consistency: "crash",
      snapshots: [
        {
          id: `snap-${index}`,
          volumeId: `vol-${index % 4}`,
          state: "completed",
          startTime: captured,
          volumeSizeGiB: 100,
          encrypted: false,
          archived: false,
          tags: {},
        },
      ],
      recipe: [],
      holds: [],
    };
  });
}

async function timeListing(root: string, folder: string, now: Date): Promise<number> {
  await using simulator = await Simulator.start(root, folder, scenario(listed / 4, now));
  const { AWS_ENDPOINT_URL: endpoint = "", AWS_REGION: region = "" } = simulator.env;
  const client = new EC2Client({ endpoint, region, credentials: await instanceCredentials(simulator.env) });
  const start = performance.now();
  let found = 0;
  for await (const page of paginateDescribeSnapshots({ client, pageSize: 1000 }, { OwnerIds: ["self"] })) {
    found += page.Snapshots?.length ?? 0;
  }
  const took = performance.now() - start;
  client.destroy();
  if (found !== listed) throw new Error(`${found} snapshots listed, not ${listed}`);
  return took;
}
