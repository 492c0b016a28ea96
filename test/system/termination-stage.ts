import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, type TestContext } from "vitest";
import type { RunReport } from "../../src/core/report.ts";
import type { Call } from "../../src/simulator/call-log.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { Bench } from "./bench.ts";
import { type DaemonProcess, farAway, until } from "./daemon-process.ts";
import { instance, scenarioOf, setsOf } from "./history.ts";

export const group = { "aws:autoscaling:groupName": "web" };

type Context = Pick<TestContext, "onTestFinished">;

export interface Stage {
  /** Of the instance in the scenario. */
  readonly who?: { readonly lifecycle?: "spot"; readonly tags?: Readonly<Record<string, string>> };
  readonly scenario?: Partial<Scenario>;
  /** By name, as YAML in braces. */
  readonly jobs?: Readonly<Record<string, string>>;
  /** In braces. */
  readonly termination?: string;
}

/** A job whose slot never comes in a test. */
export const job = (more = "") =>
  `{ schedule: "${farAway()}", splay: 0s, retention: { last: 2 }, waits: { request: 20s, capture: 20s }${more} }`;

/** A host that looks for notices every second, with points of earlier days that retention has given up. */
export async function endingHost(
  { onTestFinished }: Context,
  {
    who = { lifecycle: "spot" },
    scenario = {},
    jobs = { default: job() },
    termination = "{ every: 1s }",
  }: Stage,
): Promise<Bench> {
  const tags = { Name: "host", Backup: "yes", ...who.tags };
  const bench = await Bench.start(
    scenarioOf(2, 4, {
      limits: false,
      instances: [{ id: instance.id, ...who, name: "host", tags }],
      ...scenario,
    }),
  );
  onTestFinished(() => bench[Symbol.asyncDispose]());
  await configure(bench, jobs, termination);
  return bench;
}

export async function configure(
  bench: Bench,
  jobs: Readonly<Record<string, string>>,
  termination: string,
): Promise<void> {
  const lines = Object.entries(jobs).map(([name, one]) => `  ${name}: ${one}`);
  const text = `version: 1\ndaemon: { bootDelay: 0s }\ntermination: ${termination}\njobs:\n${lines.join("\n")}\n`;
  await writeFile(bench.config, text, { mode: 0o600 });
}

/** Announces the end of the instance by spot, so many seconds from now. */
export async function interrupt(
  bench: Bench,
  action: "terminate" | "stop" | "hibernate" | null = "terminate",
): Promise<void> {
  const interruption = action === null ? null : { action, seconds: 120 };
  await bench.simulator.control.instances({ change: { instance: instance.id, interruption } });
}

/** The value of the tag, of each point that was made on a notice, newest first. */
export async function lastPoints(bench: Bench): Promise<string[]> {
  const sets = setsOf(await bench.simulator.control.state());
  return sets.flatMap(({ snapshots: [one] }) => one?.tags["ec2-backup:termination"] ?? []);
}

/** Those of the last `days` days of the scenario are not among them. */
export async function newPoints(bench: Bench): Promise<number> {
  const sets = setsOf(await bench.simulator.control.state());
  return sets.filter(({ id }) => !id.startsWith("0fa00000-0000-7000-8000-")).length;
}

export async function captured(bench: Bench, daemon: DaemonProcess, patience = 60_000): Promise<void> {
  await until(
    async () => (await lastPoints(bench)).length > 0,
    () => `no last point was made:\n${daemon.log}`,
    patience,
  );
}

export async function reportOf(bench: Bench, name = "default"): Promise<RunReport> {
  const file = path.join(bench.state, instance.id, `job-${name}.json`);
  const { report } = JSON.parse(await readFile(file, "utf8")) as { report?: RunReport };
  return report ?? expect.fail(`${file} has no report`);
}

export function metadataCalls(bench: Bench, what: RegExp): Call[] {
  return bench.simulator.control
    .calls()
    .filter(({ service, action }) => service === "imds" && what.test(action));
}
