import type { Cron } from "./cron.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

/** The rarest date, 29 February on one day of the week, comes after at most 40 years. */
const FARTHEST_YEARS = 41;

/**
 * The first local minute at or after `from` that the expression matches. Local times are written as the ms at which
 * a clock on UTC would show them; zones and clock changes are the caller's business.
 * Throws RangeError if the calendar ends first.
 */
export function nextLocal(cron: Cron, from: number): number {
  const start = Math.ceil(from / MINUTE);
  const day = Math.floor((start * MINUTE) / DAY);
  if (dayMatches(cron, new Date(day * DAY))) {
    const minute = minuteOfDayFrom(cron, start - (day * DAY) / MINUTE);
    if (minute !== undefined) return day * DAY + minute * MINUTE;
  }
  return nextDay(cron, day + 1) * DAY + firstMinuteOfDay(cron) * MINUTE;
}

/** The largest gap, in ms, between two slots of one ordinary day; 0 if such a day has only one. */
export function largestGapInDay({ hours, minutes }: Cron): number {
  const first = minutes[0] ?? 0;
  const last = minutes.at(-1) ?? 0;
  const withinHour = largestStep(minutes);
  let betweenHours = 0;
  for (const [index, hour] of hours.entries()) {
    const next = hours[index + 1];
    if (next !== undefined) betweenHours = Math.max(betweenHours, (next - hour) * 60 - last + first);
  }
  return Math.max(withinHour, betweenHours) * MINUTE;
}

/** The same days, but only the last minute of each, at a fixed hour. */
export function lastOfEachDay(cron: Cron): Cron {
  return { ...cron, hours: cron.hours.slice(-1), minutes: cron.minutes.slice(-1), anyHour: false };
}

function largestStep(values: readonly number[]): number {
  return values.reduce((most, value, index) => Math.max(most, value - (values[index - 1] ?? value)), 0);
}

function minuteOfDayFrom({ hours, minutes }: Cron, from: number): number | undefined {
  const last = minutes.at(-1) ?? 0;
  const hour = hours.find((value) => value * 60 + last >= from);
  if (hour === undefined) return undefined;
  return hour * 60 + (minutes.find((value) => hour * 60 + value >= from) ?? 0);
}

function firstMinuteOfDay({ hours, minutes }: Cron): number {
  return (hours[0] ?? 0) * 60 + (minutes[0] ?? 0);
}

/** The first matching day at or after `from`; days are counted from the epoch. */
function nextDay(cron: Cron, from: number): number {
  const limit = from + FARTHEST_YEARS * 366;
  for (let day = from; day < limit; ) {
    const date = new Date(day * DAY);
    if (dayMatches(cron, date)) return day;
    const otherMonth = !cron.months.includes(date.getUTCMonth() + 1);
    day = otherMonth ? Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / DAY : day + 1;
  }
  throw new RangeError(`no slot of "${cron.expression}" within the calendar`);
}

function dayMatches(cron: Cron, date: Date): boolean {
  if (!cron.months.includes(date.getUTCMonth() + 1)) return false;
  const ofMonth = cron.daysOfMonth.includes(date.getUTCDate());
  const ofWeek = cron.daysOfWeek.includes(date.getUTCDay());
  return cron.eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek;
}
