import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { node } from "../host/places.ts";
import type { SqlSession } from "./sql-session.ts";

/** A time during which something did not get on. Milliseconds of Date.now(). */
export interface Pause {
  readonly from: number;
  readonly to: number;
}

/** Shorter pauses are nothing. */
const least = 20;

/** Does a small thing again and again, and knows when it had to stand still. */
export abstract class Watch implements AsyncDisposable {
  #pauses: Pause[] = [];

  protected stood(ms: number, to = Date.now()): void {
    if (ms > least) this.#pauses.push({ from: to - ms, to });
  }

  /** The pauses that ended since this was last asked. */
  take(): Pause[] {
    return this.#pauses.splice(0);
  }

  abstract [Symbol.asyncDispose](): Promise<void>;
}

/** Writes and syncs a file of a filesystem. */
export class FileWatch extends Watch {
  readonly #child;
  readonly #told: (() => void)[] = [];

  private constructor(mount: string) {
    super();
    const [program = "", ...words] = [...node, path.join(import.meta.dirname, "freeze-writer.ts"), mount];
    this.#child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
  }

  static async start(mount: string): Promise<FileWatch> {
    const watch = new FileWatch(mount);
    const lines = createInterface({ input: watch.#child.stdout });
    const first = once(lines, "line");
    lines.on("line", (line) => {
      const [ms, to] = line.split(" ").map(Number);
      if (to !== undefined) watch.stood(ms ?? 0, to);
      else if (line === "told") for (const tell of watch.#told.splice(0)) tell();
    });
    await first;
    return watch;
  }

  /** Until all is known that it saw by now. */
  async settled(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#told.push(resolve);
    this.#child.stdin.write("\n");
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await gone;
  }
}

/**
 * Inserts into a table in memory and out of the binary log: a lock of the server keeps it from that, and a
 * filesystem that stands still does not.
 */
export class LockWatch extends Watch {
  readonly #session: SqlSession;
  #stopping = false;
  #last = 0;
  #done: Promise<void> = Promise.resolve();

  private constructor(session: SqlSession) {
    super();
    this.#session = session;
  }

  static async start(session: SqlSession): Promise<LockWatch> {
    const watch = new LockWatch(session);
    await session.query("CREATE TABLE watched (number INT PRIMARY KEY) ENGINE=MEMORY");
    await session.query("SET SESSION sql_log_bin = 0");
    watch.#last = performance.now();
    watch.#done = watch.#run();
    watch.#done.catch(() => undefined);
    return watch;
  }

  /** Milliseconds since the last insert. */
  waiting(): number {
    return performance.now() - this.#last;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      await this.#session.query("REPLACE INTO watched VALUES (1)");
      this.stood(this.waiting());
      this.#last = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    await this.#done.catch(() => undefined);
  }
}

/** Whether one pause lasted from before a time until after it, as far as two clocks can tell. */
export function covers(pauses: readonly Pause[], { from, to }: Pause, slack = 40): boolean {
  return pauses.some((pause) => pause.from <= from + slack && pause.to >= to - slack);
}

export function longest(pauses: readonly Pause[]): number {
  return Math.max(0, ...pauses.map(({ from, to }) => to - from));
}
