const minute = 60_000;
const day = 24 * 60 * minute;

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** Whether CloudWatch takes this for the zone of a wall clock window: an IANA name or an offset of whole 5 minutes. */
export function isZone(zone: string): boolean {
  const fixed = fixedOffset(zone);
  if (fixed !== undefined) return fixed % (5 * minute) === 0 && Math.abs(fixed) <= 18 * 60 * minute;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

// `Z`, `+05:30`, `UTC+05:30`, `GMT-08:00`.
function fixedOffset(zone: string): number | undefined {
  if (/^(Z|UTC|GMT)$/.test(zone)) return 0;
  const match = /^(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})$/.exec(zone);
  if (match === null) return undefined;
  const size = (Number(match[2]) * 60 + Number(match[3])) * minute;
  return match[1] === "-" ? -size : size;
}

/** How far a zone's clocks are ahead of UTC at an instant, in milliseconds. */
function offsetAt(zone: string, instant: number): number {
  const fixed = fixedOffset(zone);
  if (fixed !== undefined) return fixed;
  // Clocks are changed on quarters of an hour at most.
  const quarter = Math.floor(instant / (15 * minute)) * 15 * minute;
  const key = `${zone} ${quarter}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat("en-GB", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  formats.set(zone, format);
  const {
    year,
    month,
    day,
    hour,
    minute: minutes,
  } = Object.fromEntries(
    format.formatToParts(quarter).map(({ type, value }) => [type, Number(value)]),
  ) as Record<string, number>;
  const local = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minutes);
  if (offsets.size > 20_000) offsets.clear();
  offsets.set(key, local - quarter);
  return local - quarter;
}

/**
 * The start of the clock period that holds an instant: the full minute or hour, midnight, or Monday's midnight there.
 * @param period milliseconds: a minute, five, an hour, a day or a week.
 */
export function periodStart(zone: string, period: number, instant: number): number {
  const local = instant + offsetAt(zone, instant);
  // The first of January 1970 was a Thursday; weeks begin on Mondays.
  const shift = period === 7 * day ? 4 * day : 0;
  const start = Math.floor((local - shift) / period) * period + shift;
  if (period < day) return start - (local - instant);
  // The offset at that midnight may be another one than now.
  const guess = start - offsetAt(zone, instant);
  const better = start - offsetAt(zone, guess);
  return start - offsetAt(zone, better);
}

/** The start of the clock period after the one that begins at an instant. */
export function nextPeriodStart(zone: string, period: number, start: number): number {
  // Days have 23 to 25 hours; half a day more is surely within the next one.
  return periodStart(zone, period, start + period + (period >= day ? day / 2 : 0));
}
