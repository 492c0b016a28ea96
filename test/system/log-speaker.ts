import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { expect, onTestFinished } from "vitest";
import { defaultSyslog } from "../../src/config/defaults.ts";
import type { SinkSettings, SyslogSettings } from "../../src/core/log-sinks.ts";
import { type OutboxWaits, outboxWaits } from "../../src/log/outbox.ts";
import { node } from "../host/places.ts";

/** Short enough for tests. */
const brisk: OutboxWaits = { ...outboxWaits, retryEvery: 50, retryAtMost: 200, deliverWithin: 10_000 };

export interface Spoken {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it told of its sinks, line by line. */
  readonly told: readonly string[];
  /** From when it had read all to its own end, in milliseconds. */
  readonly ending: number;
}

/** Milliseconds for an end that nothing delays, on a busy machine; what hangs takes 10 s and more. */
export const promptly = 4_000;

/** A process that logs to the given sinks. It is killed, and the test fails, if it does not end by itself. */
export class Speaker {
  readonly #child;
  readonly #ended;
  readonly #ending: Promise<number>;
  #told = "";
  readonly pid: number | undefined;

  constructor(
    settings: Partial<SinkSettings>,
    { waits = {}, under = [] }: { waits?: Partial<OutboxWaits>; under?: readonly string[] } = {},
  ) {
    const all = { eventLog: false, flushWithin: 1_000, ...settings };
    const script = path.join(import.meta.dirname, "..", "fakes", "log-speaker.ts");
    const order = JSON.stringify({ settings: all, waits: { ...brisk, ...waits } });
    const [program = "", ...words] = [...under, ...node, script, order];
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.on("error", () => undefined);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#told += text;
    });
    this.#ending = once(child.stdout, "data").then(() => performance.now());
    this.#child = child;
    this.pid = child.pid;
    this.#ended = new Promise<Pick<Spoken, "code" | "signal"> & { readonly at: number }>((resolve) =>
      child.once("close", (code, signal) => resolve({ code, signal, at: performance.now() })),
    );
    onTestFinished(() => void child.kill("SIGKILL"));
  }

  say(...lines: readonly string[]): void {
    for (const line of lines) this.#child.stdin.write(`${line}\n`);
  }

  get told(): string[] {
    return this.#told.split("\n").filter((line) => line !== "");
  }

  async end(): Promise<Spoken> {
    this.#child.stdin.end();
    const limit = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
    const ended = await this.#ended;
    clearTimeout(limit);
    expect(ended.signal, `it did not end by itself: ${this.#told}`).toBe(null);
    const { code, signal } = ended;
    return { code, signal, told: this.told, ending: ended.at - (await this.#ending) };
  }
}

export function syslogTo(change: Partial<SyslogSettings>): { readonly syslog: SyslogSettings } {
  return { syslog: { ...defaultSyslog, ...change } };
}
