import { counted } from "./counted.ts";
import type { RetentionPolicy } from "./retention-policy.ts";
import { keepsAll } from "./retention-policy.ts";
import { nextSlot, parseSchedule, type Schedule } from "./schedule.ts";

/** EC2's modes: a governance lock is taken off by who may, a compliance lock by nobody once it has cooled off. */
export const lockModes = ["governance", "compliance"] as const;
type LockMode = (typeof lockModes)[number];

/** How a job has the snapshots of its points locked. */
export interface LockWish {
  readonly mode: LockMode;
  /** Whole days, from when a snapshot is complete (LockSnapshot: 1 to 36,500). */
  readonly days: number;
  /** Whole hours in which a compliance lock can still be taken off (LockSnapshot: 1 to 72). */
  readonly coolOff?: number;
}

/** The longest cooling-off in hours: what a compliance lock has where nobody says otherwise. */
export const longestCoolOff = 72;

const hour = 3_600_000;
const day = 24 * hour;

/** What decides on how long a point is kept. */
export interface Keeping {
  readonly retention: Pick<RetentionPolicy, "counts" | "within">;
  readonly schedule?: string | undefined;
  readonly timezone: string;
}

/**
 * For how many whole days retention keeps a good point for sure that was made on schedule; Infinity where it keeps
 * everything. An age promises itself. A rule that counts promises the time in which its schedule makes so many newer
 * points, and one that counts periods only where no two slots fall into one period: of two points of a day the rule
 * `daily` keeps one. Without a schedule counting promises nothing. An hour is forgiven, which a clock change may cost.
 */
export function promisedDays({ retention, schedule, timezone }: Keeping): number {
  if (keepsAll(retention as RetentionPolicy)) return Number.POSITIVE_INFINITY;
  const promises = [retention.within ?? 0];
  const slots = schedule === undefined ? undefined : spansOf(parseSchedule(schedule), timezone);
  if (slots !== undefined) {
    for (const [rule, count = 0] of Object.entries(retention.counts)) {
      const period = periods[rule as keyof typeof periods];
      if (slots.shortest(1) >= period) promises.push(slots.shortest(count));
    }
  }
  return Math.floor((Math.max(...promises) + hour) / day);
}

/** How far apart slots must be, so that each is of a period of its own. An hour less, through clock changes. */
const periods = {
  last: 0,
  minimum: 0,
  hourly: hour,
  daily: 23 * hour,
  weekly: 7 * day - hour,
  monthly: 28 * day - hour,
  yearly: 365 * day - hour,
} as const;

/** Slots are looked at until there are so many of them, or until a year is over whose February is short. */
const slotsSeen = 1_000;
const from = Date.UTC(2027, 0, 1);
const until = Date.UTC(2028, 0, 2);

/** The shortest time, in ms, that so many gaps of a schedule take together. */
function spansOf(schedule: Schedule, zone: string): { shortest(gaps: number): number } {
  const slots: number[] = [];
  let slot = new Date(from);
  while (slots.length < slotsSeen && (slots.length < 3 || slot.getTime() < until)) {
    slot = nextSlot(schedule, zone, slot);
    slots.push(slot.getTime());
  }
  return {
    shortest(gaps) {
      const known = Math.min(gaps, slots.length - 1);
      const spans = slots.slice(known).map((end, index) => end - (slots[index] ?? 0));
      return (Math.min(...spans) / known) * gaps;
    },
  };
}

/** For how many days a job's points are locked: never for longer than retention promises to keep them. */
export function lockDays(wish: LockWish, keeping: Keeping): number {
  return Math.min(wish.days, promisedDays(keeping));
}

/** For how many days a snapshot is still to be locked whose lock was missed; 0 where that is over. */
export function daysLeft(days: number, captured: Date, now: Date): number {
  return Math.max(0, Math.floor(days - Math.max(0, now.getTime() - captured.getTime()) / day));
}

/** "for 14 days in governance mode". */
export function describeLock({ days, mode, coolOff }: LockWish): string {
  const cooling = coolOff === undefined ? "" : ` after ${coolOff} h of cooling off`;
  return `for ${counted(days, "day")} in ${mode} mode${cooling}`;
}
