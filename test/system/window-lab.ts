import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import type { Call } from "../../src/simulator/call-log.ts";
import { has, node } from "../host/places.ts";
import { Bench, type Run, type Start, type Waits } from "./bench.ts";
import { type BenchDisk, BlockBench } from "./block-bench.ts";
import { hindrance as noFreeze } from "./freeze-lab.ts";
import { type SnapshotSet, setsOf } from "./history.ts";
import { lateness } from "./lateness.ts";
import type { FilesystemName } from "./loop-disks.ts";
import { Stack } from "./stack.ts";

/** Why nothing can be frozen and traced here; absent where it can. In CI that is an error. */
export const hindrance = noFreeze ?? (has("strace") ? undefined : "it needs strace");
if (hindrance !== undefined && process.env["CI"] === "true") throw new Error(`freeze window: ${hindrance}`);
if (hindrance !== undefined) console.log(`freeze window: skipped, ${hindrance}`);

/** Disks in memory sync at once, so that what a writer waits for is the freeze. */
const quick = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** How a job is to hold still. */
export interface Holding {
  /** As in the configuration, before the freeze. */
  readonly hooks?: readonly object[];
  /** Such as `2s`. */
  readonly deadline?: string;
  readonly waits?: Waits;
  /** How long EC2 takes to answer CreateSnapshots, in milliseconds. */
  readonly latency?: number;
}

const quickWaits: Waits = {
  request: "10s",
  capture: "10s",
  retryFor: "10s",
  retryEvery: "100ms",
  reconcileFor: "600ms",
  reconcileEvery: "100ms",
};

/** A host with real filesystems on EBS volumes, whose agent freezes them. */
export class WindowLab implements AsyncDisposable {
  readonly block: BlockBench;
  readonly bench: Bench;
  readonly #stack: Stack;

  private constructor(block: BlockBench, bench: Bench, stack: Stack) {
    this.block = block;
    this.bench = bench;
    this.#stack = stack;
  }

  static async start(filesystems: readonly FilesystemName[]): Promise<WindowLab> {
    await using stack = new Stack();
    const block = stack.use(await BlockBench.plain(quick));
    for (const name of filesystems) await block.disk(name, name);
    const bench = stack.use(await Bench.start(block.scenario()));
    await mkdir(path.join(bench.folder, "run"), { mode: 0o700 });
    return new WindowLab(block, bench, stack.move());
  }

  /** The next runs hold so still; CreateSnapshots takes its time again and nothing else goes wrong. */
  async holds({ hooks = [], deadline = "10s", waits = {}, latency = 50 }: Holding = {}): Promise<void> {
    const freeze = { freeze: { mounts: "data", deadline } };
    const job = { hooks: [...hooks, freeze], retention: { last: 4 }, waits: { ...quickWaits, ...waits } };
    // JSON is YAML.
    await writeFile(this.bench.config, JSON.stringify({ version: 1, jobs: { default: job } }), {
      mode: 0o600,
    });
    const { control } = this.bench.simulator;
    control.clearFaults();
    control.faults([
      { kind: "delay", action: "CreateSnapshots", dryRun: false, ms: latency, count: "always" },
    ]);
  }

  /** One run while somebody writes to each disk. */
  async run(start: Start = {}): Promise<Observed> {
    const known = this.bench.apiCalls().at(-1)?.number ?? 0;
    const old = new Set(setsOf(await this.bench.simulator.control.state()).map(({ id }) => id));
    await using writers = new Stack();
    const all: Writer[] = [];
    for (const disk of this.block.members) all.push(writers.use(await Writer.start(disk)));
    const late = await lateness();
    const run = await this.bench.run({ ...start, env: { RUNTIME_DIRECTORY: this.runtime, ...start.env } });
    const waits = await Promise.all(all.map((writer) => writer.stop()));
    const calls = this.bench.apiCalls().filter(({ number }) => number > known);
    const points = setsOf(await this.bench.simulator.control.state()).filter(({ id }) => !old.has(id));
    return { run, stalls: stallsOf(calls, waits), late: await late(), calls, points };
  }

  /** Where the ledgers of freezes lie. */
  get runtime(): string {
    return path.join(this.bench.folder, "run");
  }

  /** What a freeze has left of itself; nothing, once it is over. */
  leftovers(): string[] {
    return readdirSync(this.runtime).filter((name) => name.startsWith("guard-"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** What a run looked like from outside. */
export interface Observed {
  readonly run: Run;
  /** For each capture and each disk, how long its writer stood still around the capture, in milliseconds. */
  readonly stalls: readonly (readonly number[])[];
  /** How late the machine lets a process go on that could, at worst, meanwhile. Milliseconds. */
  readonly late: number;
  /** The run's calls of AWS's APIs. */
  readonly calls: readonly Call[];
  /** The points that are new in the world. */
  readonly points: readonly SnapshotSet[];
}

/**
 * A call of each writer is under way when the request arrives, and ends with the thaw. Other waits are those
 * of a busy machine.
 */
function stallsOf(calls: readonly Call[], waits: readonly (readonly Wait[])[]): number[][] {
  return capturesOf(calls, false).map(({ time }) => {
    const at = Date.parse(time);
    return waits.map((each) => {
      const wait = each.find(({ from, to }) => from <= at && at <= to);
      return wait === undefined ? 0 : wait.to - wait.from;
    });
  });
}

export function longestStall({ stalls }: Observed): number {
  return Math.max(...stalls.flat());
}

export function shortestStall({ stalls }: Observed): number {
  return Math.min(...stalls.flat());
}

/** The calls that made or were to make snapshots, or those that only asked whether they would. */
export function captures({ calls }: Observed, dryRun = false): Call[] {
  return capturesOf(calls, dryRun);
}

function capturesOf(calls: readonly Call[], dryRun: boolean): Call[] {
  const isDry = ({ parameters }: Call) => /"DryRun":"?true/.test(JSON.stringify(parameters));
  return calls.filter((call) => call.action === "CreateSnapshots" && isDry(call) === dryRun);
}

/** Its value as CloudWatch received it. */
export function metric({ calls }: Observed, name: string): number | undefined {
  const data = calls
    .filter(({ action }) => action === "PutMetricData")
    .flatMap(
      ({ parameters }) => (parameters as { MetricData: { MetricName: string; Value: number }[] }).MetricData,
    );
  return data.find(({ MetricName }) => MetricName === name)?.Value;
}

/** The one value that a tag of the run's one point has, on each of its members. */
export function tag({ points }: Observed, name: keyof typeof tagKeys): string | undefined {
  expect(points).toHaveLength(1);
  const values = new Set(points.flatMap(({ snapshots }) => snapshots.map(({ tags }) => tags[tagKeys[name]])));
  expect(values.size).toBe(1);
  return [...values][0];
}

/** A call that kept a writer waiting, in milliseconds since 1970. */
interface Wait {
  readonly from: number;
  readonly to: number;
}

/**
 * Writes and syncs without a pause; soon at its turn on a busy machine, so that waiting for the processor
 * is not taken for standing still.
 */
class Writer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;
  readonly #waits: Wait[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#gone = once(child, "close");
  }

  static async start({ mount }: BenchDisk): Promise<Writer> {
    const words = ["-n", "-15", ...node, path.join(import.meta.dirname, "window-writer.ts"), mount];
    const child = spawn("nice", words, { stdio: ["pipe", "pipe", "inherit"] });
    const writer = new Writer(child);
    const lines = createInterface({ input: child.stdout });
    const first = once(lines, "line");
    lines.on("line", (line) => {
      const [from = Number.NaN, to = Number.NaN] = line.split(" ").map(Number);
      writer.#waits.push({ from, to });
    });
    await first;
    return writer;
  }

  async stop(): Promise<readonly Wait[]> {
    this.#child.stdin?.end();
    await this.#gone;
    return this.#waits;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#gone;
  }
}
