import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { CloudWatchClient, ListMetricsCommand, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { CreateSnapshotsCommand, DescribeSnapshotsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { data, instance, keys } from "./simulate.ts";

const program = new URL("../../src/simulator/main.ts", import.meta.url).pathname;

// Every test starts a program or several.
vi.setConfig({ testTimeout: 60_000 });

// Node.js before 22.18 runs TypeScript only when told to.
const flags = ["--experimental-strip-types", "--no-warnings"];

interface Running {
  process: ChildProcess;
  environment: Record<string, string>;
}

function run(...given: string[]): ChildProcess {
  const child = spawn(process.execPath, [...flags, program, ...given], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child;
}

async function start(...given: string[]): Promise<Running> {
  const child = run(...given);
  const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
  return { process: child, environment: JSON.parse(line.toString()) as Record<string, string> };
}

async function end({ process }: Running, signal: NodeJS.Signals): Promise<number | null> {
  const exited = once(process, "exit");
  process.kill(signal);
  const [code] = (await exited) as [number | null];
  return code;
}

async function finish(...given: string[]): Promise<{ code: number; out: string; errors: string }> {
  const child = run(...given);
  const [out, errors, [code]] = await Promise.all([
    text(child.stdout ?? Readable.from([])),
    text(child.stderr ?? Readable.from([])),
    once(child, "exit") as Promise<[number]>,
  ]);
  return { code, out, errors };
}

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "simulator-test-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

function clients({ environment }: Running) {
  const config = {
    endpoint: environment.AWS_ENDPOINT_URL ?? "",
    region: environment.AWS_REGION ?? "",
    credentials: keys,
  };
  return { ec2: new EC2Client(config), cloudwatch: new CloudWatchClient(config) };
}

test("it prints one line with the environment, serves, and exits 0 on SIGTERM and SIGINT", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const simulator = await start();
    const url = simulator.environment.AWS_ENDPOINT_URL ?? "";
    expect(simulator.environment).toEqual({
      AWS_ENDPOINT_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
      AWS_REGION: "eu-central-1",
      AWS_DEFAULT_REGION: "eu-central-1",
    });
    expect((await fetch(`${url}/_simulator/state`)).status).toBe(200);
    // One call stays open: it does not keep the program from ending.
    await fetch(`${url}/_simulator/faults`, { method: "POST", body: '[{"service":"imds","kind":"hang"}]' });
    const hanging = fetch(`${url}/latest/api/token`, { method: "PUT" }).catch(() => "cut off");
    await fetch(`${url}/_simulator/calls?wait=5s`);
    expect(await end(simulator, signal)).toBe(0);
    expect(await hanging).toBe("cut off");
  }
});

describe("arguments", () => {
  test("--help says what there is", async () => {
    const { code, out } = await finish("--help");
    expect(code).toBe(0);
    for (const word of ["--port", "--state", "--scenario", "/_simulator/faults"]) expect(out).toContain(word);
  });

  test("wrong ones are refused with 64", async () => {
    const { code, out, errors } = await finish("--colour", "red");
    expect({ code, out }).toEqual({ code: 64, out: "" });
    expect(errors).toContain("unknown argument --colour");
  });

  test("a bad scenario is refused with 78, every fault named", async () => {
    const file = join(await directory(), "scenario.json");
    await writeFile(file, JSON.stringify({ colour: 1, region: 2 }));
    const bad = await finish("--scenario", file);
    expect(bad.code).toBe(78);
    expect(bad.errors).toMatch(/colour: unknown[\s\S]*region: expected/);
    await writeFile(file, "{");
    expect((await finish("--scenario", file)).code).toBe(78);
    expect((await finish("--scenario", `${file}.missing`)).code).toBe(78);
    await writeFile(file, JSON.stringify({ instances: [] }));
    expect(await finish("--scenario", file)).toMatchObject({
      code: 78,
      errors: expect.stringContaining("self: no instance"),
    });
  });

  test("a state or a port that cannot be used is refused with 73", async () => {
    const path = await directory();
    await writeFile(join(path, "state.json"), "nonsense");
    expect(await finish("--state", path)).toMatchObject({
      code: 73,
      errors: expect.stringContaining("remove it to start anew"),
    });
    expect((await finish("--state", join(path, "state.json", "below"))).code).toBe(73);
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => {
      taken.close();
    });
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    expect((await finish("--port", String(port))).code).toBe(73);
  });
});

test("with a state directory it goes on where it was, even after kill -9", async () => {
  const path = await directory();
  const disk = join(path, "disk");
  const scenario = join(path, "scenario.json");
  await writeFile(disk, "bytes");
  const volumes = [{ id: data, size: 1, file: disk, attachments: [{ instance, device: "/dev/sdf" }] }];
  const accessKeys = [{ id: keys.accessKeyId, user: "tester" }];
  const clock = { start: "2026-03-01T02:00:00Z", speed: 0 };
  await writeFile(scenario, JSON.stringify({ clock, volumes, accessKeys }));
  const given = ["--state", join(path, "state"), "--scenario", scenario];

  const first = await start(...given);
  const before = clients(first);
  const specification = { InstanceSpecification: { InstanceId: instance } };
  const { Snapshots } = await before.ec2.send(new CreateSnapshotsCommand(specification));
  await before.cloudwatch.send(
    new PutMetricDataCommand({ Namespace: "Backup", MetricData: [{ MetricName: "m", Value: 1 }] }),
  );
  await fetch(`${first.environment.AWS_ENDPOINT_URL}/_simulator/clock`, {
    method: "POST",
    body: '{"advance":"5m"}',
  });
  expect(await end(first, "SIGKILL")).toBeNull();

  const second = await start(...given);
  const after = clients(second);
  const listed = await after.ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
  expect(listed.Snapshots).toMatchObject([
    {
      SnapshotId: Snapshots?.[0]?.SnapshotId,
      State: "completed",
      CompletionTime: new Date("2026-03-01T02:01:00Z"),
    },
  ]);
  expect((await after.cloudwatch.send(new ListMetricsCommand({}))).Metrics).toHaveLength(1);
  const response = await fetch(`${second.environment.AWS_ENDPOINT_URL}/_simulator/state`);
  const state = (await response.json()) as { now: string; snapshots: Record<string, { file: string }> };
  expect(state.now).toBe("2026-03-01T02:05:00.000Z");
  expect(await readFile(state.snapshots[Snapshots?.[0]?.SnapshotId ?? ""]?.file ?? "", "utf8")).toBe("bytes");
  expect(await end(second, "SIGTERM")).toBe(0);
});
