import { writeFile } from "node:fs/promises";
import { SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { expect } from "vitest";
import type { Fault } from "../../src/simulator/faults.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { Bench } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";
import { Subscriber } from "./subscriber.ts";

export const hour = 3_600_000;
export const topic = `arn:aws:sns:${instance.region}:${instance.account}:ec2-backup`;
export const keys = { accessKeyId: "AKIASIMULATORTEST001", secretAccessKey: "secret" };

/** What `alarms` said. */
export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly json: {
    readonly plan?: {
      readonly changes: readonly {
        readonly action: string;
        readonly alarm?: { name: string; tellsWithin: number };
        readonly found?: { name: string };
      }[];
      readonly unmade: readonly { readonly kind: string; readonly because: string }[];
      readonly cost: { readonly metrics: number; readonly alarms: number; readonly dollars: number };
      readonly topic?: { readonly findings: readonly { severity: string; what: string }[] };
    };
    readonly done?: readonly { readonly what: string; readonly outcome: string; readonly detail?: string }[];
    readonly drilled?: readonly { readonly alarm: string; readonly told: boolean; readonly why?: string }[];
    readonly changes?: readonly { readonly alarm: string; readonly outcome: string }[];
    readonly exitCode: number;
  };
}

/** A host with a nightly job, alarms and a subscriber who hears them. */
export class Stage implements AsyncDisposable {
  readonly bench: Bench;
  readonly heard: Subscriber;
  #more = "";

  private constructor(bench: Bench, heard: Subscriber) {
    this.bench = bench;
    this.heard = heard;
  }

  static async start(change: Partial<Scenario> = {}, alarms = ""): Promise<Stage> {
    const scenario = scenarioOf(1, 1, {
      limits: false,
      accessKeys: [{ id: keys.accessKeyId, user: "tester" }],
      ...change,
    });
    const bench = await Bench.start(scenario);
    const stage = new Stage(bench, await Subscriber.start());
    stage.#more = alarms;
    await stage.demand("");
    return stage;
  }

  /** What the job demands of its points: this host holds a command, which makes none `application`. */
  async demand(consistency: "" | "consistency: application,"): Promise<void> {
    const hooks = "[{ command: { name: app, before: [/bin/true] } }]";
    const waits = "{ request: 20s, capture: 20s, retryFor: 1s, retryEvery: 100ms }";
    const job = `{ schedule: "0 2 * * *", ${consistency} hooks: ${hooks}, retention: { last: 40 }, waits: ${waits} }`;
    const text = `version: 1
jobs: { default: ${job} }
alarms: { createTopic: ec2-backup, slowerThan: 4s${this.#more} }
`;
    await writeFile(this.bench.config, text, { mode: 0o600 });
  }

  async alarms(...words: readonly string[]): Promise<Answer> {
    const { code, stdout } = await this.bench.execute([
      "--json",
      "--config",
      this.bench.config,
      "alarms",
      ...words,
    ]);
    return { code, stdout, json: JSON.parse(stdout) };
  }

  /** Runs a verb of `alarms` and ends it when a call of its hangs. */
  async killed(verb: string, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const { control } = this.bench.simulator;
    const hung = () => control.calls().filter(({ outcome }) => outcome?.code === "hang").length;
    const before = hung();
    let watch: NodeJS.Timeout | undefined;
    await this.bench.execute(["--config", this.bench.config, "alarms", verb], {
      onStart: (pid) => {
        watch = setInterval(() => {
          if (hung() === before) return;
          clearInterval(watch);
          killIfThere(pid, signal);
        }, 20);
      },
    });
    clearInterval(watch);
    expect(hung()).toBeGreaterThan(before);
  }

  /** The alarms for missed backups, as CloudWatch has them. */
  async missed(): Promise<readonly { readonly state: string; readonly actionsEnabled: boolean }[]> {
    const { alarms } = await this.bench.simulator.control.state();
    return Object.values(alarms).filter(({ name }) => /\/missed(-2)?$/.test(name));
  }

  /** The states of all alarms by name. */
  async states(): Promise<Record<string, string>> {
    const { alarms } = await this.bench.simulator.control.state();
    return Object.fromEntries(Object.values(alarms).map(({ name, state }) => [name, state]));
  }

  /** Makes the configuration faulty. */
  async spoil(): Promise<void> {
    await writeFile(this.bench.config, "version: 1\nnonsense: 1\n", { mode: 0o600 });
  }

  async run(...faults: Fault[]): Promise<string> {
    this.bench.simulator.control.faults(faults);
    const { report } = await this.bench.run();
    return report.outcome;
  }

  async hears(): Promise<void> {
    const client = new SNSClient({
      endpoint: this.bench.simulator.url,
      region: instance.region,
      credentials: keys,
      maxAttempts: 1,
    });
    await client.send(new SubscribeCommand({ TopicArn: topic, Protocol: "http", Endpoint: this.heard.url }));
    client.destroy();
    await this.bench.simulator.control.confirm(this.heard.url);
  }

  async later(advance: string): Promise<void> {
    await this.bench.simulator.control.clock({ advance });
    await this.bench.simulator.control.deliveries();
  }

  async now(): Promise<number> {
    return Date.parse((await this.bench.simulator.control.clock({})).now);
  }

  calls(action: string): number {
    return this.bench.apiCalls().filter((call) => call.action === action).length;
  }

  /** Alarms and their topic, with every alarm in order and a subscriber who has heard nothing yet. */
  async settle(): Promise<void> {
    expect(await this.run()).toBe("done");
    await this.alarms("apply");
    await this.hears();
    // Spared for 75 minutes, and then looked at once an hour, the last has a state after 135.
    await this.later("3h");
    this.heard.notices.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.heard[Symbol.asyncDispose]();
    await this.bench[Symbol.asyncDispose]();
  }
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
