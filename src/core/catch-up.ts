import { countSlots, nextSlot, previousSlot, type Schedule } from "./schedule.ts";

const HOUR = 3_600_000;

/** A slot handled further in the future than this was recorded by a wrong clock, and must not silence the job. */
const CLOCK_SLACK = HOUR;

/** What the timetable knows of a job. */
export type Timing = {
  readonly schedule: Schedule;
  readonly zone: string;
  /** This machine's delay after each slot, in ms: see splayOf. */
  readonly splay: number;
  /**
   * The newest slot that was handled (run, caught up or deliberately skipped). Where none was, the instant up to which
   * nobody was to handle any; undefined where that is not known.
   */
  readonly lastSlot: Date | undefined;
};

/** A slot and the instant at which this machine acts on it: the slot plus its splay. */
export type Wake = { readonly slot: Date; readonly at: Date };

/**
 * What to do about slots that passed while nobody was awake. `missed` counts all of them, the one caught up included,
 * up to the limit of countSlots.
 */
export type CatchUp =
  | { readonly kind: "none" }
  | { readonly kind: "run"; readonly slot: Date; readonly missed: number }
  | { readonly kind: "skip-next-is-near"; readonly slot: Date; readonly next: Wake; readonly missed: number };

/**
 * The next slot to wait for: the first one not handled yet whose instant to act has not passed. A slot that has begun
 * but whose splay has not run out is still waited for, so a restart within the splay loses nothing.
 */
export function nextWake({ schedule, zone, splay, lastSlot }: Timing, now: Date): Wake {
  const handled = believable(lastSlot, now)?.getTime() ?? Number.NEGATIVE_INFINITY;
  const slot = nextSlot(schedule, zone, new Date(Math.max(handled, now.getTime() - splay - 1)));
  return { slot, at: new Date(slot.getTime() + splay) };
}

/**
 * Decides, after a start or a wake from sleep, whether to make up for a missed slot now. Only the newest one is ever
 * run; it is left out if the next slot's instant to act is nearer than `skipWithin` ms. A machine that never ran
 * has missed nothing, as far as is known.
 */
export function catchUp(timing: Timing, now: Date, skipWithin = defaultSkipWithin(timing, now)): CatchUp {
  const { schedule, zone, splay } = timing;
  const lastSlot = believable(timing.lastSlot, now);
  if (lastSlot === undefined) return { kind: "none" };
  // Exactly the slots that nextWake no longer waits for.
  const slot = previousSlot(schedule, zone, new Date(now.getTime() - splay - 1));
  if (slot <= lastSlot) return { kind: "none" };
  const missed = countSlots(schedule, zone, lastSlot, slot);
  const next = nextWake(timing, now);
  if (next.at.getTime() - now.getTime() < skipWithin)
    return { kind: "skip-next-is-near", slot, next, missed };
  return { kind: "run", slot, missed };
}

/** How near, in ms, the next slot must be to leave a catch-up out: a quarter of the present gap, at most one hour. */
export function defaultSkipWithin({ schedule, zone }: Pick<Timing, "schedule" | "zone">, now: Date): number {
  const gap = nextSlot(schedule, zone, now).getTime() - previousSlot(schedule, zone, now).getTime();
  return Math.min(HOUR, Math.floor(gap / 4));
}

function believable(lastSlot: Date | undefined, now: Date): Date | undefined {
  return lastSlot !== undefined && lastSlot.getTime() <= now.getTime() + CLOCK_SLACK ? lastSlot : undefined;
}
