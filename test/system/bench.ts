import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "vitest";
import type { StillnessReport } from "../../src/core/report.ts";
import type { Call } from "../../src/simulator/call-log.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";

export const dist = path.resolve(import.meta.dirname, process.env["EC2_BACKUP_DIST"] ?? "../../dist");

/** The built agent: what users run. */
export const agent = path.join(dist, "ec2-backup.js");

/** What a process came to, seen from outside. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface Problem {
  readonly severity: "error" | "warning" | "notice";
  readonly kind: string;
  readonly doing: string;
  readonly found: string;
  readonly code?: string;
}

/** What the tests read of `--json`. */
export interface Report {
  readonly run: string;
  readonly outcome: string;
  readonly points: readonly { readonly id: string; readonly consistency: string }[];
  readonly problems: readonly Problem[];
  readonly stillness?: StillnessReport;
  readonly retention?: {
    readonly policy: string;
    readonly keep: readonly {
      readonly point: { readonly id: string };
      readonly reasons: readonly string[];
    }[];
    readonly remove: readonly {
      readonly id: string;
      readonly snapshots: readonly { readonly id: string }[];
    }[];
    readonly removals: readonly { readonly snapshotId: string; readonly outcome: string }[];
  };
}

/** A run of the agent and its one report. */
export interface Run extends Ended {
  readonly report: Report;
}

/** How a process is started other than plainly. */
export interface Start {
  /** Put before the command, such as a tracer. */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Told the process id once it runs. */
  readonly onStart?: (pid: number) => void;
  /** Hears what it writes to stderr, piece by piece. */
  readonly onError?: (text: string) => void;
}

export type Waits = Readonly<
  Partial<
    Record<
      | "request"
      | "capture"
      | "retryFor"
      | "retryEvery"
      | "reconcileFor"
      | "reconcileEvery"
      | "settleFor"
      | "settleEvery",
      string
    >
  >
>;

/** Short enough for tests; requests have time even on a busy machine. */
const waits: Waits = {
  request: "10s",
  capture: "10s",
  retryFor: "1s",
  retryEvery: "100ms",
  reconcileFor: "600ms",
  reconcileEvery: "100ms",
};

/** Longer than any run of the tests may take: one that is still there hangs. */
const patience = 100_000;

/** A simulated AWS, and a host of its own whose agent knows only its standard environment. */
export class Bench implements AsyncDisposable {
  readonly simulator: Simulator;
  readonly folder: string;
  readonly state: string;

  private constructor(simulator: Simulator, folder: string) {
    this.simulator = simulator;
    this.folder = folder;
    this.state = path.join(folder, "state");
  }

  static async start(scenario: Scenario, change: Waits = {}, retention = "{ last: 4 }"): Promise<Bench> {
    if (!existsSync(agent)) throw new Error(`${agent} is not there: run \`npm run build\` first`);
    const folder = await mkdtemp(path.join(tmpdir(), "ec2-backup-test-"));
    const bench = new Bench(await startSimulator({ scenario }), folder);
    await mkdir(bench.state, { mode: 0o700 });
    await bench.configure(change, retention);
    return bench;
  }

  async configure(change: Waits, retention = "{ last: 4 }"): Promise<void> {
    const job = `{ retention: ${retention}, waits: ${JSON.stringify({ ...waits, ...change })} }`;
    await writeFile(this.config, `version: 1\njobs:\n  default: ${job}\n`, { mode: 0o600 });
  }

  get config(): string {
    return path.join(this.folder, "config.yaml");
  }

  /** One run of the job `default`. */
  async run(start: Start = {}, ...more: readonly string[]): Promise<Run> {
    return withReport(await this.execute(["run", "--config", this.config, "--json", ...more], start));
  }

  /** What a run would do now. */
  async plan(): Promise<Run> {
    return withReport(await this.execute(["plan", "--config", this.config, "--json"]));
  }

  execute(words: readonly string[], start: Start = {}): Promise<Ended> {
    const env = { ...this.simulator.environment, STATE_DIRECTORY: this.state, ...start.env };
    return execute(
      [...(start.under ?? []), process.execPath, agent, ...words],
      env,
      start.onStart,
      start.onError,
    );
  }

  /** The calls of AWS's APIs, without those of the metadata service. */
  apiCalls(): Call[] {
    return this.simulator.control.calls().filter(({ service }) => service !== "imds");
  }

  /** Until the next run may follow: limits refilled, snapshots completed. */
  async tomorrow(): Promise<void> {
    await this.simulator.control.clock({ advance: "24h" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator.close();
    // The lock of restores lies at a fixed place.
    const service = this.simulator.url.replace(/\W+/g, "-");
    await rm(`/run/ec2-backup-restore-${service}.lock`, { force: true }).catch(() => undefined);
    await rm(this.folder, { recursive: true, force: true });
  }
}

function withReport(ended: Ended): Run {
  const { reports } = JSON.parse(ended.stdout || "{}") as { reports?: readonly Report[] };
  const [report] = reports ?? [];
  if (report === undefined) expect.fail(`no report, exit ${ended.code}: ${ended.stdout}${ended.stderr}`);
  return { ...ended, report };
}

/** Runs a command with no more of our environment than the PATH. One that does not end fails the test. */
export async function execute(
  [command = "", ...words]: readonly string[],
  env: Readonly<Record<string, string>>,
  onStart?: (pid: number) => void,
  onError?: (text: string) => void,
): Promise<Ended> {
  const began = performance.now();
  const child = spawn(command, words, {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
      if (name === "stderr") onError?.(text);
    });
  const limit = setTimeout(() => child.kill("SIGKILL"), patience);
  const ended = new Promise<Pick<Ended, "code" | "signal">>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  if (child.pid !== undefined) onStart?.(child.pid);
  const end = await ended;
  clearTimeout(limit);
  const ms = performance.now() - began;
  if (ms >= patience) expect.fail(`it did not end within ${patience} ms: ${texts.stdout}${texts.stderr}`);
  return { ...end, ...texts, ms };
}

/** What a file of the state holds, parsed; a file that is no JSON fails the test. */
export async function readState(bench: Bench, instance: string, name: string): Promise<unknown> {
  return JSON.parse(await readFile(path.join(bench.state, instance, name), "utf8"));
}
