import type { Clock } from "../core/ports.ts";

/** Milliseconds that whoever has the turn may stand still before the next one no longer waits. */
const patience = 5_000;
const lookAgain = 50;

/** Tells that who has the turn still moves. */
export type Moving = () => void;

/**
 * Lets one at a time do what needs much memory, so that units side by side need no more of it than one. Who hangs is
 * waited for a few seconds and then passed: no unit delays another.
 */
export class Turns {
  readonly #clock: Pick<Clock, "elapsed" | "sleep">;
  readonly #patience: number;
  #holder: symbol | undefined;
  #movedAt = 0;

  constructor(clock: Pick<Clock, "elapsed" | "sleep">, wait = patience) {
    this.#clock = clock;
    this.#patience = wait;
  }

  async taking<T>(signal: AbortSignal, body: (moving: Moving) => Promise<T>): Promise<T> {
    const me = Symbol("turn");
    while (this.#isTaken() && !signal.aborted) await this.#clock.sleep(lookAgain, signal);
    this.#holder = me;
    const moving = () => {
      if (this.#holder === me) this.#movedAt = this.#clock.elapsed();
    };
    moving();
    try {
      return await body(moving);
    } finally {
      if (this.#holder === me) this.#holder = undefined;
    }
  }

  #isTaken(): boolean {
    return this.#holder !== undefined && this.#clock.elapsed() - this.#movedAt < this.#patience;
  }
}
