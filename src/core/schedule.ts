import { type Cron, parseCron } from "./cron.ts";
import { nextLocal } from "./cron-calendar.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { firstInstantOf, offsetAt, shiftsBetween } from "./zone.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** No clock was ever put back or forward by more than a day, which leaves two hours to spare. */
const LARGEST_SHIFT = 26 * HOUR;
const LONGEST_PERIOD = 366 * DAY;

/**
 * When a job runs. A slot is an instant at which a schedule is due.
 *
 * `cron` slots are local times of a zone. Through a clock change, a fixed hour inside the gap fires once at the end of
 * the gap, and a fixed hour that is shown twice fires at its first occurrence only; a wildcard hour follows real time:
 * every matching minute shown, in the repeated hour again, in the missing hour not at all.
 *
 * `every` slots are the multiples of a period (`every`, ms) since the Unix epoch in UTC, whatever the zone, so that
 * all machines agree on them without having agreed on a start: `every 12h` is 00:00 and 12:00 UTC, `every 1w` Thursday.
 */
export type Schedule =
  | ({ readonly kind: "cron" } & Cron)
  | { readonly kind: "every"; readonly every: number };

const MACROS: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};

/**
 * Reads a cron expression of five fields, a macro such as `@daily`, or `every 12h` (whole minutes, at most 366d).
 * Throws RangeError that names the faulty fields, what was found and what is expected.
 */
export function parseSchedule(text: string): Schedule {
  const trimmed = text.trim();
  const period = /^every\b\s*(.*)$/i.exec(trimmed)?.[1];
  if (period !== undefined) return { kind: "every", every: parsePeriod(period) };
  if (trimmed.startsWith("@")) {
    const expression = MACROS[trimmed.toLowerCase()];
    if (expression !== undefined) return { kind: "cron", ...parseCron(expression) };
    throw new RangeError(`expected one of ${Object.keys(MACROS).join(", ")}, found "${trimmed}"`);
  }
  return { kind: "cron", ...parseCron(trimmed) };
}

/** Writes a schedule in a form that parseSchedule reads back. */
export function formatSchedule(schedule: Schedule): string {
  return schedule.kind === "cron" ? schedule.expression : `every ${formatDuration(schedule.every)}`;
}

/**
 * The first slot strictly after an instant. Throws RangeError for an unknown zone or an invalid Date.
 */
export function nextSlot(schedule: Schedule, zone: string, after: Date): Date {
  const instant = timeOf(after);
  if (schedule.kind === "every") {
    return new Date((Math.floor(instant / schedule.every) + 1) * schedule.every);
  }
  return new Date(
    schedule.anyHour ? nextOfRealTime(schedule, zone, instant) : nextOfFixedHour(schedule, zone, instant),
  );
}

/** The last slot at or before an instant. Throws RangeError for an unknown zone or an invalid Date. */
export function previousSlot(schedule: Schedule, zone: string, atOrBefore: Date): Date {
  const end = timeOf(atOrBefore);
  if (schedule.kind === "every") return new Date(Math.floor(end / schedule.every) * schedule.every);

  // Looking ahead is the only search there is, so that both directions can never disagree:
  // step back ever further until a slot shows, then halve the distance to the last one.
  const next = (after: number) => nextSlot(schedule, zone, new Date(after)).getTime();
  let bare = end;
  let width = MINUTE;
  let found = next(end - width);
  while (found > end) {
    bare = end - width;
    width *= 2;
    found = next(end - width);
  }
  while (found < bare) {
    const middle = Math.floor((found + bare) / 2);
    const candidate = next(middle);
    if (candidate > end) bare = middle;
    else found = candidate;
  }
  return new Date(found);
}

/** The slots after one instant up to and including another, oldest first, at most `limit` of them. */
export function slotsBetween(
  schedule: Schedule,
  zone: string,
  afterExclusive: Date,
  untilInclusive: Date,
  limit: number,
): Date[] {
  const slots: Date[] = [];
  const until = timeOf(untilInclusive);
  let slot = afterExclusive;
  while (slots.length < limit) {
    slot = nextSlot(schedule, zone, slot);
    if (slot.getTime() > until) break;
    slots.push(slot);
  }
  return slots;
}

/** How many slots lie after one instant up to and including another; a cron count stops at `limit`. */
export function countSlots(
  schedule: Schedule,
  zone: string,
  afterExclusive: Date,
  untilInclusive: Date,
  limit = 10_000,
): number {
  if (schedule.kind === "cron")
    return slotsBetween(schedule, zone, afterExclusive, untilInclusive, limit).length;
  const index = (instant: Date) => Math.floor(timeOf(instant) / schedule.every);
  return Math.max(0, index(untilInclusive) - index(afterExclusive));
}

/** An invalid Date would compare as neither before nor after anything, and a search for a slot would not end. */
function timeOf(date: Date): number {
  const time = date.getTime();
  if (Number.isNaN(time)) throw new RangeError("expected a valid Date");
  return time;
}

function parsePeriod(text: string): number {
  const period = parseDuration(text);
  if (period >= MINUTE && period <= LONGEST_PERIOD && period % MINUTE === 0) return period;
  throw new RangeError(`expected whole minutes from 1m to 366d after "every", found "${text}"`);
}

function nextOfFixedHour(cron: Cron, zone: string, after: number): number {
  // After the clock has gone back, it shows times that have already had their turn:
  // go on from the latest time that it has ever shown.
  const shown = shiftsBetween(zone, after - LARGEST_SHIFT, after + 1).map(({ at, before }) => at + before);
  const local = Math.max(after + offsetAt(zone, after) + 1, ...shown);
  return firstInstantOf(zone, nextLocal(cron, local));
}

function nextOfRealTime(cron: Cron, zone: string, after: number): number {
  let from = after + 1;
  for (;;) {
    const offset = offsetAt(zone, from);
    const found = nextLocal(cron, from + offset) - offset;
    const [shift] = shiftsBetween(zone, from + 1, Math.min(found, from + LARGEST_SHIFT) + 1);
    if (shift !== undefined) {
      from = shift.at;
    } else if (found <= from + LARGEST_SHIFT) {
      return found;
    } else {
      // Only a shift close to `from` could repeat a time before `found`; there is none,
      // so the offset needs asking again only close to `found`.
      from = found - LARGEST_SHIFT;
    }
  }
}
