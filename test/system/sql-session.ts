import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A server's own client, kept open: one statement after another in one session, so that locks stay. */
export class SqlSession implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #gone: Promise<unknown>;
  #last: Promise<unknown> = Promise.resolve();

  /** @param words the client, told to print rows without names or frames, and to go on after an error. */
  constructor([program = "", ...rest]: readonly string[]) {
    // One pipe for both outputs, so that a complaint comes before the end of the answer that it belongs to.
    this.#child = spawn("/bin/sh", ["-c", 'exec "$@" 2>&1', "sh", program, ...rest], {
      stdio: "pipe",
      cwd: "/",
    });
    this.#child.stdin.on("error", () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#gone = once(this.#child, "close");
  }

  /** Rows of a statement or of several; rejects with what the client complained of. */
  query(sql: string): Promise<string[]> {
    const answer = this.#last.then(() => this.#ask(sql));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #ask(sql: string): Promise<string[]> {
    const end = randomUUID();
    this.#child.stdin.write(`${sql};\nSELECT '${end}';\n`);
    const rows: string[] = [];
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`the client is gone: ${rows.join(" ")}`);
      if (value === end) break;
      rows.push(value);
    }
    const complaint = rows.find((row) => /^(ERROR|FATAL|psql: error)/.test(row));
    if (complaint !== undefined) throw new Error(`${sql.slice(0, 80)}: ${complaint}`);
    return rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 2_000);
    await this.#gone;
    clearTimeout(timer);
  }
}
