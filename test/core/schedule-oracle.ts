import fc from "fast-check";
import type { Cron } from "../../src/core/cron.ts";

const MINUTE = 60_000;

/** What a clock on the wall shows, minute by minute, as the ms at which a clock on UTC would show the same. */
export type WallClock = { readonly start: number; readonly shown: readonly number[] };

/** Asks Intl for every single minute of the span: slow, and shares no code or idea with the code under test. */
export function wallClock(zone: string, start: Date, end: Date): WallClock {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  const shown: number[] = [];
  for (let at = start.getTime(); at <= end.getTime(); at += MINUTE) {
    shown.push(Date.parse(`${format.format(at).replace(" ", "T")}Z`));
  }
  return { start: start.getTime(), shown };
}

/** Every slot of the span, by looking at each minute; those that depend on the minutes before the span excepted. */
export function slotsByLooking(cron: Cron, clock: WallClock): number[] {
  const slots: number[] = [];
  let latest = (clock.shown[0] ?? 0) - MINUTE;
  for (const [index, shown] of clock.shown.entries()) {
    let due = matches(cron, shown);
    if (!cron.anyHour) {
      due &&= shown > latest;
      for (let missing = latest + MINUTE; missing < shown; missing += MINUTE) due ||= matches(cron, missing);
    }
    if (due) slots.push(clock.start + index * MINUTE);
    latest = Math.max(latest, shown);
  }
  return slots;
}

function matches(cron: Cron, shown: number): boolean {
  const date = new Date(shown);
  const dayOfMonth = cron.daysOfMonth.includes(date.getUTCDate());
  const dayOfWeek = cron.daysOfWeek.includes(date.getUTCDay());
  return (
    cron.minutes.includes(date.getUTCMinutes()) &&
    cron.hours.includes(date.getUTCHours()) &&
    cron.months.includes(date.getUTCMonth() + 1) &&
    (cron.eitherDay ? dayOfMonth || dayOfWeek : dayOfMonth && dayOfWeek)
  );
}

function field(min: number, max: number): fc.Arbitrary<string> {
  const value = fc.integer({ min, max });
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.integer({ min: 1, max });
  const item = fc.oneof(
    value.map(String),
    range,
    fc.tuple(range, step).map(([span, size]) => `${span}/${size}`),
  );
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant("*") },
    { weight: 2, arbitrary: step.map((size) => `*/${size}`) },
    { weight: 6, arbitrary: fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(",")) },
  );
}

/** The five fields of an expression. Days of the month end at 28, so that every expression can fire. */
export const cronFields: fc.Arbitrary<[string, string, string, string, string]> = fc.tuple(
  field(0, 59),
  field(0, 23),
  fc.oneof(fc.constant("*"), field(1, 28)),
  fc.oneof({ weight: 3, arbitrary: fc.constant("*") }, { weight: 1, arbitrary: field(1, 12) }),
  fc.oneof(fc.constant("*"), field(0, 7)),
);
