import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, type TestContext } from "vitest";
import { agent, Bench } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";

const day = 86_400_000;

/** Tests that run side by side have hooks of their own. */
type Context = Pick<TestContext, "onTestFinished">;

/** A daily schedule whose next slot is twelve hours away, so that nothing happens by itself. */
export function farAway(): string {
  return `0 ${(new Date().getUTCHours() + 12) % 24} * * *`;
}

/**
 * For a daemon that is to serve a minute that begins: its clock, and that of its runs, is so far ahead that one does in
 * some seconds.
 */
export function soonAMinute(): { readonly ahead: number; readonly env: Readonly<Record<string, string>> } {
  const ahead = 60_000 - ((Date.now() + 6_000) % 60_000);
  const preload = path.resolve(import.meta.dirname, "../fakes/clock-ahead.cjs");
  return { ahead, env: { NODE_OPTIONS: `--require ${preload}`, CLOCK_AHEAD: String(ahead) } };
}

/** A host with a simulated AWS that goes with the test, and jobs as YAML in braces. */
export async function hostWith(
  { onTestFinished }: Context,
  jobs: Readonly<Record<string, string>>,
  daemon = "{ bootDelay: 0s }",
): Promise<Bench> {
  const bench = await Bench.start(scenarioOf(2, 0, { limits: false }));
  onTestFinished(() => bench[Symbol.asyncDispose]());
  await configure(bench, jobs, daemon);
  return bench;
}

export async function configure(
  bench: Bench,
  jobs: Readonly<Record<string, string>>,
  daemon = "{ bootDelay: 0s }",
): Promise<void> {
  const lines = Object.entries(jobs).map(([name, job]) => `  ${name}: ${job}`);
  const text = `version: 1\ndaemon: ${daemon}\njobs:\n${lines.join("\n")}\n`;
  await writeFile(bench.config, text, { mode: 0o600 });
}

/** Leaves in the state that a job last served a slot two days ago, so that a daemon has one to make up for. */
export async function missedSlot(bench: Bench, job: string): Promise<void> {
  const slot = new Date(Date.now() - 2 * day).toISOString();
  const words = ["run", job, "--config", bench.config, "--slot", slot];
  const ended = await bench.execute(words);
  expect(ended.code, ended.stderr).toBe(0);
  await bench.tomorrow();
}

/** The points that were made, whether or not EC2 would list them. */
export async function pointsOf(bench: Bench): Promise<string[]> {
  const { snapshots } = await bench.simulator.control.state();
  return [...new Set(Object.values(snapshots).flatMap(({ tags }) => tags["ec2-backup:point"] ?? []))];
}

/** Waits until the faults that were armed have hit. */
export async function struck(bench: Bench, daemon: DaemonProcess): Promise<void> {
  const { control } = bench.simulator;
  await until(
    () => control.pendingFaults().length === 0,
    () => `the fault never hit:\n${daemon.log}`,
  );
}

/** What the state says of a job. */
export async function stateOf(
  bench: Bench,
  job: string,
): Promise<{ lastSlot?: string; report?: { trigger: string } }> {
  const file = path.join(bench.state, instance.id, `job-${job}.json`);
  return JSON.parse(await readFile(file, "utf8"));
}

/** The real daemon, which is killed with its runs when the test ends. */
export class DaemonProcess {
  readonly child: ChildProcess;
  /** What it and its runs have logged. */
  log = "";

  constructor(
    { onTestFinished }: Context,
    bench: Bench,
    env: Readonly<Record<string, string>> = {},
    ...more: readonly string[]
  ) {
    const words = [agent, "--config", bench.config, ...more, "daemon"];
    this.child = spawn(process.execPath, words, {
      env: {
        PATH: process.env["PATH"],
        ...bench.simulator.environment,
        STATE_DIRECTORY: bench.state,
        ...env,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.log += text;
    });
    onTestFinished(() => {
      for (const pid of this.runs()) process.kill(pid, "SIGKILL");
      this.child.kill("SIGKILL");
    });
  }

  get pid(): number {
    return this.child.pid ?? expect.fail("the daemon was not started");
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The processes that it has started and that are still there. */
  runs(): number[] {
    try {
      const text = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "utf8");
      return text
        .split(" ")
        .map(Number)
        .filter((pid) => pid > 0);
    } catch {
      return [];
    }
  }

  async logged(text: string | RegExp): Promise<void> {
    await until(
      () => (typeof text === "string" ? this.log.includes(text) : text.test(this.log)),
      () => `the log never had ${text}:\n${this.log}`,
    );
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    const exited = this.isAlive ? once(this.child, "exit") : undefined;
    this.child.kill(signal);
    const patience = setTimeout(() => this.child.kill("SIGKILL"), 100_000);
    await exited;
    clearTimeout(patience);
    return this.child.exitCode ?? expect.fail(`it ended by ${this.child.signalCode}:\n${this.log}`);
  }
}

/** Waits until something holds; what never does fails the test with what there was instead. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  otherwise: () => string,
  patience = 60_000,
): Promise<void> {
  const limit = performance.now() + patience;
  while (!(await holds())) {
    if (performance.now() > limit) expect.fail(otherwise());
    await sleep(20);
  }
}
