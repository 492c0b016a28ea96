/** Requests that several units share: each gets an equal share of what is left, and what it leaves others have. */
export class RequestBudget {
  readonly total: number;
  #left: number;
  readonly #waiting: Set<string>;

  constructor(total: number, units: readonly string[]) {
    this.total = total;
    this.#left = total;
    this.#waiting = new Set(units);
  }

  /** The share of a unit, whose turn it is. */
  share(unit: string): number {
    const share = Math.ceil(this.#left / Math.max(1, this.#waiting.size));
    this.#waiting.delete(unit);
    this.#left -= share;
    return share;
  }

  /** A unit is done, or needs none: what it did not use is there for the others. */
  done(unit: string, unused = 0): void {
    this.#waiting.delete(unit);
    this.#left += unused;
  }
}
