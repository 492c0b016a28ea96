const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

/** No zone is further from UTC than this, so a local time and its instant never are either. */
const FARTHEST = 16 * HOUR;

/** A change of a zone's UTC offset: `at` is an instant, `before` and `after` are offsets east of UTC, all in ms. */
export type Shift = { readonly at: number; readonly before: number; readonly after: number };

/** The first question to Intl costs tens of milliseconds, and most hosts never need to ask it. */
const UTC = "UTC";

type Cache = { format: Intl.DateTimeFormat; offsets: Map<number, number>; shifts: Map<number, Shift> };

// Asking Intl costs microseconds and a schedule asks often, so each zone keeps one formatter and
// one offset a day. The answers never change within a process: this is memory, not state.
const caches = new Map<string, Cache>();

/** Whether the name is a time zone that this runtime knows, such as `Europe/Berlin` or `UTC`. */
export function isTimeZone(name: string): boolean {
  try {
    if (name !== UTC) cacheOf(name);
    return true;
  } catch {
    return false;
  }
}

/** The zone's offset east of UTC, in ms, at an instant (ms since the epoch). Throws RangeError for an unknown zone. */
export function offsetAt(zone: string, instant: number): number {
  if (zone === UTC) return 0;
  const cache = cacheOf(zone);
  const day = Math.floor(instant / DAY);
  const shift = shiftOn(cache, day);
  if (shift === undefined) return offsetAtStartOf(cache, day);
  return instant < shift.at ? shift.before : shift.after;
}

/** The zone's shifts with `from <= at < until` (ms since the epoch), oldest first. */
export function shiftsBetween(zone: string, from: number, until: number): Shift[] {
  if (zone === UTC) return [];
  const cache = cacheOf(zone);
  const shifts: Shift[] = [];
  // A shift at midnight UTC is filed under the day that it ends.
  for (let day = Math.floor(from / DAY) - 1; day * DAY < until; day++) {
    const shift = shiftOn(cache, day);
    if (shift !== undefined && shift.at >= from && shift.at < until) shifts.push(shift);
  }
  return shifts;
}

/**
 * The instant (ms since the epoch) of a local time, given as the ms at which a clock on UTC would show it.
 * A time shown twice gives its first occurrence; a time never shown gives the end of the gap it lies in.
 * A later local time therefore never gives an earlier instant.
 */
export function firstInstantOf(zone: string, local: number): number {
  const shifts = shiftsBetween(zone, local - FARTHEST, local + FARTHEST);
  for (const { at, before, after } of shifts) {
    if (local < at + before) return local - before;
    if (local < at + after) return at;
  }
  return local - (shifts.at(-1)?.after ?? offsetAt(zone, local));
}

function cacheOf(zone: string): Cache {
  const known = caches.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const cache = { format, offsets: new Map(), shifts: new Map() };
  caches.set(zone, cache);
  return cache;
}

/** The shift in the UTC day of that number, if any. No zone has ever changed twice within a day. */
function shiftOn(cache: Cache, day: number): Shift | undefined {
  const before = offsetAtStartOf(cache, day);
  const after = offsetAtStartOf(cache, day + 1);
  if (before === after) return undefined;
  let shift = cache.shifts.get(day);
  if (shift === undefined) {
    shift = { at: firstSecondWithout(cache, before, day), before, after };
    cache.shifts.set(day, shift);
  }
  return shift;
}

function offsetAtStartOf(cache: Cache, day: number): number {
  let offset = cache.offsets.get(day);
  if (offset === undefined) {
    offset = askOffset(cache.format, day * DAY);
    cache.offsets.set(day, offset);
  }
  return offset;
}

function firstSecondWithout(cache: Cache, offset: number, day: number): number {
  let unchanged = day * DAY;
  let changed = unchanged + DAY;
  while (changed - unchanged > SECOND) {
    const middle = unchanged + Math.floor((changed - unchanged) / 2 / SECOND) * SECOND;
    if (askOffset(cache.format, middle) === offset) unchanged = middle;
    else changed = middle;
  }
  return changed;
}

function askOffset(format: Intl.DateTimeFormat, instant: number): number {
  const shown: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(instant)) shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second) - instant;
}
