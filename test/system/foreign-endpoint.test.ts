import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { agent, type Ended, execute } from "./bench.ts";
import { inOrder } from "./call-order.ts";

const python = spawnSync("python3", ["--version"]);
const missing = python.status === 0 ? undefined : "python3 is not installed";
if (missing !== undefined && process.env["CI"] === "true") throw new Error(missing);
if (missing !== undefined) console.log(`foreign endpoint: skipped, ${missing}`);

/** What the endpoint says of a request. */
interface Request {
  readonly service: string;
  readonly action: string;
  readonly userAgent: string;
  readonly signed?: boolean;
  readonly parameters?: Readonly<Record<string, string>>;
}

/** The endpoint that is not ours: what to export, and what it received. */
class ForeignEndpoint {
  readonly environment: Readonly<Record<string, string>>;
  readonly requests: Request[] = [];

  private constructor(environment: Record<string, string>, lines: AsyncIterableIterator<string>) {
    this.environment = environment;
    void this.#collect(lines);
  }

  static async start(): Promise<ForeignEndpoint> {
    const script = path.join(import.meta.dirname, "foreign_endpoint.py");
    const child: ChildProcess = spawn("python3", [script], { stdio: ["pipe", "pipe", "inherit"] });
    // It ends with its standard input.
    onTestFinished(() => void child.stdin?.end());
    if (child.stdout === null) throw new Error("it has no output");
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    return new ForeignEndpoint(JSON.parse(first.value ?? "{}"), lines as AsyncIterableIterator<string>);
  }

  async #collect(lines: AsyncIterableIterator<string>): Promise<void> {
    for await (const line of lines) this.requests.push(JSON.parse(line) as Request);
  }

  /** The requests to a service since the last time. */
  take(service: string): Request[] {
    const own = this.requests.filter((one) => one.service === service);
    const others = this.requests.filter((one) => one.service !== service);
    this.requests.splice(0, this.requests.length, ...others);
    return own;
  }
}

describe.skipIf(missing !== undefined)(`an endpoint of other make${missing ? ` (${missing})` : ""}`, () => {
  test("the agent backs up, prunes, lists and plans against it by the standard variables alone", async () => {
    const endpoint = await ForeignEndpoint.start();
    const folder = await mkdtemp(path.join(tmpdir(), "ec2-backup-foreign-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const config = path.join(folder, "config.yaml");
    await writeFile(config, "version: 1\njobs:\n  default: { retention: { last: 2 } }\n", { mode: 0o600 });
    const env = { ...endpoint.environment, STATE_DIRECTORY: path.join(folder, "state") };
    const call = (...words: string[]): Promise<Ended> =>
      execute([process.execPath, agent, ...words, "--config", config, "--json"], env);

    const made: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const run = await call("run");
      expect(run.code, run.stderr + run.stdout).toBe(0);
      const [report] = JSON.parse(run.stdout).reports;
      expect(report.instanceStores).toEqual(["sdb"]);
      expect(report.points).toHaveLength(1);
      made.push(report.points[0].id);
      expectRequests(endpoint, report.run, round);
    }
    const listed = JSON.parse((await call("list")).stdout);
    expect(listed.points.map((point: { id: string }) => point.id)).toEqual(made.slice(1).reverse());
    expect(listed.points.map((point: { state: string }) => point.state)).toEqual(["complete", "complete"]);
    const [plan] = JSON.parse((await call("plan")).stdout).reports;
    expect(plan.problems).toEqual([]);
  });
});

/** Every request is signed with the role's credentials, tells who asks, and is one that EC2 documents. */
function expectRequests(endpoint: ForeignEndpoint, run: string, round: number): void {
  const requests = endpoint.take("ec2");
  const pages = round + 1;
  expect(inOrder(requests.map((one) => one.action))).toEqual([
    "DescribeInstances",
    "DescribeVolumes",
    "CreateSnapshots",
    ...Array<string>(pages).fill("DescribeSnapshots"),
    ...(round < 2 ? [] : ["DescribeImages", "DescribeLockedSnapshots", "DeleteSnapshot", "DeleteSnapshot"]),
  ]);
  const metrics = endpoint.take("cloudwatch");
  expect(metrics.map((one) => one.action)).toEqual(["PutMetricData"]);
  for (const one of [...requests, ...metrics]) {
    expect(one.signed, one.action).toBe(true);
    expect(one.userAgent, one.action).toMatch(/ec2-backup-agent\/\d/);
    expect(one.userAgent, one.action).toContain(`run/${run}`);
  }
  const create = requests.find((one) => one.action === "CreateSnapshots");
  const words = Object.values(create?.parameters ?? {});
  expect(words).toContain("arn:aws:ec2:ap-southeast-2:123456789012:instance/i-1234567890abcdef0");
}
