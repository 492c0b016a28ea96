const UNITS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const SHAPE = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/;

/**
 * Reads a duration such as `90m`, `7d`, `1h30m` or `500ms` and returns it in milliseconds.
 * Units are w, d, h, m, s and ms: whole numbers, the largest unit first, each at most once.
 * A day is always 24 hours. Throws RangeError that names what was expected and what was found.
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  const counts = trimmed === "" ? undefined : SHAPE.exec(trimmed)?.slice(1);
  const sizes = Object.values(UNITS);
  const sum = counts?.reduce((total, count, index) => total + Number(count ?? 0) * (sizes[index] ?? 0), 0);
  if (sum === undefined || !Number.isSafeInteger(sum)) {
    throw new RangeError(
      `expected a duration such as "90m", "12h" or "1h30m" (units w, d, h, m, s, ms), found "${text}"`,
    );
  }
  return sum;
}

/**
 * Writes milliseconds in a form that parseDuration reads back: whole days as days (`7d`),
 * anything else from hours downwards (`26h`, `1h30m`, `1m30s`, `500ms`), nothing as `0s`.
 * Fractions of a millisecond are rounded; a negative duration gets a leading minus and is for display only.
 */
export function formatDuration(ms: number): string {
  let rest = Math.round(Math.abs(ms));
  if (rest === 0) return "0s";
  const sign = ms < 0 ? "-" : "";
  if (rest % UNITS.d === 0) return `${sign}${rest / UNITS.d}d`;
  let text = sign;
  for (const unit of ["h", "m", "s", "ms"] as const) {
    const count = Math.floor(rest / UNITS[unit]);
    rest -= count * UNITS[unit];
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** "3 h 5 min": an age or a span for people, two units at most. */
export function formatSpan(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  const minutes = Math.round(seconds / 60);
  return minutes < 48 * 60
    ? `${Math.floor(minutes / 60)} h ${minutes % 60} min`
    : `${Math.round(minutes / 60 / 24)} d`;
}
