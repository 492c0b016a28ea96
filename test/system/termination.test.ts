import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { RunReport } from "../../src/core/report.ts";
import { DaemonProcess, missedSlot, struck, until } from "./daemon-process.ts";
import { instance, setsOf } from "./history.ts";
import { asked, govern, notAllowed, policyNamed } from "./policies.ts";
import {
  captured,
  configure,
  endingHost,
  group,
  interrupt,
  job,
  lastPoints,
  metadataCalls,
  newPoints,
  reportOf,
} from "./termination-stage.ts";

const ended = /the last capture ended with exit code (\d+)/;
const noticePaths = /spot\/instance-action|target-lifecycle-state/;

describe.concurrent("a notice that the instance is to end", () => {
  test("from spot makes one point, tagged with it, and nothing else: nothing is removed", async (context) => {
    const bench = await endingHost(context, {});
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged("watching for a notice of this instance's end (spot)");
    const before = bench.apiCalls().length;
    const began = performance.now();
    await interrupt(bench);
    await captured(bench, daemon);
    expect(performance.now() - began).toBeLessThan(60_000);
    await daemon.logged("the last capture ended with exit code 0");
    expect(await lastPoints(bench)).toEqual([expect.stringMatching(/^spot terminate 20\d\d-[\dT:-]+Z$/)]);
    const report = await reportOf(bench);
    expect([report.trigger, report.outcome, report.points.length]).toEqual(["termination", "done", 1]);
    const asked = bench
      .apiCalls()
      .slice(before)
      .map(({ action }) => action);
    expect(asked.filter((action) => action === "CreateSnapshots")).toHaveLength(1);
    expect(asked).not.toContain("DeleteSnapshot");
    expect(asked).toContain("PutMetricData");
    // Looked at again and again, it stays one notice, also for a daemon that is started anew.
    const looks = metadataCalls(bench, noticePaths).length;
    await until(
      () => metadataCalls(bench, noticePaths).length > looks + 2,
      () => `nobody looks any more:\n${daemon.log}`,
    );
    expect(await daemon.end()).toBe(0);
    const again = new DaemonProcess(context, bench);
    await again.logged(ended);
    expect(await again.end()).toBe(0);
    expect(await newPoints(bench)).toBe(1);
    expect(again.log).toContain("it has been captured since the notice");
  });

  test("from an Auto Scaling group does as well, and only that is looked at", async (context) => {
    const bench = await endingHost(context, { who: { tags: group } });
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged("watching for a notice of this instance's end (autoscaling)");
    const { control } = bench.simulator;
    await control.instances({ change: { instance: instance.id, target: { state: "Standby" } } });
    await sleep(1_500);
    expect(await newPoints(bench)).toBe(0);
    await control.instances({ change: { instance: instance.id, target: { state: "Terminated" } } });
    await captured(bench, daemon);
    expect(await lastPoints(bench)).toEqual(["autoscaling Terminated"]);
    expect(metadataCalls(bench, /spot/)).toEqual([]);
    await daemon.logged(ended);
    expect(await daemon.end()).toBe(0);
  });

  test("is looked for nowhere that none can come, unless the file wants it, and nowhere that it does not", async (context) => {
    const usual = await endingHost(context, { who: {} });
    const unwanted = await endingHost(context, { termination: "{ capture: false }" });
    const wanted = await endingHost(context, { who: {}, termination: "{ capture: true, every: 1s }" });
    const daemons = [usual, unwanted, wanted].map((bench) => new DaemonProcess(context, bench));
    for (const daemon of daemons) await daemon.logged("next run at");
    await until(
      () => metadataCalls(wanted, noticePaths).length > 3,
      () => `nobody looks:\n${daemons[2]?.log}`,
    );
    expect(metadataCalls(usual, noticePaths)).toEqual([]);
    expect(metadataCalls(unwanted, noticePaths)).toEqual([]);
    expect(daemons[2]?.log).toContain("(spot, autoscaling)");
    for (const daemon of daemons) expect(await daemon.end()).toBe(0);
  });

  test("to be stopped is one as well; a hibernation begins at once and leaves no time", async (context) => {
    const bench = await endingHost(context, {});
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged("watching for");
    await interrupt(bench, "hibernate");
    await daemon.logged(/spot hibernate .*; there is no time for a capture/);
    await sleep(1_500);
    expect(await newPoints(bench)).toBe(0);
    await interrupt(bench, null);
    await daemon.logged("was taken back");
    await interrupt(bench, "stop");
    await captured(bench, daemon);
    expect(await lastPoints(bench)).toEqual([expect.stringMatching(/^spot stop /)]);
    await daemon.logged(ended);
    expect(await daemon.end()).toBe(0);
  });

  test("is missed while the metadata service fails, which is told once, and heard when it is back", async (context) => {
    const bench = await endingHost(context, {});
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged("watching for");
    const { control } = bench.simulator;
    const again = (text: string, times: number) =>
      until(
        () => daemon.log.split(text).length > times,
        () => `the log never had so often: ${text}\n${daemon.log}`,
      );
    const faults = [
      { kind: "hang" },
      { kind: "500" },
      { kind: "denied" },
      { kind: "truncated" },
      { kind: "error", status: 410 },
    ] as const;
    for (const [index, fault] of faults.entries()) {
      control.faults([{ ...fault, service: "imds", action: "*instance-action", count: "always" }]);
      await again("cannot look for a notice of this instance's end", index + 1);
      const looks = metadataCalls(bench, /instance-action/).length;
      await until(
        () => metadataCalls(bench, /instance-action/).length > looks,
        () => `nobody looks any more:\n${daemon.log}`,
      );
      control.clearFaults();
      await again("tells of notices again", index + 1);
    }
    expect(daemon.log.split("cannot look for a notice")).toHaveLength(faults.length + 1);
    expect(daemon.runs()).toEqual([]);
    await interrupt(bench);
    await captured(bench, daemon);
    await daemon.logged(ended);
    expect(await daemon.end()).toBe(0);
  });

  test.for([
    ["before EC2 has heard of it", "hang"],
    ["when EC2 has made it", "hang-after"],
  ] as const)("leaves one point where daemon and capture are killed %s", async ([, kind], context) => {
    const bench = await endingHost(context, {});
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged("watching for");
    bench.simulator.control.faults([{ kind, action: "CreateSnapshots", dryRun: false }]);
    await interrupt(bench);
    await struck(bench, daemon);
    const made = kind === "hang" ? 0 : 1;
    await until(
      async () => (await newPoints(bench)) === made,
      () => "the fault did not do its part",
    );
    for (const pid of daemon.runs()) process.kill(pid, "SIGKILL");
    daemon.child.kill("SIGKILL");
    const next = new DaemonProcess(context, bench);
    await next.logged("the last capture ended with exit code 0");
    expect(await newPoints(bench)).toBe(1);
    expect(await lastPoints(bench)).toHaveLength(1);
    expect(await next.end()).toBe(0);
  });

  test("leaves one point where the daemon alone is killed, and what it has begun goes on", async (context) => {
    const bench = await endingHost(context, {});
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged("watching for");
    bench.simulator.control.faults([{ kind: "delay", action: "CreateSnapshots", dryRun: false, ms: 5_000 }]);
    await interrupt(bench);
    await struck(bench, daemon);
    daemon.child.kill("SIGKILL");
    const next = new DaemonProcess(context, bench);
    await next.logged("the last capture ended with exit code 0");
    expect(await newPoints(bench)).toBe(1);
    expect(next.log).toContain("it has been captured since the notice");
    expect(await next.end()).toBe(0);
  });

  test("cuts a program short that would take minutes, captures without it, and says so", async (context) => {
    const witness = path.join("/tmp", `never-${process.pid}-${Date.now()}`);
    const hook = `, hooks: [{ command: { before: [/bin/sh, -c, "sleep 300; touch ${witness}"], timeout: 10m, onFailure: abort } }]`;
    const bench = await endingHost(context, {
      jobs: { default: job(hook) },
      termination: "{ every: 1s, budget: 15s }",
    });
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged("watching for");
    await interrupt(bench);
    const began = performance.now();
    await captured(bench, daemon);
    expect(performance.now() - began).toBeLessThan(30_000);
    await daemon.logged("the last capture ended with exit code 1");
    const { outcome, problems, stillness } = await reportOf(bench);
    expect([outcome, stillness?.achieved, stillness?.hooks[0]?.outcome]).toEqual([
      "degraded",
      "crash",
      "failed",
    ]);
    expect(problems.map(({ doing }) => doing)).toContainEqual(expect.stringContaining("before"));
    expect(await daemon.end()).toBe(0);
    expect(await newPoints(bench)).toBe(1);
  });

  test("ends a run that is at work and has not captured, and captures in its place, once", async (context) => {
    const begun = path.join("/tmp", `begun-${process.pid}-${Date.now()}`);
    // The run that is at work holds for long, the last one finds that it did before.
    const hook = `, hooks: [{ command: { before: [/bin/sh, -c, "test -e ${begun} || { touch ${begun}; sleep 300; }"], timeout: 10m } }]`;
    const bench = await endingHost(context, { jobs: { default: job() } });
    await missedSlot(bench, "default");
    const made = await newPoints(bench);
    await configure(bench, { default: job(hook) }, "{ every: 1s }");
    const daemon = new DaemonProcess(context, bench);
    await until(
      async () => (await readFile(begun).catch(() => undefined)) !== undefined,
      () => `the run never held:\n${daemon.log}`,
    );
    await interrupt(bench);
    await captured(bench, daemon);
    await daemon.logged(ended);
    expect(await newPoints(bench)).toBe(made + 1);
    expect(await daemon.end()).toBe(0);
  });

  test("is content with a capture that was under way", async (context) => {
    const bench = await endingHost(context, { jobs: { default: job() } });
    await missedSlot(bench, "default");
    const made = await newPoints(bench);
    bench.simulator.control.faults([{ kind: "delay", action: "CreateSnapshots", dryRun: false, ms: 4_000 }]);
    const daemon = new DaemonProcess(context, bench);
    await struck(bench, daemon);
    await interrupt(bench);
    await daemon.logged("the last capture ended with exit code 0");
    expect(daemon.log).toContain("it has been captured since the notice");
    expect(await newPoints(bench)).toBe(made + 1);
    expect(await daemon.end()).toBe(0);
  });

  test("comes to its end when the daemon is told to stop, however soon that is", async (context) => {
    const bench = await endingHost(context, { termination: "{ every: 1s }" });
    const file = await readFile(bench.config, "utf8");
    await writeFile(bench.config, file.replace("bootDelay: 0s", "bootDelay: 0s, stopWithin: 1s"));
    bench.simulator.control.faults([{ kind: "delay", action: "CreateSnapshots", dryRun: false, ms: 4_000 }]);
    const daemon = new DaemonProcess(context, bench);
    await daemon.logged("watching for");
    await interrupt(bench);
    await struck(bench, daemon);
    expect(await daemon.end()).toBe(0);
    expect(daemon.log).toContain("the last capture ended with exit code 0");
    expect(await lastPoints(bench)).toHaveLength(1);
  });

  test("is looked for once more when the daemon is told to stop: a power-off may come first", async (context) => {
    const bench = await endingHost(context, { who: { tags: group }, termination: "{ every: 1m }" });
    const daemon = new DaemonProcess(context, bench);
    await until(
      () => metadataCalls(bench, noticePaths).length === 1,
      () => `nobody looks:\n${daemon.log}`,
    );
    await bench.simulator.control.instances({
      change: { instance: instance.id, target: { state: "Terminated" } },
    });
    expect(await daemon.end()).toBe(0);
    expect(await lastPoints(bench)).toEqual(["autoscaling Terminated"]);
  });
});

describe.concurrent("a last run that is asked for", () => {
  test("captures volumes once though two jobs take them, that which holds still first, and leaves out files", async (context) => {
    const hold = ", hooks: [{ command: { before: [/bin/true] } }]";
    const bench = await endingHost(context, {
      jobs: {
        often: job(),
        held: job(hold),
        papers: "{ volumes: none, files: { repository: here, paths: [/etc/hostname] } }",
      },
    });
    const file = await readFile(bench.config, "utf8");
    const repositories = `repositories: { here: { url: ${path.join(bench.folder, "repository")}, passwordFile: /nowhere } }\n`;
    await writeFile(bench.config, `${file}${repositories}`);
    const { code, stdout, stderr } = await bench.execute([
      "run",
      "--last",
      "--config",
      bench.config,
      "--json",
    ]);
    expect(code, stderr + stdout).toBe(0);
    const { reports } = JSON.parse(stdout) as { reports: { job: string; trigger: string }[] };
    expect(reports.map(({ job: name, trigger }) => [name, trigger])).toEqual([["held", "termination"]]);
    expect(stderr).toContain("its volumes are in the point of another job");
    expect(stderr).toContain("files and dumps are no part of a last run");
    expect(await lastPoints(bench)).toEqual(["asked for"]);
  });

  test("needs no right that a run has not, and says where others may copy the point to", async (context) => {
    const bench = await endingHost(context, {
      jobs: { default: job(", copy: [{ region: eu-west-1 }], image: daily") },
    });
    const policies = await Promise.all(["agent-create-only", "metrics"].map(policyNamed));
    await govern(bench.simulator, policies);
    const { code, stdout } = await bench.execute(["run", "--last", "--config", bench.config, "--json"]);
    expect(code, stdout).toBe(0);
    expect(notAllowed(policies, asked(bench.simulator))).toEqual([]);
    const [set] = setsOf(await bench.simulator.control.state());
    expect(set?.snapshots[0]?.tags).toMatchObject({
      "ec2-backup:termination": "asked for",
      "ec2-backup:copy": expect.stringContaining("eu-west-1"),
    });
    const actions = bench.apiCalls().map(({ action }) => action);
    expect(actions).not.toContain("CreateImage");
    expect(actions).not.toContain("CopySnapshot");
    const snapshot = set?.snapshots[0]?.id ?? expect.fail("no point");
    const told = await bench.execute(["explain", snapshot, "--config", bench.config]);
    expect(told.stdout).toContain("last capture asked for");
  });

  test("makes no point where the job demands more than it can have, and says which part was cut", async (context) => {
    const hook =
      ", consistency: application, whenLess: fail, hooks: [{ command: { before: [/bin/sleep, '300'], timeout: 10m, onFailure: continue } }]";
    const bench = await endingHost(context, { jobs: { default: job(hook) } });
    const { code, stdout } = await bench.execute([
      ...["run", "--last", "--within", "10s", "--config", bench.config, "--json"],
    ]);
    expect(code, stdout).toBe(2);
    expect(await newPoints(bench)).toBe(0);
  });

  test("told to stop after the first of two jobs, says that the other has no point", async (context) => {
    const slow = ", volumes: { root: false }, hooks: [{ command: { after: [/bin/sleep, '3'] } }]";
    const bench = await endingHost(context, { jobs: { held: job(slow), whole: job() } });
    const { control } = bench.simulator;
    const { code, stdout, stderr } = await bench.execute(
      ["run", "--last", "--config", bench.config, "--json"],
      {
        async onStart(pid) {
          await until(
            () =>
              control.calls().some(({ action, outcome }) => action === "CreateSnapshots" && outcome !== null),
            () => "nothing was captured",
          );
          await sleep(1_000);
          process.kill(pid, "SIGTERM");
        },
      },
    );
    const { reports } = JSON.parse(stdout) as { reports: RunReport[] };
    expect(
      reports.map(({ job: name, points }) => [name, points.length]),
      stderr,
    ).toEqual([
      ["held", 1],
      ["whole", 0],
    ]);
    expect(code, stdout).not.toBe(0);
    expect(await newPoints(bench)).toBe(1);
  });

  test("is over in its time while AWS hangs, and says why", async (context) => {
    const bench = await endingHost(context, {});
    bench.simulator.control.faults([{ kind: "hang", action: "*", count: "always" }]);
    const { code, ms, stdout } = await bench.execute([
      ...["run", "--last", "--within", "10s", "--config", bench.config, "--json"],
    ]);
    expect(code, stdout).toBe(69);
    expect(ms).toBeLessThan(30_000);
  });
});
