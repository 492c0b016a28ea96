/**
 * A cron expression of five to seven fields, in UTC: `minute hour day month weekday`, a year behind them where there are
 * six, and seconds before them where there are seven. Another language than the five fields of a job's `schedule`.
 */
export interface LongCron {
  readonly expression: string;
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: Days;
  readonly months: readonly number[];
  readonly weekdays: Days;
  /** None = any. */
  readonly years?: readonly number[];
}

interface Days {
  readonly values: readonly number[];
  /** `L` of the month, `Lfri` or `L5` of the weekdays: the last of them in the month. */
  readonly last: readonly number[];
  /** `Z30`: that day of the month, or its last where it is shorter. */
  readonly orLast: readonly number[];
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] as const;
const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const fields = {
  second: { name: "second", min: 0, max: 59 },
  minute: { name: "minute", min: 0, max: 59 },
  hour: { name: "hour", min: 0, max: 23 },
  day: { name: "day of month", min: 1, max: 31 },
  month: { name: "month", min: 1, max: 12, names: months },
  weekday: { name: "day of week", min: 0, max: 7, names: weekdays },
  year: { name: "year", min: 1970, max: 2099 },
} satisfies Readonly<Record<string, Field>>;

const macros: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/** Throws RangeError that names every faulty field. */
export function parseLongCron(text: string): LongCron {
  const expression = text.trim().toLowerCase();
  const words = (macros[expression] ?? expression).split(/\s+/);
  if (expression.startsWith("@") && macros[expression] === undefined)
    throw new RangeError(`expected one of ${Object.keys(macros).join(", ")}, found ${text.trim()}`);
  if (words.length < 5 || words.length > 7)
    throw new RangeError(
      `expected 5 to 7 fields (minute, hour, day of month, month, day of week; a 6th is the year), found ${words.length}`,
    );
  const [second = "0", minute = "", hour = "", day = "", month = "", weekday = "", year] =
    words.length === 7 ? words : ["0", ...words];
  const problems: string[] = [];
  const read = <T>(name: string, reading: () => T): T | undefined => {
    try {
      return reading();
    } catch (error) {
      problems.push(`${name}: ${(error as RangeError).message}`);
      return undefined;
    }
  };
  const plain = (field: Field, word: string) => read(field.name, () => valuesOf(field, word)) ?? [];
  const found = {
    seconds: plain(fields.second, second),
    minutes: plain(fields.minute, minute),
    hours: plain(fields.hour, hour),
    days: read("day of month", () => daysOf(fields.day, day)) ?? none,
    months: plain(fields.month, month),
    weekdays: read("day of week", () => daysOf(fields.weekday, weekday)) ?? none,
    ...(year === undefined || year === "*" ? {} : { years: plain(fields.year, year) }),
  };
  if (!isAny(day) && !isAny(weekday))
    problems.push("day of month and day of week: at most one of them may be other than * or ?");
  if (problems.length > 0) throw new RangeError(problems.join("; "));
  return { expression: words.join(" "), ...found };
}

/** The first instant after another, in UTC; none where its years are over. */
export function nextLong(cron: LongCron, after: Date): Date | undefined {
  const from = Math.floor(after.getTime() / 1_000) * 1_000 + 1_000;
  const day = new Date(from);
  day.setUTCHours(0, 0, 0, 0);
  const last = cron.years?.at(-1) ?? new Date(from).getUTCFullYear() + 9;
  while (day.getUTCFullYear() <= last) {
    if (dayMatches(cron, day)) {
      const found = timeOfDay(cron, from - day.getTime());
      if (found !== undefined) return new Date(day.getTime() + found);
    }
    day.setUTCDate(day.getUTCDate() + 1);
  }
  return undefined;
}

function dayMatches({ days, months: inMonths, weekdays: onDays, years }: LongCron, date: Date): boolean {
  if (!inMonths.includes(date.getUTCMonth() + 1)) return false;
  if (years !== undefined && !years.includes(date.getUTCFullYear())) return false;
  const day = date.getUTCDate();
  const length = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  const ofMonth =
    days.values.includes(day) ||
    (days.last.length > 0 && day === length) ||
    days.orLast.some((wanted) => day === Math.min(wanted, length));
  const weekday = date.getUTCDay();
  return ofMonth && (onDays.values.includes(weekday) || (onDays.last.includes(weekday) && day + 7 > length));
}

/** Milliseconds of the day, the first of them at or after some. */
function timeOfDay({ hours, minutes, seconds }: LongCron, from: number): number | undefined {
  const start = Math.max(0, from);
  for (const hour of hours)
    for (const minute of minutes) {
      const before = (hour * 60 + minute) * 60_000;
      if (before + 59_000 < start) continue;
      const second = seconds.find((one) => before + one * 1_000 >= start);
      if (second !== undefined) return before + second * 1_000;
    }
  return undefined;
}

const none: Days = { values: [], last: [], orLast: [] };

const isAny = (word: string): boolean => word === "*" || word === "?";

function daysOf(field: Field, word: string): Days {
  const last: number[] = [];
  const orLast: number[] = [];
  const others: string[] = [];
  for (const item of word.split(",")) {
    if (field.max === 31 && item === "l") last.push(0);
    else if (field.max === 31 && /^z\d+$/.test(item)) orLast.push(numberOf(field, item.slice(1)));
    else if (field.max === 7 && /^l.+$/.test(item)) last.push(numberOf(field, item.slice(1)) % 7);
    else others.push(item === "?" ? "*" : item);
  }
  const values = others.flatMap((item) => itemOf(field, item));
  return { values: field.max === 7 ? sorted(values.map((day) => day % 7)) : sorted(values), last, orLast };
}

function valuesOf(field: Field, word: string): number[] {
  return sorted(word.split(",").flatMap((item) => itemOf(field, item)));
}

/** `*`, `7`, `3-25`, each with `/step`; `7/8` begins at 7 and goes on to the end. */
function itemOf(field: Field, item: string): number[] {
  const [span = "", by, more] = item.split("/");
  const step = by === undefined ? 1 : Number(/^\d+$/.test(by) ? by : Number.NaN);
  if (more !== undefined || !(step >= 1))
    throw new RangeError(`"${item}" has no step that is a whole number`);
  const end = field.max === 7 ? 6 : field.max;
  if (span === "*") return stepped(field.min, end, step);
  const dash = span.indexOf("-");
  if (dash < 0) {
    const low = numberOf(field, span);
    return by === undefined ? [low] : stepped(low, end, step);
  }
  const low = numberOf(field, span.slice(0, dash));
  let high = numberOf(field, span.slice(dash + 1));
  if (field.max === 7 && high === 0 && low > 0) high = 7;
  if (low > high) throw new RangeError(`"${item}" runs backwards`);
  return stepped(low, high, step);
}

function stepped(low: number, high: number, step: number): number[] {
  const values: number[] = [];
  for (let value = low; value <= high; value += step) values.push(value);
  return values;
}

function numberOf({ min, max, names = [] }: Field, text: string): number {
  const named = names.indexOf(text);
  if (named >= 0) return named + min;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new RangeError(`"${text}" is not a value of ${min}-${max}`);
}

function sorted(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
