import type { Clock } from "../../src/core/ports.ts";

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Many programs on one clock that jumps to whoever sleeps least: hours of thousands of hosts pass in seconds. */
export class VirtualTime {
  /** Milliseconds since the epoch. */
  #now: number;
  #order = 0;
  /** A heap, the next one first. */
  readonly #sleepers: Sleeper[] = [];

  constructor(start: Date) {
    this.#now = start.getTime();
  }

  now(): Date {
    return new Date(this.#now);
  }

  sleep(ms: number): Promise<void> {
    return this.until(this.#now + ms);
  }

  until(at: number): Promise<void> {
    return new Promise((wake) => {
      this.#push({ at: Math.max(at, this.#now), order: this.#order++, wake });
    });
  }

  /** A host's clock, which shows this time; `random` is its own, so that a run of the test is like any other. */
  clock(random: () => number): Clock {
    return {
      now: () => this.now(),
      elapsed: () => this.#now,
      sleep: (ms) => this.sleep(ms),
      random,
    };
  }

  /** Lets time pass until nobody sleeps any more. */
  async pass(): Promise<void> {
    await settled();
    for (let next = this.#pop(); next !== undefined; next = this.#pop()) {
      this.#now = next.at;
      next.wake();
      await settled();
    }
  }

  #push(sleeper: Sleeper): void {
    const heap = this.#sleepers;
    let place = heap.push(sleeper) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isBefore(sleeper, heap[above]!)) break;
      heap[place] = heap[above]!;
      place = above;
    }
    heap[place] = sleeper;
  }

  #pop(): Sleeper | undefined {
    const heap = this.#sleepers;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      const least = left + 1 < heap.length && isBefore(heap[left + 1]!, heap[left]!) ? left + 1 : left;
      if (least >= heap.length || !isBefore(heap[least]!, last)) break;
      heap[place] = heap[least]!;
      place = least;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(a: Sleeper, b: Sleeper): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Whatever was woken has come to its next sleep or its end: nothing here waits for the real world. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
