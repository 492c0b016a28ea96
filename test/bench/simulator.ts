import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { plainEnvironment } from "./measure.ts";

/** One call as the simulator recorded it; those of the metadata service have a path as their action. */
export interface Call {
  service: string;
  action: string;
  faults: string[];
}

/** A simulated AWS in a process of its own, so that its work is not counted as a contender's. */
export class Simulator implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, env: Record<string, string>) {
    this.#process = process;
    this.env = env;
  }

  static async start(root: string, folder: string, scenario: object): Promise<Simulator> {
    const file = path.join(folder, "scenario.json");
    writeFileSync(file, JSON.stringify(scenario));
    const program = process.env.BENCH_SIMULATOR ?? path.join(root, "dist/ec2-backup-simulator.js");
    const child = spawn(process.execPath, [program, "--scenario", file], {
      stdio: ["ignore", "pipe", "inherit"],
      env: plainEnvironment(),
    });
    for await (const line of createInterface({ input: child.stdout })) {
      return new Simulator(child, JSON.parse(line));
    }
    throw new Error(`${program} ended without printing its environment`);
  }

  /** Everything as at the start, then the given latency on every API call; the metadata service is as quick as ever. */
  async reset(latency: number): Promise<void> {
    await this.#control("POST", "reset");
    if (latency > 0) await this.#control("POST", "faults", [{ kind: "delay", ms: latency, count: "always" }]);
  }

  /** The calls since the last reset, in order. */
  async calls(): Promise<Call[]> {
    return (await this.#control("GET", "calls")) as Call[];
  }

  async #control(method: string, what: string, body?: unknown): Promise<unknown> {
    const url = new URL(`/_simulator/${what}`, this.env.AWS_ENDPOINT_URL);
    const answer = await fetch(url, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill("SIGTERM");
    await once(this.#process, "exit");
  }
}
