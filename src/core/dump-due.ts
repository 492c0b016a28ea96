import { nextSlot, parseSchedule, previousSlot } from "./schedule.ts";

/**
 * When a dump with a schedule of its own is due next; nothing if it is due now, since its schedule had a slot after
 * its newest good point. Of several series those count that were made since the slot before the last: one that was
 * not is of something that is gone.
 */
export function nextDue(
  schedule: string,
  timezone: string,
  newest: readonly Date[],
  now: Date,
): Date | undefined {
  const parsed = parseSchedule(schedule);
  const last = previousSlot(parsed, timezone, now);
  const before = previousSlot(parsed, timezone, new Date(last.getTime() - 1));
  const alive = newest.filter((one) => one >= before);
  if (alive.length === 0 || alive.some((one) => one < last)) return undefined;
  return nextSlot(parsed, timezone, now);
}
