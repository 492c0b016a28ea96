import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import path from "node:path";
import { beforeEach, describe, expect, onTestFinished, type TestContext, test } from "vitest";
import { processesSaying } from "../hooks/processes.ts";
import { folder, isLinux, need } from "../host/places.ts";
import { canMountSilent, mountSilent, silentNeeds } from "../host/silent-mount.ts";
import { Bench, type Run } from "./bench.ts";
import { DaemonProcess, farAway, hostWith } from "./daemon-process.ts";
import { scenarioOf } from "./history.ts";
import { promptly } from "./log-speaker.ts";
import { Rsyslog, rsyslogHindrance, until } from "./rsyslog.ts";

async function benchWith(log: string, more = ""): Promise<Bench> {
  const bench = await Bench.start(scenarioOf(2, 0, { limits: false }));
  onTestFinished(() => bench[Symbol.asyncDispose]());
  await logTo(bench, log, more);
  return bench;
}

async function logTo(
  bench: Bench,
  log: string,
  jobs = "{ default: { retention: { last: 4 } } }",
): Promise<void> {
  const text = `version: 1\njobs: ${jobs || "{ default: { retention: { last: 4 } } }"}\nlog: ${log}\n`;
  await writeFile(bench.config, text, { mode: 0o600 });
}

function expectUnharmed({ code, report, stdout, stderr, ms }: Run): void {
  expect(code, stderr).toBe(0);
  expect(report.outcome).toBe("done");
  expect(JSON.parse(stdout)).toMatchObject({ exitCode: 0 });
  expect((report as Run["report"] & { elapsedMs: number }).elapsedMs).toBeLessThan(promptly);
  expect(ms).toBeLessThan(2 * promptly);
}

/** Accepts and never reads. */
async function blackHole(): Promise<number> {
  const open: Socket[] = [];
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    open.push(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

describe("a run whose log is not taken", () => {
  test.each([
    ["refused", async () => "{ syslog: { protocol: tcp4, port: 1 } }", "ECONNREFUSED"],
    [
      "swallowed",
      async () => `{ flushWithin: 300ms, syslog: { protocol: tcp4, port: ${await blackHole()} } }`,
      "not delivered at the end",
    ],
    ["nowhere", async () => "{ syslog: { socket: /nowhere/log } }", "/nowhere/log"],
    ["without a directory", async () => "{ file: { path: /nowhere/agent.log } }", "ENOENT"],
    ["without a device", async () => "{ file: { path: /dev/full } }", "no plain file"],
  ])("(%s) comes to the same, in time, and says so on stderr", async (_, log, told) => {
    const bench = await benchWith(await log());
    const run = await bench.run();
    expectUnharmed(run);
    expect(run.stderr).toContain(told);
    expect(run.stderr).toContain("info: run done");
    const complaints = run.stderr.split("\n").filter((line) => line.includes("the log's"));
    expect(complaints.length).toBeLessThanOrEqual(1);
  });
});

describe("a server that does not answer and has the log", () => {
  beforeEach((context) => need(context, isLinux && canMountSilent, silentNeeds));
  const kept = async (manner: "gone" | "deaf") => {
    const place = path.join(await folder(), "share");
    await mountSilent(place, manner);
    return path.join(place, "log");
  };

  test("of the agent holds up no run, which says so on stderr", async () => {
    const bench = await benchWith(`{ file: { path: ${await kept("gone")} } }`);
    const run = await bench.run();
    expectUnharmed(run);
    expect(run.stderr).toContain("not delivered at the end");
  });

  test("of a hook holds up no run, and is asked by one process alone where that cannot be killed", async () => {
    const log = await kept("deaf");
    const hook = `{ command: { before: "true", log: ${log}, onFailure: continue } }`;
    const jobs = `{ default: { retention: { last: 4 }, hooks: [${hook}] } }`;
    const bench = await benchWith("{ level: info }", jobs);
    for (const _ of ["first", "second"]) {
      const run = await bench.run();
      expect([run.code, run.report.outcome], run.stderr).toEqual([1, "degraded"]);
      expect(run.stderr).toMatch(/fuse\.silent at \S+ has not answered an earlier look yet/);
      expect(processesSaying(`stat -f -- ${path.dirname(log)}`)).toHaveLength(1);
    }
  });
});

describe("what a command cannot do", () => {
  test("reaches the log also where it comes to no report, and a fault of the file where the log is good", async () => {
    const file = path.join(await folder(), "agent.log");
    const bench = await benchWith(`{ file: { path: ${file} } }`, "{ default: { retention: { lost: 4 } } }");
    const plan = await bench.execute(["plan", "--config", bench.config]);
    expect(plan.code).toBe(78);
    const text = await readFile(file, "utf8");
    expect(text).toContain("error: cannot use the configuration: ");
    expect(text).toContain('did you mean "last"?');
  });
});

const why = rsyslogHindrance;
describe.skipIf(why !== undefined)(`a real rsyslog${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  test.each(["tcp4", "local"] as const)(
    "that is killed and started again in the midst of a run gets all of its lines by %s",
    async (protocol) => {
      const server = await Rsyslog.at(await folder());
      await server.start();
      const place = protocol === "local" ? `socket: ${server.socket}` : `port: ${server.port}`;
      const bench = await benchWith(`{ level: debug, syslog: { protocol: ${protocol}, ${place} } }`);
      bench.simulator.control.faults([{ kind: "delay", ms: 2_500, action: "CreateSnapshots", count: 1 }]);
      const running = bench.run();
      await until(() => bench.apiCalls().some((call) => call.action === "CreateSnapshots"), "the capture");
      await server.has("debug: prepare done");
      await server.kill("SIGKILL");
      await server.start();
      const run = await running;
      expect(run.code, run.stderr).toBe(0);
      await server.has("run done");
      const lines = run.stderr.split("\n").filter((line) => /^(debug|info|warn|error): /.test(line));
      expect(lines.length).toBeGreaterThan(3);
      const arrived = new Set(server.arrived().map(({ text }) => text));
      expect(lines.filter((line) => !arrived.has(line))).toEqual([]);
    },
  );

  test("that goes and comes back hears a daemon to its end, and the daemon ends at once", async (context: TestContext) => {
    const server = await Rsyslog.at(await folder());
    await server.start();
    const bench = await hostWith(context, {});
    const jobs = `{ default: { schedule: "${farAway()}", splay: 0s } }`;
    await logTo(bench, `{ syslog: { protocol: tcp4, port: ${server.port} } }`, jobs);
    const daemon = new DaemonProcess(context, bench);
    await server.has("next run at");
    expect(server.arrived()[0]).toMatchObject({ priority: "daemon.info", pid: String(daemon.pid) });
    await server.kill("SIGKILL");
    await server.start();
    const began = performance.now();
    expect(await daemon.end()).toBe(0);
    expect(performance.now() - began).toBeLessThan(promptly);
    await server.has("stopping");
  });
});

test.skipIf(!isLinux)("a run without sinks loads nothing of them", async () => {
  const bench = await benchWith("{ level: info }");
  const list = path.join(bench.folder, "loaded");
  const recorder = path.join(import.meta.dirname, "..", "fakes", "record-modules.cjs");
  await bench.execute(["list", "--config", bench.config], {
    under: ["env", `NODE_OPTIONS=--require ${recorder}`],
    env: { RECORD_MODULES: list },
  });
  const loaded = await readFile(list, "utf8");
  expect(loaded).toContain("process-log.cjs");
  expect(loaded).not.toMatch(/sinks|syslog|log-file|event-log/);
});
