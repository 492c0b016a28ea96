import { largestGapInDay, lastOfEachDay } from "./cron-calendar.ts";
import { nextSlot, previousSlot, type Schedule } from "./schedule.ts";
import { shiftsBetween } from "./zone.ts";

const HORIZON = 5 * 366 * 86_400_000;

/**
 * The largest gap, in ms, between two neighbouring slots: the one that `from` lies in and all that begin in the five
 * years after it. It includes clock changes, so a nightly job in a zone that has them gives 25 hours.
 * The work is bounded by days and clock changes, not by slots.
 */
export function largestGap(schedule: Schedule, zone: string, from: Date): number {
  if (schedule.kind === "every") return schedule.every;
  const until = from.getTime() + HORIZON;
  const lasts: Schedule = { kind: "cron", ...lastOfEachDay(schedule) };

  // Slots of an ordinary day repeat, so their gaps are known from the expression. What remains is the gap after
  // the last slot of each day, and every gap that a clock change has stretched.
  const first = previousSlot(schedule, zone, from);
  let largest = Math.max(largestGapInDay(schedule), gapAfter(schedule, zone, first));
  for (let last = nextSlot(lasts, zone, from); last.getTime() < until; last = nextSlot(lasts, zone, last)) {
    largest = Math.max(largest, gapAfter(schedule, zone, last));
  }
  for (const { at, before, after } of shiftsBetween(zone, from.getTime(), until)) {
    const reach = Math.abs(after - before);
    let slot = previousSlot(schedule, zone, new Date(at - reach));
    while (slot.getTime() <= at + reach) {
      const next = nextSlot(schedule, zone, slot);
      largest = Math.max(largest, next.getTime() - slot.getTime());
      slot = next;
    }
  }
  return largest;
}

function gapAfter(schedule: Schedule, zone: string, slot: Date): number {
  return nextSlot(schedule, zone, slot).getTime() - slot.getTime();
}
