import { spawnSync } from "node:child_process";
import path from "node:path";
import { connect } from "../../src/aws/connection.ts";
import { readingOnce } from "../../src/core/read-once.ts";
import { planSweep } from "../../src/core/sweep.ts";
import { draftsOf, groundOf, pointsIn } from "../../src/core/sweep-series.ts";
import { defaultSweepSettings } from "../../src/core/sweep-settings.ts";
import { sweepPoints } from "../../src/engines/sweep-points.ts";
import { pageRead } from "../../src/host/spare-memory.ts";
import { generatedPoint } from "../system/generated-points.ts";
import { python } from "./contenders/boto3.ts";
import { median, plainEnvironment } from "./measure.ts";
import { Simulator } from "./simulator.ts";
import { against, fixed, printTable } from "./table.ts";

const goals = { list: 1.8, plan: 0.1 };
const account = "111122223333";
const region = "eu-central-1";
const keys = { AWS_ACCESS_KEY_ID: "AKIASIMULATORTEST001", AWS_SECRET_ACCESS_KEY: "secret" };

/** Some 100,000 snapshots with tags as agents write them. */
const scenario = {
  account,
  region,
  limits: false,
  instances: [{ id: "i-00000000000000fff" }],
  accessKeys: [{ id: keys.AWS_ACCESS_KEY_ID, user: "operator" }],
  generate: {
    instances: 5_000,
    volumesPer: 2.4,
    snapshotsPerVolume: 8.34,
    tags: {
      snapshot: {
        ...generatedPoint,
      },
    },
  },
};

/** How a sweep lists and decides, beside a boto3 script that only lists; CPU time of this process and of that one. */
export async function listing(root: string, folder: string, rounds: number): Promise<void> {
  await using simulator = await Simulator.start(root, folder, scenario);
  const { AWS_ENDPOINT_URL: endpoint = "" } = simulator.env;
  const listed: number[] = [];
  const planned: number[] = [];
  const scripted: number[] = [];
  let snapshots = 0;
  let first = { list: Number.NaN, plan: Number.NaN };
  for (let round = 0; round <= rounds; round += 1) {
    const ours = await listAndPlan(endpoint);
    const script = runScript(endpoint);
    if (script.count !== ours.count)
      throw new Error(`${ours.count} snapshots listed, by boto3 ${script.count}`);
    snapshots = ours.count;
    // The first round warms both up and is not counted, but told: a sweep is one.
    if (round === 0) {
      first = ours;
      continue;
    }
    listed.push(ours.list);
    planned.push(ours.plan);
    scripted.push(script.list);
  }
  const [list, plan, boto3] = [median(listed), median(planned), median(scripted)];
  printTable(
    `Listing ${snapshots} snapshots and planning a sweep of them, median CPU of ${rounds}`,
    ["figure", "value"],
    [
      ["list, snapshots a second of CPU", fixed((snapshots / list) * 1_000)],
      ["list by boto3, snapshots a second of CPU", fixed((snapshots / boto3) * 1_000)],
      [`rate / boto3's (goal: at least ${goals.list})`, fixed(boto3 / list, 2)],
      ["plan, ms", fixed(plan)],
      ["plan / list", against(plan / list, goals.plan, 3)],
      ["plan, ms, the first time", fixed(first.plan)],
      ["plan / list, the first time", against(first.plan / first.list, goals.plan, 3)],
    ],
  );
}

async function listAndPlan(endpoint: string) {
  process.env["AWS_ENDPOINT_URL"] = endpoint;
  const connection = connect({
    region,
    userAgent: [],
    requestTimeout: 60_000,
    route: undefined,
    pageRead,
    credentials: async () => ({
      accessKeyId: keys.AWS_ACCESS_KEY_ID,
      secretAccessKey: keys.AWS_SECRET_ACCESS_KEY,
    }),
  });
  const began = process.cpuUsage();
  const unit = { id: `${account}/${region}`, account, region };
  const { snapshots, asOf } = await sweepPoints(connection, unit).points(new AbortController().signal);
  const list = spent(began);
  const then = process.cpuUsage();
  const known = { unit, instances: new Map(), stanzas: [] };
  const { prune } = defaultSweepSettings;
  const read = readingOnce();
  for (const draft of draftsOf(snapshots, prune.seriesOfGroups)) {
    const points = pointsIn(draft, asOf, read);
    planSweep(points, groundOf(points, known), prune, { yes: false }, asOf);
  }
  const plan = spent(then);
  connection.ec2.destroy();
  return { count: snapshots.length, list, plan };
}

/** Milliseconds of CPU since then. */
function spent(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

function runScript(endpoint: string): { readonly count: number; readonly list: number } {
  const env = { ...plainEnvironment(), ...keys, AWS_ENDPOINT_URL: endpoint, AWS_REGION: region };
  const file = path.join(import.meta.dirname, "list-baseline.py");
  const { status, stdout, stderr } = spawnSync(python, [file], { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${file} failed: ${stderr}`);
  const [count = Number.NaN, seconds = Number.NaN] = stdout.trim().split(" ").map(Number);
  return { count, list: seconds * 1_000 };
}
