import { type ChildProcess, spawn } from "node:child_process";
import { expect } from "vitest";
import { has } from "../host/places.ts";

export const terminalNeed = "script(1) of util-linux, for a terminal";
export const terminalCan = process.platform === "linux" && has("script");

/** A program on a terminal of its own, of 80 columns, at which a test types. */
export class AtTerminal implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #text = "";
  #read = 0;

  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    this.#child = spawn("script", ["-qec", `stty cols 80 rows 24; exec ${quoted}`, "/dev/null"], {
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", resolve);
    });
  }

  /** All that was on the screen. */
  get text(): string {
    return this.#text.replaceAll("\r", "");
  }

  /** Waits until this is shown, after all that was waited for before. */
  async sees(words: string): Promise<void> {
    const until = performance.now() + 60_000;
    for (;;) {
      const at = this.text.indexOf(words, this.#read);
      if (at >= 0) {
        this.#read = at + words.length;
        return;
      }
      if (this.#child.exitCode !== null || performance.now() > until)
        expect.fail(`there was never: ${words}\n${this.text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** The terminal goes away, as a connection does that drops. */
  async lose(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** The exit code of the program. */
  end(): Promise<number | null> {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null) this.#child.kill();
    await this.#ended;
  }
}
