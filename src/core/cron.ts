/** A cron expression as sorted lists of the values each field allows; days of the week run from 0, Sunday, to 6. */
export type Cron = {
  readonly expression: string;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  readonly daysOfWeek: readonly number[];
  /** A day matches if either day field does, not both: cron's rule when neither starts with `*`. */
  readonly eitherDay: boolean;
  /** The hour is a wildcard (`*`, a step of it, or all 24 hours), so slots follow real time through a clock change. */
  readonly anyHour: boolean;
};

type Field = { name: string; min: number; max: number; names?: readonly string[]; firstName?: number };

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"] as const;
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] as const;
const FIELDS: readonly Field[] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, names: MONTHS, firstName: 1 },
  { name: "day of week", min: 0, max: 7, names: WEEKDAYS, firstName: 0 },
];
const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Reads a cron expression of five fields: minute, hour, day of month, month, day of week. A field is `*` or a list of
 * values and ranges; `*` and ranges may have a step (`0-30/10`); months and weekdays may be names, in any case.
 * Throws RangeError that names every faulty field, or says that the expression can never fire.
 */
export function parseCron(expression: string): Cron {
  const texts = expression.trim().split(/\s+/);
  if (texts.length !== FIELDS.length) throw new RangeError(wrongCount(texts));
  const problems: string[] = [];
  const [minutes, hours, daysOfMonth, months, weekdays] = FIELDS.map((field, index) => {
    try {
      return parseField(field, texts[index] ?? "");
    } catch (error) {
      problems.push(`${field.name}: ${(error as RangeError).message}`);
      return [];
    }
  }) as [number[], number[], number[], number[], number[]];
  if (problems.length > 0) throw new RangeError(problems.join("; "));

  const daysOfWeek = sorted(weekdays.map((day) => day % 7));
  const eitherDay = !texts[2]?.startsWith("*") && !texts[4]?.startsWith("*");
  const anyHour = texts[1]?.startsWith("*") === true || hours.length === 24;
  const exists = months.some((month) => (daysOfMonth[0] ?? 1) <= (LONGEST_MONTHS[month - 1] ?? 0));
  // Every date that exists falls on every day of the week sooner or later, so only the date can be impossible.
  if (!exists && !eitherDay) {
    throw new RangeError(`can never fire: day of month ${texts[2]} does not exist in month ${texts[3]}`);
  }
  return { expression: texts.join(" "), minutes, hours, daysOfMonth, months, daysOfWeek, eitherDay, anyHour };
}

function wrongCount(texts: readonly string[]): string {
  const found = texts[0] === "" ? "nothing" : texts.length === 1 ? "1 field" : `${texts.length} fields`;
  const hint = texts.length > FIELDS.length ? " (seconds and years are not supported)" : "";
  return `expected 5 fields (${FIELDS.map(({ name }) => name).join(", ")}), found ${found}${hint}`;
}

function parseField(field: Field, text: string): number[] {
  return sorted(text.split(",").flatMap((item) => parseItem(field, item)));
}

function parseItem(field: Field, item: string): number[] {
  const slash = item.indexOf("/");
  const span = slash < 0 ? item : item.slice(0, slash);
  const step = slash < 0 ? 1 : parseStep(field, item.slice(slash + 1));
  const [low, high] = parseSpan(field, span);
  if (slash >= 0 && span !== "*" && !span.includes("-")) {
    throw new RangeError(`"${item}" has a step without a range, expected "${span}-${field.max}/${step}"`);
  }
  const values: number[] = [];
  for (let value = low; value <= high; value += step) values.push(value);
  return values;
}

function parseStep(field: Field, text: string): number {
  const step = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (step >= 1 && step <= field.max) return step;
  throw new RangeError(`step "${text}" is outside 1-${field.max}`);
}

function parseSpan(field: Field, text: string): [low: number, high: number] {
  // `*` in the day of week is 0-6: 7 is a second name of Sunday and would upset a step.
  if (text === "*") return [field.min, field.max === 7 ? 6 : field.max];
  const dash = text.indexOf("-");
  if (dash < 0) {
    const value = parseValue(field, text);
    return [value, value];
  }
  const low = parseValue(field, text.slice(0, dash));
  let high = parseValue(field, text.slice(dash + 1));
  // A range that ends on Sunday means the coming one: FRI-SUN.
  if (field.max === 7 && high === 0 && low > 0) high = 7;
  if (low <= high) return [low, high];
  throw new RangeError(`range "${text}" runs backwards, expected the lower end first`);
}

function parseValue(field: Field, text: string): number {
  const { min, max, names = [], firstName = 0 } = field;
  const named = names.indexOf(text.toUpperCase());
  if (named >= 0) return named + firstName;
  if (!/^\d+$/.test(text)) {
    const orName = names.length > 0 ? ` or ${names[0]}-${names.at(-1)}` : "";
    throw new RangeError(`"${text}" is not a value of ${min}-${max}${orName}`);
  }
  const value = Number(text);
  if (value < min || value > max) throw new RangeError(`${text} is outside ${min}-${max}`);
  return value;
}

function sorted(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
