import { parseDuration } from "./duration.ts";
import { firstInstantOf, offsetAt } from "./zone.ts";

const second = 1_000;
const day = 86_400_000;
const shape =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$/i;

/**
 * The instant that a person means: `2026-11-01 03:00` in the zone, `2026-11-01T02:00Z` wherever they are,
 * `2026-11-01` for the end of that day, `yesterday` too, `26h`, `26h ago` or `2 days ago` for so long before now. A time that the clocks showed
 * twice is its first occurrence, and one that was skipped the end of the gap. A time without seconds is all of its
 * minute. Throws RangeError that names what was expected.
 */
export function instantOf(text: string, zone: string, now: Date): Date {
  const trimmed = text.trim();
  if (trimmed === "yesterday") return new Date(midnightOf(zone, now) - 1);
  const found = shape.exec(trimmed);
  if (found === null) return ago(trimmed, now);
  const [, year, month, date, hours = "00", minutes = "00", seconds, offset] = found;
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(date));
  const local = midnight + (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds ?? 0)) * second;
  const inRange = Number(hours) < 24 && Number(minutes) < 60 && Number(seconds ?? 0) < 60;
  if (!inRange || !new Date(midnight).toISOString().startsWith(trimmed.slice(0, 10))) throw unreadable(text);
  if (found[4] === undefined) return new Date(firstInstantOf(zone, midnight + day) - 1);
  const span = seconds === undefined ? 60 * second - 1 : second - 1;
  if (offset !== undefined) return new Date(local - offsetOf(offset) + span);
  return new Date(firstInstantOf(zone, local) + span);
}

/** When the day began, in the zone. */
function midnightOf(zone: string, now: Date): number {
  const local = now.getTime() + offsetAt(zone, now.getTime());
  return firstInstantOf(zone, local - (local % day));
}

function ago(text: string, now: Date): Date {
  const short = text
    .replace(/\s+ago$/, "")
    .replace(/(\d)\s*(w|d|h|m)(?:eeks?|ays?|ours?|in(?:ute)?s?)\b/g, "$1$2")
    .replace(/\s+/g, "");
  try {
    return new Date(now.getTime() - parseDuration(short));
  } catch {
    throw unreadable(text);
  }
}

/** Milliseconds east of UTC. */
function offsetOf(text: string): number {
  if (text.toUpperCase() === "Z") return 0;
  const [hours, minutes] = [text.slice(1, 3), text.slice(-2)].map(Number);
  return (text.startsWith("-") ? -1 : 1) * ((hours ?? 0) * 60 + (minutes ?? 0)) * 60 * second;
}

function unreadable(text: string): RangeError {
  return new RangeError(
    `expected a time such as "2026-11-01 03:00", "2026-11-01", "2026-11-01T02:00Z", "26h ago", "2 days ago" or "yesterday", found "${text}"`,
  );
}
