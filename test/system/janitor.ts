import { spawn } from "node:child_process";
import { once } from "node:events";

/** Reads shell lines until its input ends, then runs them, the last one first. */
const script = `trap '' INT TERM HUP PIPE
lines=
while IFS= read -r line; do lines="$line
$lines"; done
printf '%s' "$lines" | while IFS= read -r line; do eval "$line" </dev/null; done`;

/** A process that clears up behind a test, in whatever way the test ends: its input ends with us. */
export class Janitor implements AsyncDisposable {
  readonly #shell = spawn("/bin/sh", ["-c", script], {
    detached: true,
    stdio: ["pipe", "ignore", "pipe"],
  });
  readonly #ended = once(this.#shell, "close");
  #complaints = "";

  constructor() {
    this.#shell.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints += text;
    });
  }

  /** What will undo something; to be told before it is done. A path must need no quotes. */
  undo(line: string): void {
    this.#shell.stdin.write(`${line}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shell.stdin.end();
    await this.#ended;
    if (this.#complaints !== "") throw new Error(`clearing up: ${this.#complaints}`);
  }
}
