import { within } from "../host/within.ts";
import type { Line } from "./line.ts";

/** Where lines go that are not written at once. */
export interface Outlet {
  /** In words, after "the log's": "syslog at tcp4 10.0.0.5:514". */
  readonly name: string;
  /** How many lines are delivered together at most. */
  readonly most: number;
  /**
   * Delivers lines in their order and resolves to the number of those that have arrived, as far as can be
   * known: all or the first ones. Rejects if none, and they are delivered again: with an {@link Unconfirmed}
   * if they may have arrived.
   */
  deliver(lines: readonly Line[], signal: AbortSignal): Promise<number>;
}

/** The lines were sent, and nobody said that they arrived. */
export class Unconfirmed extends Error {}

/** Milliseconds. */
export interface OutboxWaits {
  /** The first pause after a failure; each further one is twice as long. */
  readonly retryEvery: number;
  readonly retryAtMost: number;
  /** How long one delivery may take. */
  readonly deliverWithin: number;
  /** How long after one outage was told the next is told. */
  readonly tellEvery: number;
}

export const outboxWaits: OutboxWaits = {
  retryEvery: 250,
  retryAtMost: 30_000,
  deliverWithin: 5_000,
  tellEvery: 3_600_000,
};

/** Who never confirms would get the same lines for ever. */
const mostTries = 5;

export interface OutboxOptions {
  readonly outlet: Outlet;
  /** The most lines that wait; beyond them the oldest is dropped. */
  readonly capacity: number;
  /** Tells people what became of the sink itself, by another way than the sink. */
  readonly tell: (message: string) => void;
  readonly waits: OutboxWaits;
}

/**
 * A bounded queue before a sink that may be slow, gone or coming back. Taking a line never waits and never
 * fails; one delivery is under way at a time; nothing here keeps a process alive but a delivery, and that ends.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: Line[] = [];
  /** How many of those waiting are being delivered: they are not dropped meanwhile. */
  #sending = 0;
  /** Dropped and not yet told to the sink. */
  #gap = 0;
  #dropped = 0;
  #unconfirmed = 0;
  #tries = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #pause = 0;
  #timer: NodeJS.Timeout | undefined;
  #closing = false;
  /** At the end, a delivery that had begun before may fail without being the last. */
  #triedAtEnd = false;
  readonly #stop = new AbortController();
  #running = false;
  #pump: Promise<void> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#pause = options.waits.retryEvery;
  }

  get name(): string {
    return this.#options.outlet.name;
  }

  /** Takes a line; delivers it as soon as possible. */
  put(line: Line): void {
    if (this.#stop.signal.aborted) return;
    this.#waiting.push(line);
    if (this.#waiting.length > this.#options.capacity) {
      this.#waiting.splice(Math.min(this.#sending, this.#waiting.length - 1), 1);
      this.#gap++;
      this.#dropped++;
    }
    if (this.#timer === undefined) this.#begin();
  }

  /**
   * Tries once more what still waits, for at most so many milliseconds, and gives up the rest. What was lost
   * over the whole time is returned as a clause, nothing if nothing was. To be called once.
   */
  async close(ms: number): Promise<string | undefined> {
    this.#closing = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#begin();
    if (this.#pump !== undefined) await within(ms, this.#pump, undefined);
    const left = this.#waiting.length;
    this.#stop.abort();
    const lost = [
      ...(left > 0 ? [`${left} not delivered at the end`] : []),
      ...(this.#dropped > 0 ? [`${this.#dropped} dropped since the queue was full`] : []),
      ...(this.#unconfirmed > 0 ? [`${this.#unconfirmed} sent and never confirmed`] : []),
    ];
    return lost.length === 0 ? undefined : lost.join(", ");
  }

  #begin(): void {
    if (this.#running) return;
    this.#running = true;
    this.#pump = this.#deliverAll();
  }

  async #deliverAll(): Promise<void> {
    // What is logged in one go is delivered together.
    await new Promise(setImmediate);
    let going = true;
    while (going && this.#waiting.length > 0 && !this.#stop.signal.aborted) {
      const batch = this.#waiting.slice(0, this.#options.outlet.most);
      this.#sending = batch.length;
      const gap = this.#gap;
      const result = await this.#attempt(gap > 0 ? [this.#missing(gap, batch), ...batch] : batch);
      this.#sending = 0;
      if (typeof result === "number") this.#delivered(gap > 0 ? result - 1 : result, gap);
      else going = this.#failed(result, batch.length);
    }
    // At once, so that no line comes in between and finds nobody to begin.
    this.#running = false;
  }

  async #attempt(lines: readonly Line[]): Promise<Error | number> {
    const { outlet, waits } = this.#options;
    const late = AbortSignal.timeout(waits.deliverWithin);
    try {
      return await outlet.deliver(lines, AbortSignal.any([late, this.#stop.signal]));
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #missing(count: number, [first]: readonly Line[]): Line {
    const text = `warn: ${count} lines of the log are missing here: the queue of ${this.#options.capacity} was full`;
    return { level: "warn", text, at: first?.at ?? new Date() };
  }

  #delivered(count: number, gap: number): void {
    this.#waiting.splice(0, count);
    this.#gap -= gap;
    this.#tries = 0;
    this.#pause = this.#options.waits.retryEvery;
  }

  /** Whether to go on at once. */
  #failed(problem: Error, count: number): boolean {
    const { outlet, capacity, tell, waits } = this.#options;
    if (this.#stop.signal.aborted) return false;
    if (problem instanceof Unconfirmed && ++this.#tries >= mostTries) {
      this.#waiting.splice(0, count);
      this.#unconfirmed += count;
      this.#tries = 0;
    }
    const now = performance.now();
    if (now - this.#toldAt >= waits.tellEvery) {
      this.#toldAt = now;
      tell(`the log's ${outlet.name} fails: ${problem.message}; up to ${capacity} lines wait for it`);
    }
    if (this.#closing) {
      const again = !this.#triedAtEnd;
      this.#triedAtEnd = true;
      return again;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#begin();
    }, this.#pause);
    this.#timer.unref();
    this.#pause = Math.min(this.#pause * 2, waits.retryAtMost);
    return false;
  }
}
