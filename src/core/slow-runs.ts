import { medianOf } from "./median.ts";

/** How many of the newest runs the automatic limit goes by. */
export const runsKept = 14;

/** With fewer runs than this a median says little, so no limit is made of it. */
export const runsNeeded = 5;

/** How many medians a run may take. */
const factor = 3;

const minute = 60_000;

/** The automatic limit for the duration of a run, or how many runs it still lacks. Milliseconds. */
export type SlowLimit =
  | { readonly kind: "limit"; readonly slowerThan: number; readonly median: number; readonly runs: number }
  | { readonly kind: "too-few"; readonly runs: number };

/**
 * Three times the median of the last {@link runsKept} runs, in whole minutes upwards, so that it neither
 * follows every second nor rings for a short run that had to ask AWS twice.
 */
export function slowLimit(durations: readonly number[]): SlowLimit {
  const known = durations.slice(-runsKept);
  const median = medianOf(known);
  if (known.length < runsNeeded || median === undefined) return { kind: "too-few", runs: known.length };
  const slowerThan = Math.max(1, Math.ceil((factor * median) / minute)) * minute;
  return { kind: "limit", slowerThan, median, runs: known.length };
}
