/** What is kept of a clock so that a restarted simulator goes on from the same instant. */
export interface ClockState {
  /** Simulated time, in milliseconds since the epoch, at `savedAt`. */
  simulated: number;
  /** Milliseconds that have passed for rates and limits, at `savedAt`. */
  elapsed: number;
  /** Real time of the saving, in milliseconds since the epoch. */
  savedAt: number;
}

/**
 * Simulated time. It never goes backwards.
 *
 * Two hands: `now` is what AWS would call the time; `elapsed` is what rates, per-volume intervals, metadata tokens
 * and eventual consistency are measured on. Jumps move both. Real time always moves `elapsed`, also when `now`
 * stands still (speed 0): otherwise a client that waits out a throttle would wait for ever.
 */
export interface Clock {
  /** Simulated time in milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since the start: all jumps plus the real time that went by. */
  elapsed(): number;
  /** Moves both hands forward by so many milliseconds. */
  advance(milliseconds: number): void;
  /** Moves the hands to an instant; throws a RangeError when it lies in the past. */
  set(instant: number): void;
  state(): ClockState;
}

/**
 * @param start simulated milliseconds since the epoch.
 * @param speed simulated seconds for each real second; 0 stands still between jumps.
 * @param saved where an earlier simulator left off: the real time since then counts as gone by.
 */
export function createClock(start: number, speed: number, saved?: ClockState): Clock {
  const away = saved ? Math.max(0, Date.now() - saved.savedAt) : 0;
  const origin = performance.now();
  const real = () => performance.now() - origin;
  const pace = Math.max(1, speed);
  let simulated = saved ? saved.simulated + away * speed : start;
  let elapsed = saved ? saved.elapsed + away * pace : 0;

  const now = () => Math.floor(simulated + real() * speed);
  const advance = (milliseconds: number) => {
    if (!(milliseconds >= 0)) throw new RangeError("the simulated clock never goes backwards");
    simulated += milliseconds;
    elapsed += milliseconds;
  };
  return {
    now,
    elapsed: () => elapsed + real() * pace,
    advance,
    set: (instant) => advance(instant - now()),
    state: () => ({ simulated: now(), elapsed: elapsed + real() * pace, savedAt: Date.now() }),
  };
}
