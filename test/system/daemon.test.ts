import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { has, isLinux, isRoot, need } from "../host/places.ts";
import { agent, type Bench } from "./bench.ts";
import {
  configure,
  DaemonProcess,
  farAway,
  hostWith,
  missedSlot,
  pointsOf,
  soonAMinute,
  stateOf,
  struck,
  until,
} from "./daemon-process.ts";
import { instance } from "./history.ts";

const job = (more = "") => `{ schedule: "${farAway()}", splay: 0s, retention: { last: 5 }${more} }`;
const patient = ", waits: { request: 60s, capture: 60s, reconcileFor: 1s, reconcileEvery: 100ms }";

const hasPoint = async (bench: Bench): Promise<boolean> => (await pointsOf(bench)).length > 0;

describe.concurrent("the daemon", () => {
  test("runs a slot as a process of its own, when it comes, and keeps in the state which it was", async (context) => {
    const bench = await hostWith(context, { default: '{ schedule: "every 1m", splay: 0s }' });
    const began = Date.now();
    const { ahead, env } = soonAMinute();
    const daemon = new DaemonProcess(context, bench, env);
    await until(
      () => hasPoint(bench),
      () => `no point was made:\n${daemon.log}`,
      75_000,
    );
    await daemon.logged("the run ended with exit code 0");
    const { lastSlot, report } = await stateOf(bench, "default");
    const slot = Date.parse(lastSlot ?? "");
    expect(slot % 60_000).toBe(0);
    expect(slot).toBeGreaterThan(began + ahead);
    expect(slot).toBeLessThanOrEqual(Date.now() + ahead);
    expect(report?.trigger).toBe("schedule");
    expect(daemon.log).toMatch(/starting \(schedule, slot .*:00\.000Z\)/);
    expect(await daemon.end()).toBe(0);
  }, 90_000);

  test("makes up for a missed slot, and lets the run come to its end when it is told to stop", async (context) => {
    const bench = await hostWith(context, { default: job() });
    await missedSlot(bench, "default");
    bench.simulator.control.faults([{ kind: "delay", action: "CreateSnapshots", ms: 1_500 }]);
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged("starting (catch-up");
    await struck(bench, daemon);
    expect(await daemon.end()).toBe(0);
    expect(daemon.log).toMatch(/stopping; 1 run\(s\) at work[\s\S]*the run ended with exit code 0/);
    expect(await pointsOf(bench)).toHaveLength(2);
    const { lastSlot, report } = await stateOf(bench, "default");
    expect(report?.trigger).toBe("catch-up");
    expect(daemon.log).toContain(`slot ${lastSlot}`);
  });

  test("is not taken along by a run that hangs: it reloads, runs other jobs, and outlives the run's end", async (context) => {
    const bench = await hostWith(context, {
      hangs: job(patient),
      other: job(),
      late: "{ retention: { last: 5 } }",
    });
    await missedSlot(bench, "hangs");
    await missedSlot(bench, "other");
    await missedSlot(bench, "late");
    bench.simulator.control.faults([{ kind: "hang", action: "CreateSnapshots" }]);
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged(/the run ended with exit code 0/);
    // The other one to be seen meanwhile reads the timetable.
    await until(
      () => daemon.runs().length === 1,
      () => `there is more than the hung run:\n${daemon.log}`,
    );
    const [hung = 0] = daemon.runs();
    await configure(bench, { hangs: job(patient), other: job(), late: job() });
    daemon.child.kill("SIGHUP");
    await daemon.logged(/starting \(catch-up, .*job=late/);
    process.kill(hung, "SIGKILL");
    await daemon.logged("the run ended with exit code 137");
    expect(daemon.isAlive).toBe(true);
    expect(await daemon.end()).toBe(0);
  });

  test("hurries at the second signal: the run is told to stop, and says what it knows", async (context) => {
    const bench = await hostWith(context, { default: job(patient) });
    await missedSlot(bench, "default");
    bench.simulator.control.faults([{ kind: "hang", action: "DescribeSnapshots" }]);
    const daemon = new DaemonProcess(context, bench);
    await struck(bench, daemon);
    daemon.child.kill("SIGTERM");
    await daemon.logged("stopping; 1 run(s) at work");
    const hurried = performance.now();
    expect(await daemon.end()).toBe(0);
    expect(performance.now() - hurried).toBeLessThan(15_000);
    expect(daemon.log).toContain("the run ended with exit code 143");
    // Its report was written all the same.
    expect((await stateOf(bench, "default")).report?.trigger).toBe("catch-up");
  });

  test("tells a run to stop when stopWithin is over", async (context) => {
    const bench = await hostWith(context, { default: job(patient) }, "{ bootDelay: 0s, stopWithin: 1s }");
    await missedSlot(bench, "default");
    bench.simulator.control.faults([{ kind: "hang", action: "DescribeSnapshots" }]);
    const daemon = new DaemonProcess(context, bench);
    await struck(bench, daemon);
    const told = performance.now();
    expect(await daemon.end()).toBe(0);
    expect(performance.now() - told).toBeGreaterThan(1_000);
    expect(performance.now() - told).toBeLessThan(20_000);
  });

  test("has its run told to stop before the capture, and makes up for that slot at its next start", async (context) => {
    const daemonWaits = "{ bootDelay: 0s, stopWithin: 1s }";
    const bench = await hostWith(context, { default: job() }, daemonWaits);
    await missedSlot(bench, "default");
    const { lastSlot: before } = await stateOf(bench, "default");
    const dumping = path.join(bench.folder, "dumping");
    const dump = `[sh, -c, "touch ${dumping}; exec sleep 600"]`;
    const slow = job(`, hooks: [{ command: { before: ${dump}, timeout: 20m } }]`);
    await configure(bench, { default: slow }, daemonWaits);
    const daemon = new DaemonProcess(context, bench);
    await until(
      () => existsSync(dumping),
      () => `the hook was never called:\n${daemon.log}`,
    );
    expect(await daemon.end()).toBe(0);
    expect(daemon.log).toContain("the run ended with exit code 143");
    const cut = await stateOf(bench, "default");
    expect(cut).toMatchObject({ lastSlot: before, report: { trigger: "catch-up", outcome: "failed" } });
    await configure(bench, { default: job() }, daemonWaits);
    const next = new DaemonProcess(context, bench);
    await next.logged("the run ended with exit code 0");
    expect(next.log).toContain("starting (catch-up");
    expect(await next.end()).toBe(0);
    expect((await stateOf(bench, "default")).lastSlot).not.toBe(before);
    expect(await pointsOf(bench)).toHaveLength(2);
  });

  test("makes up for the first slot of a job, from the day on at which it was first started", async (context) => {
    const bench = await hostWith(context, { default: job() });
    const file = path.join(bench.state, "unserved.json");
    const first = new DaemonProcess(context, bench);
    await first.logged(/next run at .* \(schedule;/);
    expect(await first.end()).toBe(0);
    expect(first.log).not.toContain("catch-up");
    const seen = JSON.parse(await readFile(file, "utf8"));
    expect(seen).toMatchObject({ instance: instance.id, firstSeen: { default: expect.any(String) } });
    const daysAgo = new Date(Date.now() - 2 * 86_400_000).toISOString();
    await writeFile(file, JSON.stringify({ ...seen, firstSeen: { default: daysAgo } }));
    const next = new DaemonProcess(context, bench);
    await next.logged("the run ended with exit code 0");
    expect(next.log).toMatch(/starting \(catch-up/);
    expect((await stateOf(bench, "default")).report).toMatchObject({ trigger: "catch-up", missed: 1 });
    await until(
      async () => !(await readFile(file, "utf8")).includes(daysAgo),
      () => `it was kept after the slot had been served:\n${next.log}`,
    );
    expect(await next.end()).toBe(0);
  });

  test("ends at once while the metadata service hangs, and goes on while it cannot be reached", async (context) => {
    const bench = await hostWith(context, { default: job() });
    bench.simulator.control.faults([{ kind: "hang", service: "imds", action: "*", count: "always" }]);
    const hanging = new DaemonProcess(context, bench);
    await until(
      () => bench.simulator.control.calls().length > 0,
      () => `it never read its timetable:\n${hanging.log}`,
    );
    const told = performance.now();
    expect(await hanging.end()).toBe(0);
    expect(performance.now() - told).toBeLessThan(4_000);
    expect(hanging.log).not.toContain("error");
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:9" };
    const alone = new DaemonProcess(context, bench, env);
    await alone.logged(/cannot read the timetable: no usable answer/);
    expect(alone.isAlive).toBe(true);
    expect(await alone.end()).toBe(0);
  });

  test("says what is wrong with a faulty file that it has no good one for, instead of being idle", async (context) => {
    const bench = await hostWith(context, { default: "{ schedule: never }" });
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged(/cannot read the timetable: .*jobs\.default\.schedule/);
    expect(await daemon.end()).toBe(0);
  });

  test("refuses a file that was named and is not there, as every command does", async (context) => {
    const bench = await hostWith(context, { default: job() });
    const words = ["--config", path.join(bench.folder, "none.yaml"), "daemon"];
    const ended = await bench.execute(words);
    expect(ended.code).toBe(78);
    expect(ended.stderr).toMatch(/^ec2-backup: cannot read the configuration: .*none\.yaml.*no such file/);
    const json = await bench.execute(["--json", ...words]);
    expect(json.code).toBe(78);
    expect(JSON.parse(json.stdout)).toMatchObject({ exitCode: 78, error: { kind: "configuration" } });
  });

  test("logs as the file says", async (context) => {
    const bench = await hostWith(context, { default: job() });
    await writeFile(
      bench.config,
      `version: 1\nlog: { format: json, level: debug }\njobs: { default: ${job()} }\n`,
      { mode: 0o600 },
    );
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged(/^\{"time":".*","level":"info","message":"next run at /m);
    expect(await daemon.end()).toBe(0);
  });

  test("can be told to reload and to stop as soon as it is there", async (context) => {
    const bench = await hostWith(context, { default: job() });
    const daemon = new DaemonProcess(context, bench);
    // While it asks for its settings.
    await until(
      () => daemon.runs().length > 0,
      () => `it asked nobody:\n${daemon.log}`,
    );
    daemon.child.kill("SIGHUP");
    expect(await daemon.end()).toBe(0);
    expect(daemon.log).not.toContain("error");
  });

  test("hands its own log level to its runs", async (context) => {
    const bench = await hostWith(context, { default: job() });
    await missedSlot(bench, "default");
    const daemon = new DaemonProcess(context, bench, {}, "--log-level", "error");
    await until(
      async () => (await stateOf(bench, "default")).report?.trigger === "catch-up",
      () => daemon.log,
    );
    expect(await daemon.end()).toBe(0);
    expect(daemon.log).toBe("");
  });
});

test("systemd hears READY, WATCHDOG and STOPPING on a real socket, in the daemon's name", async (context) => {
  const tools = has("python3") && has("systemd-notify");
  need(context, isLinux && isRoot && tools, "root, python3 and systemd-notify(1)");
  const bench = await hostWith(context, { default: job() });
  const socket = path.join(bench.folder, "notify");
  const receiver = spawn("python3", [path.join(import.meta.dirname, "datagrams.py"), socket]);
  onTestFinished(() => void receiver.kill("SIGKILL"));
  let heard = "";
  receiver.stdout.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
  });
  const hears = (text: string) =>
    until(
      () => heard.includes(text),
      () => `never heard ${text}:\n${heard}`,
    );
  await hears("bound\n");
  const daemon = new DaemonProcess(context, bench, { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "400000" });
  await hears(`${daemon.pid} READY=1\n`);
  await until(
    () => heard.split("WATCHDOG=1").length > 3,
    () => `too few signs of life:\n${heard}`,
  );
  expect(await daemon.end()).toBe(0);
  await hears(`${daemon.pid} STOPPING=1\n`);
  // systemd-notify adds on whose behalf it speaks, and asks whether it was heard.
  const lines = heard
    .trim()
    .split("\n")
    .filter((line) => !/^bound$|MAINPID=|BARRIER=/.test(line));
  expect(lines[0]).toBe(`${daemon.pid} READY=1`);
  expect(lines.at(-1)).toBe(`${daemon.pid} STOPPING=1`);
  expect(new Set(lines.slice(1, -1))).toEqual(new Set([`${daemon.pid} WATCHDOG=1`]));
  expect(daemon.log).not.toContain("systemd-notify");
});

test("an idle daemon has loaded nothing of the AWS SDK", async (context) => {
  const bench = await hostWith(context, { default: job() });
  const list = path.join(bench.folder, "loaded.json");
  const preload = path.join(bench.folder, "preload.cjs");
  const tell = `require("node:fs").writeFileSync(${JSON.stringify(list)}, JSON.stringify(Object.keys(require.cache)))`;
  await writeFile(preload, `process.on("SIGUSR2", () => ${tell});`);
  const daemon = new DaemonProcess(context, bench, { NODE_OPTIONS: `--require ${preload}` });
  await until(
    () => bench.simulator.control.calls().some((call) => call.action === "DescribeVolumes"),
    () => "the timetable was never read",
  );
  await until(
    () => daemon.runs().length === 0,
    () => "the timetable is still being read",
  );
  daemon.child.kill("SIGUSR2");
  let loaded: string[] = [];
  await until(
    async () => {
      loaded = JSON.parse(await readFile(list, "utf8").catch(() => "[]"));
      return loaded.length > 0;
    },
    () => "it never told what it has loaded",
  );
  expect(await daemon.end()).toBe(0);
  const dist = path.dirname(agent);
  const { outputs } = JSON.parse(await readFile(path.join(dist, "meta.json"), "utf8")) as {
    outputs: Record<string, { inputs: Record<string, unknown> }>;
  };
  const chunks = loaded
    .filter((file) => file.startsWith(dist))
    .map((file) => `dist/${path.relative(dist, file)}`);
  expect(chunks).toContain("dist/agent/daemon.cjs");
  const modules = chunks.flatMap((chunk) => Object.keys(outputs[chunk]?.inputs ?? {}));
  expect(modules).toContain("src/daemon/daemon.ts");
  // Nor of what reads a configuration, or of a run.
  const heavy =
    /@aws-sdk|@smithy|^src\/(aws|actions|engines|config\/(?!fault|defaults))|session\.ts|node_modules\/(yaml|zod)/;
  expect(modules.filter((module) => heavy.test(module))).toEqual([]);
});
