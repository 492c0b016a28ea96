/** A time without a capture that is longer than what is promised. */
export interface Gap {
  /** ISO 8601. */
  readonly from: string;
  /** When the next capture ended it; absent if it goes on. */
  readonly to?: string;
  readonly seconds: number;
}

export interface Gaps {
  /** Newest first. */
  readonly gaps: readonly Gap[];
  /** How far back captures are known without a hole that retention could have made, ISO 8601. */
  readonly since?: string;
}

/**
 * The gaps between captures that are longer than what is promised. Retention makes holes of its own, so the look back
 * ends at the first one of which `isCertain` (asked for its two ends, in ms since the epoch) cannot say that nothing
 * was captured in it.
 */
export function gapsOf(
  captures: readonly Date[],
  now: Date,
  promisedSeconds: number,
  isCertain: (from: number, to: number) => boolean,
): Gaps {
  const times = [...new Set(captures.map((one) => one.getTime()))].sort((a, b) => b - a);
  const gaps: Gap[] = [];
  let after = now.getTime();
  for (const [index, from] of times.entries()) {
    const seconds = (after - from) / 1000;
    if (seconds > promisedSeconds) {
      if (index > 0 && !isCertain(from, after)) break;
      gaps.push({
        from: new Date(from).toISOString(),
        ...(index > 0 && { to: new Date(after).toISOString() }),
        seconds,
      });
    }
    after = from;
  }
  return { gaps, ...(times.length > 0 && { since: new Date(after).toISOString() }) };
}
