import type { Clock } from "../core/ports.ts";

/** So many a second and no more; slower while it is told to be. */
export interface Pace {
  /** Resolves when it is the turn of the next one, or at once when the signal aborts. */
  turn(signal: AbortSignal): Promise<void>;
  /** AWS turned one away: the next waits longer, and so do those after it, ever less. */
  slower(): void;
}

/** Milliseconds that the gap grows to at most. */
const slowest = 10_000;

export function pace(perSecond: number, clock: Pick<Clock, "elapsed" | "sleep">): Pace {
  const usual = 1_000 / perSecond;
  let gap = usual;
  let next = clock.elapsed();
  return {
    async turn(signal) {
      const now = clock.elapsed();
      const at = Math.max(now, next);
      next = at + gap;
      gap = Math.max(usual, gap * 0.9);
      if (at > now) await clock.sleep(at - now, signal);
    },
    slower() {
      gap = Math.min(slowest, gap * 4);
      next = Math.max(next, clock.elapsed() + gap);
    },
  };
}
