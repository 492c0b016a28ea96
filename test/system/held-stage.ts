import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect } from "vitest";
import type { Call } from "../../src/simulator/call-log.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import type { World } from "../../src/simulator/world.ts";
import { Bench, type Run, type Start } from "./bench.ts";
import type { BenchDisk } from "./block-bench.ts";
import { newSets } from "./oracle.ts";
import type { Subject } from "./subjects.ts";

/** What a job of the tests says beside its hooks; as in the configuration. */
export type JobWords = Readonly<Record<string, unknown>>;

/** A run, the world after it, and the points that it made. */
export interface HeldRun extends Run {
  readonly calls: readonly Call[];
  /** The copy of a disk in the one point that was made. */
  copyOf(disk: BenchDisk): string;
  /** The tag of each snapshot that was made, in the world and not in the report. */
  readonly tagged: readonly string[];
}

/** The built agent on a host whose volumes are loop disks. */
export class HeldStage implements AsyncDisposable {
  readonly bench: Bench;
  readonly runtime: string;

  private constructor(bench: Bench) {
    this.bench = bench;
    this.runtime = path.join(bench.folder, "runtime");
  }

  static async start(scenario: Scenario): Promise<HeldStage> {
    const stage = new HeldStage(await Bench.start({ ...scenario, settle: { seconds: 1, secondsPerGiB: 0 } }));
    await mkdir(stage.runtime, { mode: 0o700 });
    return stage;
  }

  /** Writes the configuration of the job `default`. */
  async configure(hooks: readonly JobWords[], words: JobWords = {}): Promise<void> {
    const usual = { request: "3s", capture: "10s", retryFor: "1s", retryEvery: "200ms" };
    const waits = { ...usual, reconcileFor: "600ms", reconcileEvery: "100ms" };
    const job = { retention: { last: 4 }, waits, ...(hooks.length === 0 ? {} : { hooks }), ...words };
    const text = `version: 1\njobs:\n  default: ${JSON.stringify(job)}\n`;
    await writeFile(this.bench.config, text, { mode: 0o600 });
  }

  environment(): Record<string, string> {
    return { RUNTIME_DIRECTORY: this.runtime };
  }

  async run(start: Start = {}, ...more: readonly string[]): Promise<HeldRun> {
    const { control } = this.bench.simulator;
    const before = await control.state();
    const last = control.calls().at(-1)?.number ?? 0;
    const run = await this.bench.run({ ...start, env: { ...this.environment(), ...start.env } }, ...more);
    const after = await control.state();
    const made = newSets(before, after).flatMap(({ snapshots }) => snapshots);
    return {
      ...run,
      calls: control.calls(last),
      tagged: made.map(({ tags }) => tags["ec2-backup:consistency"] ?? "none"),
      copyOf: (disk) => {
        const copies = made.filter(({ volumeId }) => volumeId === disk.volume);
        expect(copies).toMatchObject([{ pointInTime: true }]);
        return copies[0]?.file ?? "";
      },
    };
  }

  async world(): Promise<World> {
    return this.bench.simulator.control.state();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.bench[Symbol.asyncDispose]();
  }
}

/** The metrics that a run published, by name. */
export function metricsOf({ calls }: Pick<HeldRun, "calls">): Record<string, number> {
  interface Sent {
    readonly MetricData: readonly { readonly MetricName: string; readonly Value: number }[];
  }
  const sent = calls.filter(({ action }) => action === "PutMetricData");
  return Object.fromEntries(
    sent.flatMap(({ parameters }) =>
      (parameters as Sent).MetricData.map(({ MetricName, Value }) => [MetricName, Value]),
    ),
  );
}

/** The instant at which the capture's call came in. Milliseconds since the epoch. */
export function capturedAt({ calls }: Pick<HeldRun, "calls">): number {
  const made = calls.filter(({ action, outcome }) => action === "CreateSnapshots" && outcome?.code === "OK");
  expect(made).toHaveLength(1);
  return Date.parse(made[0]?.time ?? "");
}

/** The hook of a subject's server. */
export function hookOf({ kind, server }: Subject, words: JobWords = {}): JobWords {
  return kind.name === "MariaDB"
    ? { mysql: { socket: `${server.place}/socket`, ...words } }
    : { postgres: { host: server.place, role: "postgres", ...words } };
}
