import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import type { SweepAnswer } from "../../src/core/lambda-answer.ts";
import type { Simulator } from "../../src/simulator/server.ts";
import { isLinux, isRoot } from "../host/places.ts";
import { dist } from "./bench.ts";
import { own } from "./sweep-stage.ts";

const runtime = path.join(import.meta.dirname, "lambda-runtime.mjs");

/** What the function is, in its own account. */
export const functionRole = `arn:aws:iam::${own}:role/ec2-backup-sweep`;

/** What came of an invocation: an answer, or what was thrown. */
export interface Invoked {
  readonly result?: SweepAnswer;
  readonly errorType?: string;
  readonly errorMessage?: string;
  /** Milliseconds that were left when it answered; below 0, Lambda would have ended it. */
  readonly left: number;
  /** What it has written to its log, a line each. */
  readonly log: readonly string[];
}

/** Credentials of the function's role, as Lambda puts them into its environment. */
export async function credentials({ url }: Simulator): Promise<Record<string, string>> {
  const user = { accessKeyId: "AKIASIMULATORTEST001", secretAccessKey: "secret" };
  const client = new STSClient({ endpoint: url, region: "eu-central-1", credentials: user });
  try {
    const order = { RoleArn: functionRole, RoleSessionName: "ec2-backup-sweep" };
    const { Credentials: given } = await client.send(new AssumeRoleCommand(order));
    return {
      AWS_ACCESS_KEY_ID: given?.AccessKeyId ?? "",
      AWS_SECRET_ACCESS_KEY: given?.SecretAccessKey ?? "",
      AWS_SESSION_TOKEN: given?.SessionToken ?? "",
    };
  } finally {
    client.destroy();
  }
}

/**
 * A function as Lambda runs it: a process of its own that imports the bundle, without a home, in a directory that cannot be
 * written to, with nothing but the role's credentials; stopped in time as soon as it has answered.
 */
export class Sandbox implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #log: string[] = [];
  readonly #answers: AsyncIterator<string>;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    const lines = (stream: unknown) => createInterface({ input: stream as Readable });
    for (const stream of [child.stdout, child.stderr])
      lines(stream).on("line", (line) => this.#log.push(line));
    this.#answers = lines(child.stdio[3])[Symbol.asyncIterator]();
  }

  /** `config` is the text of the configuration, as it stands in the function's environment. */
  static async start(
    simulator: Simulator,
    config: string,
    more: Record<string, string> = {},
  ): Promise<Sandbox> {
    const folder = await mkdtemp(path.join(tmpdir(), "ec2-backup-lambda-"));
    const task = path.join(folder, "task");
    await mkdir(task);
    const bundle = path.join(task, "index.mjs");
    await copyFile(path.join(dist, "lambda", "index.mjs"), bundle);
    await chmod(bundle, 0o444);
    await chmod(task, 0o555);
    const { AWS_EC2_METADATA_SERVICE_ENDPOINT: _, ...endpoint } = simulator.environment;
    const env = {
      ...endpoint,
      ...(await credentials(simulator)),
      AWS_LAMBDA_FUNCTION_NAME: "ec2-backup-sweep",
      AWS_REGION: "eu-central-1",
      AWS_DEFAULT_REGION: "eu-central-1",
      LAMBDA_TASK_ROOT: task,
      LANG: "en_US.UTF-8",
      PATH: "/usr/local/bin:/usr/bin:/bin",
      TZ: ":UTC",
      EC2_BACKUP_CONFIG: config,
      ...more,
    };
    // Root would write where nobody may.
    const under = isLinux && isRoot ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] : [];
    const [program = "", ...words] = [...under, process.execPath, runtime, bundle];
    const child = spawn(program, words, { cwd: task, env, stdio: ["pipe", "pipe", "pipe", "pipe"] });
    return new Sandbox(child, folder);
  }

  /** The answer; while none is asked for, the process stands still. `ms`: until Lambda would end it. */
  async invoke(event: unknown = {}, ms = 60_000): Promise<Invoked> {
    const from = this.#log.length;
    this.#child.kill("SIGCONT");
    this.#child.stdin?.write(`${JSON.stringify({ event, ms })}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`the function has ended: ${this.#log.join("\n")}`);
    // The log comes by another way.
    await new Promise((resolve) => setTimeout(resolve, 50));
    this.#child.kill("SIGSTOP");
    return { ...(JSON.parse(value as string) as Omit<Invoked, "log">), log: this.#log.slice(from) };
  }

  /** As Lambda ends a function that takes too long, or a host that fails. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
