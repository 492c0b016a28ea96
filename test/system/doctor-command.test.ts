import { appendFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { checks } from "../../src/agent/doctor.ts";
import { has, isLinux, isRoot, need } from "../host/places.ts";
import { Bench, type Ended } from "./bench.ts";
import { scenarioOf } from "./history.ts";

/**
 * Namespaces of its own, in which nothing but a cron daemon's stand-in runs and cron has one line of ours: what else
 * this machine runs at the time is not to be found.
 */
const house = `mount -t tmpfs tmpfs /etc/cron.d
printf '17 2 * * * root ec2-backup run\\n' > /etc/cron.d/ec2-backup
cp /bin/sleep /etc/cron.d/.cron && mkdir /etc/cron.d/.bin && mv /etc/cron.d/.cron /etc/cron.d/.bin/cron
/etc/cron.d/.bin/cron 60 >/dev/null 2>&1 </dev/null &
exec "$@"`;
const under = [
  "unshare",
  "--mount",
  "--pid",
  "--fork",
  "--mount-proc",
  "--kill-child",
  "sh",
  "-c",
  house,
  "sh",
];

async function bench(deny: readonly string[] = []): Promise<Bench> {
  const rules = deny.map((action) => ({ action }));
  const made = await Bench.start(scenarioOf(2, 3, { limits: false, deny: rules }));
  onTestFinished(() => made[Symbol.asyncDispose]());
  // Somebody is told of what fails.
  await appendFile(made.config, "notify: { ping: { url: https://example.org/ping } }\n");
  return made;
}

const doctor = (on: Bench, ...words: readonly string[]): Promise<Ended> =>
  on.execute([...words, "doctor"], { under });

interface Document {
  readonly exitCode: number;
  readonly findings: readonly {
    readonly check: string;
    readonly severity: string;
    readonly command: string;
  }[];
  readonly checks: readonly { readonly check: string; readonly findings: number }[];
}

describe("the command doctor", () => {
  test("has one line and exit code 0 for a healthy host, and is soon done", async (context) => {
    need(context, isLinux && isRoot && has("unshare"), "root on Linux, for namespaces");
    const on = await bench();
    const { code, stdout, stderr, ms } = await doctor(on, "--config", on.config);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `Nothing found in ${checks.length} checks.\n`,
      stderr: "",
    });
    expect(ms).toBeLessThan(20_000);
  });

  test("has one document with --json, and the exit code of the run that would fail", async (context) => {
    need(context, isLinux && isRoot && has("unshare"), "root on Linux, for namespaces");
    const on = await bench(["ec2:CreateSnapshots"]);
    const { code, stdout } = await doctor(on, "--json", "--config", on.config);
    const { exitCode, findings, checks } = JSON.parse(stdout) as Document;
    expect([code, exitCode]).toEqual([77, 77]);
    expect(findings.map(({ check }) => check)).toEqual(["capture"]);
    expect(checks.filter((one) => one.findings > 0).map(({ check }) => check)).toEqual(["capture"]);
    const run = await on.run();
    expect(run.code, "a run fails with the same").toBe(77);
  });

  test("goes on with a broken configuration and with one that is not there", async (context) => {
    need(context, isLinux && isRoot && has("unshare"), "root on Linux, for namespaces");
    const on = await bench(["cloudwatch:PutMetricData"]);
    await writeFile(on.config, "version: 1\njobs: [\n", { mode: 0o600 });
    for (const file of [on.config, path.join(on.folder, "nowhere.yaml")]) {
      const { code, stdout } = await doctor(on, "--json", "--config", file);
      const { findings } = JSON.parse(stdout) as Document;
      expect(findings.map(({ check }) => check)).toEqual(["configuration", "metrics"]);
      expect(code, "causes that do not agree").toBe(2);
    }
  });

  test.for([
    ["SIGTERM", 143, []],
    ["SIGHUP", 129, []],
    // Node takes back what nohup asks of the kernel before any program runs.
    ["SIGHUP", 129, ["nohup"]],
  ] as const)("ends in time when it is told to stop by %s", async ([signal, expected, under], context) => {
    need(context, isLinux && isRoot && has("unshare"), "root on Linux, for namespaces");
    const on = await bench();
    on.simulator.control.faults([{ kind: "hang", service: "imds", count: "always" }]);
    const ended = on.execute(["doctor", "--config", on.config], {
      under,
      onStart: (pid) => void setTimeout(() => process.kill(pid, signal), 1_500),
    });
    const { code, ms } = await ended;
    expect(code).toBe(expected);
    expect(ms).toBeLessThan(8_000);
  });
});
