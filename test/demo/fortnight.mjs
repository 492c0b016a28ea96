// A fortnight of nightly backups in a minute: the real agent, as a process of its own each night, against
// the simulator over HTTP. What is shown is what the agent reported and what the simulator received.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

const root = path.join(import.meta.dirname, "..", "..");
const nights = 14;
const day = 86_400_000;
const home = mkdtempSync(path.join(tmpdir(), "ec2-backup-demo-"));
const say = (text = "") => console.log(text);
const heading = (text) => say(`\n=== ${text}\n`);

/** One instance with three volumes; its tags are all the configuration there is. */
const instance = "i-0d3a0de0c0ffee001";
const volume = (id, size, type, device, name) => ({
  id,
  size,
  type,
  tags: { Name: name },
  attachments: [{ instance, device, deleteOnTermination: device === "/dev/xvda" }],
});
const start = new Date(Math.floor(Date.now() / day) * day - nights * day);
const scenario = {
  region: "eu-central-1",
  self: instance,
  clock: { start: start.toISOString() },
  settle: { seconds: 1200 },
  instances: [
    {
      id: instance,
      name: "demo",
      tags: { Backup: "yes", Retention: "daily=5 weekly=2 min=3" },
    },
  ],
  volumes: [
    volume("vol-0d3a0de0c0ffee00a", 8, "gp3", "/dev/xvda", "demo root"),
    volume("vol-0d3a0de0c0ffee00f", 100, "gp3", "/dev/sdf", "demo data"),
    volume("vol-0d3a0de0c0ffee010", 50, "gp3", "/dev/sdg", "demo archive"),
  ],
};

async function startSimulator() {
  const file = path.join(home, "scenario.json");
  writeFileSync(file, JSON.stringify(scenario));
  const program = path.join(root, "dist", "ec2-backup-simulator.js");
  const child = spawn(process.execPath, [program, "--scenario", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await Promise.race([
    createInterface(child.stdout)
      [Symbol.asyncIterator]()
      .next()
      .then((read) => [read.value]),
    new Promise((_, reject) =>
      child.once("exit", (code) => reject(new Error(`the simulator ended (${code})`))),
    ),
  ]);
  return { child, environment: JSON.parse(line) };
}

function agent(environment, ...words) {
  const program = path.join(root, "dist", "ec2-backup.js");
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    STATE_DIRECTORY: path.join(home, "state"),
    ...environment,
  };
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      ["--no-warnings", program, ...words],
      { env, maxBuffer: 1 << 26 },
      (error, out, log) => {
        if (error && typeof error.code !== "number") reject(error);
        else resolve({ code: error ? error.code : 0, out, log });
      },
    );
  });
}

async function control(environment, method, what, body) {
  const url = `${environment.AWS_ENDPOINT_URL}/_simulator/${what}`;
  const answer = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${method} ${what}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const captured = new Map();

/** One night: the clock goes to two o'clock, the agent runs, and its report is told in a few lines. */
async function spendNight(environment, night) {
  const at = new Date(start.getTime() + night * day + 2 * 3_600_000);
  await control(environment, "POST", "clock", { set: at.toISOString() });
  const { code, out, log } = await agent(environment, "--json", "run");
  if (code !== 0) throw new Error(`night ${night + 1}: exit code ${code}\n${out}\n${log}`);
  const [report] = JSON.parse(out).reports;
  const [point] = report.points;
  captured.set(point.id, point.captured.slice(0, 10));
  const kept = report.retention.keep.length;
  say(
    `Night ${String(night + 1).padStart(2)}  ${point.captured.slice(0, 16)}Z  point ${point.id}  ${point.snapshots.length} snapshots, ${kept} points kept`,
  );
  for (const gone of report.retention.remove) {
    const outcomes = report.retention.removals.filter((one) => one.point === gone.id);
    say(
      `          pruned the point of ${captured.get(gone.id)}: no rule keeps it (${outcomes.map((one) => one.snapshotId).join(", ")})`,
    );
  }
  return report;
}

async function showMetrics(environment) {
  const calls = await control(environment, "GET", "calls");
  const published = calls.filter((call) => call.action === "PutMetricData");
  const last = published.at(-1).parameters;
  say(`${published.length} times PutMetricData to namespace ${last.Namespace}; the last one:`);
  for (const { MetricName, Value, Unit, Dimensions } of last.MetricData) {
    const where = Dimensions.map(({ Name, Value: value }) => `${Name}=${value}`).join(" ");
    say(`  ${MetricName.padEnd(24)} ${String(Value).padStart(14)} ${Unit.padEnd(8)} ${where}`);
  }
  const counts = new Map();
  for (const { service, action } of calls)
    if (service !== "imds") counts.set(action, (counts.get(action) ?? 0) + 1);
  say(
    `\nAPI calls of ${nights} runs and a plan: ${[...counts].map(([name, count]) => `${count} ${name}`).join(", ")}`,
  );
}

async function main() {
  heading(
    "A simulated EC2 instance with three volumes, protected by two tags: Backup=yes, Retention=daily=5 weekly=2 min=3",
  );
  const { child, environment } = await startSimulator();
  try {
    say("$ ec2-backup plan");
    say((await agent(environment, "plan")).out);
    heading(`A fortnight of nights, each a process \`ec2-backup run\``);
    say(
      "(The simulated clock leads a life of its own. The agent notices and would warn; retention goes by AWS's clock.)\n",
    );
    let last;
    for (let night = 0; night < nights; night += 1) last = await spendNight(environment, night);
    heading("Why the points that are left are kept, as the last run reported it");
    for (const { point, reasons } of last.retention.keep) {
      say(`${point.captured.slice(0, 16)}Z  ${point.id}\n    ${reasons.join("; ")}`);
    }
    heading("What CloudWatch received");
    await showMetrics(environment);
    heading("In the end");
    await control(environment, "POST", "clock", { advance: "1h" });
    say("$ ec2-backup list");
    say((await agent(environment, "list")).out);
    say("$ ec2-backup status");
    say((await agent(environment, "status")).out);
  } finally {
    child.kill("SIGTERM");
    rmSync(home, { recursive: true, force: true });
  }
}

await main();
