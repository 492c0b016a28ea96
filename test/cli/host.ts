import { writeFile } from "node:fs/promises";
import type { TestContext } from "vitest";
import { Bench } from "../system/bench.ts";
import { instance, scenarioOf } from "../system/history.ts";

/** What a command came to, with the JSON document that it printed. */
export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly json: {
    readonly exitCode: number;
    readonly message?: string;
    readonly error?: { readonly kind: string; readonly found: string };
    readonly reports?: readonly {
      readonly outcome: string;
      readonly points: readonly unknown[];
      readonly retention?: unknown;
      readonly problems: readonly {
        readonly severity: string;
        readonly kind: string;
        readonly found: string;
      }[];
    }[];
  };
}

/** An instance with the given tags and no configuration file but what a test writes. */
export class Host {
  readonly bench: Bench;

  private constructor(bench: Bench) {
    this.bench = bench;
  }

  /** `days` is the number of daily points that earlier runs have left. */
  static async start(
    { onTestFinished }: Pick<TestContext, "onTestFinished">,
    tags: Record<string, string>,
    days = 0,
  ): Promise<Host> {
    const instances = [{ id: instance.id, name: "host", tags }];
    const bench = await Bench.start(scenarioOf(2, days, { limits: false, instances }));
    onTestFinished(() => bench[Symbol.asyncDispose]());
    return new Host(bench);
  }

  /** Runs the agent with --json; with the file that was written last, if one was. */
  async ask(...words: readonly string[]): Promise<Answer> {
    const file = this.#written ? ["--config", this.bench.config] : [];
    const { code, stdout, stderr } = await this.bench.execute(["--json", ...file, ...words]);
    return { code, stdout, stderr, json: JSON.parse(stdout) };
  }

  async write(text: string, mode = 0o600): Promise<void> {
    await writeFile(this.bench.config, text, { mode });
    this.#written = true;
  }

  /** Gives the instance tags, and takes those away that are null. */
  async tag(tags: Record<string, string | null>): Promise<void> {
    await this.bench.simulator.control.instances([{ change: { instance: instance.id, tags } }]);
  }

  /** How often an action was called. */
  calls(action: string): number {
    return this.bench.apiCalls().filter((call) => call.action === action).length;
  }

  /** The value of a metric in the last message to CloudWatch. */
  metric(name: string): number | undefined {
    const last = this.bench
      .apiCalls()
      .filter((call) => call.action === "PutMetricData")
      .at(-1);
    const { MetricData = [] } = (last?.parameters ?? {}) as {
      MetricData?: { MetricName: string; Value: number }[];
    };
    return MetricData.find((one) => one.MetricName === name)?.Value;
  }

  #written = false;
}
