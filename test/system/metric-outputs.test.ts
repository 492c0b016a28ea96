import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { has, need } from "../host/places.ts";
import { Bench, type Run, type Start } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";

const job = "{ retention: { last: 4 }, waits: { request: 10s, capture: 10s } }";

/** A host with so many volumes and its metrics configured. */
async function measured(metrics: string, volumes = 2, jobs = ["default"]): Promise<Bench> {
  const bench = await Bench.start(scenarioOf(volumes, 3, { limits: false }));
  await write(bench, metrics, jobs);
  return bench;
}

async function write(bench: Bench, metrics: string, jobs = ["default"]): Promise<void> {
  const each = jobs.map((name) => `  ${name}: ${job}\n`).join("");
  await writeFile(bench.config, `version: 1\njobs:\n${each}metrics: ${metrics}\n`, { mode: 0o600 });
}

interface Series {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly { readonly Name: string; readonly Value: string }[];
  readonly points: readonly { readonly unit: string; readonly maximum: number; readonly count: number }[];
}

const seriesIn = async (bench: Bench): Promise<Series[]> =>
  Object.values((await bench.simulator.control.state()).series) as unknown as Series[];

/** `EC2Backup Size Server=i-1,Drive=/dev/sdf` */
function nameOf({ namespace, name, dimensions }: Series): string {
  const words = dimensions.map(({ Name, Value }) => `${Name}=${Value}`).sort();
  return `${namespace} ${name} ${words.join(",")}`;
}

async function good(run: Promise<Run>): Promise<Run> {
  const ended = await run;
  expect(ended.code, ended.stderr).toBe(0);
  expect(ended.report.problems).toEqual([]);
  return ended;
}

const puts = (bench: Bench) => bench.apiCalls().filter(({ action }) => action === "PutMetricData");

test("the three metrics of the essay that this agent goes back to come out under its names, by configuration alone", async (context) => {
  need(context, has("aws"), "the AWS CLI");
  await using bench = await measured(
    "{ namespace: Organization/Backup, dimensions: [Server, Drive], only: [ElapsedTime, Size, Errors] }",
  );
  await good(bench.run());
  const ours = await seriesIn(bench);

  // What the essay has its readers type, for each of the drives.
  await using theirs = await Bench.start(
    scenarioOf(2, 0, { accessKeys: [{ id: "AKIAEXAMPLE00000001", user: "x" }] }),
  );
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_"))),
    ...theirs.simulator.environment,
    AWS_ACCESS_KEY_ID: "AKIAEXAMPLE00000001",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  };
  const metrics = { ElapsedTime: "600", Size: "1024", Errors: "0" };
  for (const drive of ["/dev/xvda", "/dev/sdab"])
    for (const [name, value] of Object.entries(metrics)) {
      const dimensions = `Server=${instance.id},Drive=${drive}`;
      const words = ["--metric-name", name, "--namespace", "Organization/Backup", "--dimensions", dimensions];
      await promisify(execFile)(
        "aws",
        ["cloudwatch", "put-metric-data", ...words, "--value", value, "--endpoint-url", theirs.simulator.url],
        {
          env,
        },
      );
    }
  expect(ours.map(nameOf).sort()).toEqual((await seriesIn(theirs)).map(nameOf).sort());
  expect(ours).toHaveLength(6);

  // The essay puts no units, but its alarms ask for these, and would find nothing without.
  const units = Object.fromEntries(ours.map(({ name, points }) => [name, points[0]?.unit]));
  expect(units).toEqual({ ElapsedTime: "Seconds", Size: "Bytes", Errors: "Count" });
  expect(ours.flatMap(({ points }) => points.map(({ count }) => count))).toEqual([1, 1, 1, 1, 1, 1]);
});

test("a run that cannot find its volumes still tells each drive of its errors", async () => {
  await using bench = await measured("{ dimensions: [Server, Drive], only: [Errors] }");
  await good(bench.run());
  await bench.simulator.control.settings({ deny: [{ action: "ec2:DescribeVolumes" }] });
  // Also the second time, when the report before knew no volumes either.
  for (const _ of [1, 2]) expect((await bench.run()).code).toBe(77);
  for (const series of await seriesIn(bench)) {
    expect(nameOf(series)).toMatch(/^EC2Backup Errors Drive=\/dev\/(xvda|sdab),Server=i-0fa0/);
    expect(series.points.map(({ maximum }) => maximum)).toEqual([0, 1, 1]);
  }
});

test("size and age of each volume are published when asked for, beside those of the job", async () => {
  await using bench = await measured("{ perVolume: true }");
  await good(bench.run());
  const names = (await seriesIn(bench)).map(nameOf).filter((name) => name.includes("Drive="));
  const common = `Job=default,Server=${instance.id}`;
  expect(names.sort()).toEqual(
    ["SecondsSinceLastBackup", "Size"].flatMap((name) =>
      ["/dev/sdab", "/dev/xvda"].map((drive) => `EC2Backup ${name} Drive=${drive},${common}`),
    ),
  );
  expect(puts(bench)).toHaveLength(1);
});

test("the embedded format goes to the agent's socket and to no CloudWatch", async () => {
  await using bench = await measured("{ output: emf, perVolume: true, emf: { logGroup: backups } }");
  let text = "";
  const server = createServer((socket) => {
    socket.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  const start: Start = { env: { AWS_EMF_AGENT_ENDPOINT: `tcp://127.0.0.1:${port}` } };
  const before = Date.now();
  await good(bench.run(start));
  expect(puts(bench)).toEqual([]);
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatchObject({ Server: instance.id, Job: "default", Errors: 0 });
  expect(
    lines
      .slice(1)
      .map(({ Drive }) => Drive)
      .sort(),
  ).toEqual(["/dev/sdab", "/dev/xvda"]);
  for (const { _aws } of lines) {
    expect(_aws).toMatchObject({ LogGroupName: "backups", CloudWatchMetrics: [{ Namespace: "EC2Backup" }] });
    expect(_aws.Timestamp).toBeGreaterThanOrEqual(before);
  }
});

test("the embedded format goes to a file, and an environment that names nonsense is told", async () => {
  await using bench = await measured("{ output: emf }");
  const run = await bench.run({ env: { AWS_EMF_AGENT_ENDPOINT: "nonsense" } });
  expect(run.code, run.stderr).toBe(0);
  expect(run.report.problems).toMatchObject([
    { severity: "warning", kind: "configuration", found: 'AWS_EMF_AGENT_ENDPOINT is "nonsense"' },
  ]);
  const file = path.join(bench.folder, "metrics.emf");
  await write(bench, `{ output: [emf, cloudwatch], only: [Errors], emf: { file: ${file} } }`);
  await good(bench.run());
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ Errors: 0, Job: "default" });
  expect(puts(bench)).toHaveLength(1);
});

test("Prometheus' file has the last values of every job, whichever ran last, and how a failed one ended", async () => {
  const folder = "textfile";
  await using bench = await measured("{ enabled: false }", 2, ["daily", "hourly"]);
  const directory = path.join(bench.folder, folder);
  await mkdir(directory);
  await write(bench, `{ output: prometheus, prometheus: { directory: ${directory} } }`, ["daily", "hourly"]);
  const value = async (name: string, of: string): Promise<number> => {
    const text = await readFile(path.join(directory, "ec2_backup.prom"), "utf8");
    const line = text
      .split("\n")
      .find((one) => one.startsWith(`ec2_backup_${name}{`) && one.includes(`backup_job="${of}"`));
    return Number(line?.split(" ").at(-1));
  };
  await good(bench.run({}, "daily"));
  await good(bench.run({}, "hourly"));
  expect(await value("errors", "daily")).toBe(0);
  const ran = await value("last_run_timestamp_seconds", "daily");
  expect(Math.abs(ran - Date.now() / 1000)).toBeLessThan(120);

  await bench.simulator.control.settings({ imds: { enabled: false } });
  expect((await bench.run({}, "hourly")).code).toBe(69);
  expect(await value("errors", "hourly")).toBe(1);
  expect(await value("errors", "daily")).toBe(0);
  expect(await value("last_run_timestamp_seconds", "daily")).toBe(ran);
  expect(puts(bench)).toEqual([]);
});

test("a directory that is not there is complained of and changes no outcome", async () => {
  await using bench = await measured("{ output: [cloudwatch, prometheus] }");
  await write(bench, `{ output: prometheus, prometheus: { directory: ${bench.folder}/none } }`);
  const run = await bench.run();
  expect(run.code, run.stderr).toBe(0);
  expect(run.report.problems).toMatchObject([
    { severity: "warning", kind: "cannot-write", doing: expect.stringContaining("/none/ec2_backup.prom") },
  ]);
});

test("nothing is published where metrics are switched off, whatever the outputs", async () => {
  await using bench = await measured("{ enabled: false, output: [cloudwatch, emf] }");
  await good(bench.run());
  expect(puts(bench)).toEqual([]);
});
