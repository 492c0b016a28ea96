import { harmless } from "../core/harmless.ts";

/** The end of an output, of which no more than so many bytes are held. */
export class OutputTail {
  readonly #limit: number;
  #kept = Buffer.alloc(0);
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    const whole = Buffer.concat([this.#kept, chunk]);
    const excess = Math.max(0, whole.length - this.#limit);
    this.#dropped += excess;
    this.#kept = whole.subarray(excess);
  }

  /** Bytes that are no longer held. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The lines, of which the first may have lost its beginning; bytes that are no text, and what could disturb a terminal, are made visible. */
  lines(): string[] {
    // A character that was cut in two begins with bytes that can only continue one.
    let start = 0;
    while (this.#dropped > 0 && start < 4 && ((this.#kept[start] ?? 0) & 0xc0) === 0x80) start++;
    return this.#kept
      .toString("utf8", start)
      .split(/\r\n|\n|\r/)
      .map((line) => harmless(line.replaceAll("\t", " ")).trim())
      .filter((line) => line !== "");
  }
}
