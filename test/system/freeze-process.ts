import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import type { Holding } from "../../src/core/hook.ts";
import type { FreezeOptions } from "../../src/hooks/fsfreeze.ts";
import { node } from "../host/places.ts";
import { type Context, type Disk, guardOf, ledgerText, sessionOf } from "./freeze-lab.ts";

export interface Said {
  readonly word: string;
  readonly step?: string;
  readonly kind?: string;
  readonly message?: string;
  readonly ms?: number;
  readonly holding?: Holding;
}

/** Times that fit a test, in milliseconds. */
export const brisk = {
  deadline: 1_000,
  syncTimeout: 2_000,
  startTimeout: 5_000,
  answerTimeout: 1_500,
  grace: 300,
} as const;

export function wavesOf(...waves: readonly (readonly Disk[])[]): FreezeOptions["waves"] {
  return waves.map((wave) => wave.map(({ path, superblock }) => ({ path, superblock })));
}

/** The process that prepares, holds, and does what else it is told; everything of it goes with the test. */
export class AgentProcess {
  readonly child: ChildProcess;
  readonly runtime: string;
  readonly gone: Promise<void>;
  readonly #lines: AsyncIterator<string>;

  constructor({ onTestFinished }: Context, runtime: string, options: Partial<FreezeOptions>) {
    const order = JSON.stringify({ ...brisk, runtimeDirectory: runtime, ...options });
    const [program = "", ...words] = [...node, path.join(import.meta.dirname, "freeze-agent.ts"), order];
    this.runtime = runtime;
    this.child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"], detached: true });
    this.child.stdin?.on("error", () => undefined);
    this.gone = once(this.child, "exit").then(() => undefined);
    if (this.child.stdout === null) expect.fail("the agent has no output");
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    onTestFinished(async () => {
      for (const pid of this.#everybody()) kill(pid, "SIGKILL");
      await this.gone;
    });
  }

  get pid(): number {
    return this.child.pid ?? expect.fail("the agent was not started");
  }

  /** Does a step; what it says is known when it says it. */
  tell(step: "prepare" | "hold" | "release" | "close" | "block"): void {
    this.child.stdin?.write(`${step}\n`);
  }

  async heard(): Promise<Said> {
    const { value, done } = await this.#lines.next();
    return done === true ? { word: "gone" } : (JSON.parse(String(value)) as Said);
  }

  async ask(step: "prepare" | "hold" | "release" | "close"): Promise<Said> {
    this.tell(step);
    return this.heard();
  }

  /** Prepares and holds; anything else fails the test. */
  async hold(): Promise<Said> {
    expect(await this.ask("prepare")).toEqual({ word: "prepared" });
    const held = await this.ask("hold");
    expect(held).toMatchObject({ word: "held" });
    return held;
  }

  /** Every process of the guard. */
  session(): number[] {
    return sessionOf(guardOf(this.runtime).guard);
  }

  /** Who is left. */
  #everybody(): number[] {
    const isThere = existsSync(this.runtime) && ledgerText(this.runtime) !== "";
    const isAlive = this.child.exitCode === null && this.child.signalCode === null;
    return [...(isThere ? this.session() : []), ...(isAlive ? [this.pid] : [])];
  }
}

export function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined || !(pid > 1)) expect.fail(`no process ${pid} to send ${signal}`);
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
