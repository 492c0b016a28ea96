import { largestGap } from "./largest-gap.ts";
import { parseSchedule } from "./schedule.ts";

/** The recovery point objective: no volume's newest complete point is to be older than this. */
export interface RecoveryPromise {
  readonly seconds: number;
  /** `schedule`: the largest gap of the schedule and two hours. */
  readonly from: "missedAfter" | "schedule";
}

/** What of a job decides when it runs. */
export interface Timed {
  readonly schedule?: string;
  /** The IANA time zone of the schedule. */
  readonly timezone: string;
  /** Milliseconds. */
  readonly splay: number;
  /** Milliseconds; what the configuration promises instead of what follows from the schedule. */
  readonly missedAfter?: number;
}

const twoHours = 7_200_000;

/**
 * What a job promises. Nothing without a schedule and without `missedAfter`: who runs it by another scheduler
 * has said nothing yet of how old a point may grow.
 */
export function promiseOf(
  { schedule, timezone, missedAfter }: Timed,
  now: Date,
): RecoveryPromise | undefined {
  if (missedAfter !== undefined) return { seconds: missedAfter / 1000, from: "missedAfter" };
  if (schedule === undefined) return undefined;
  const gap = largestGap(parseSchedule(schedule), timezone, now);
  return { seconds: (gap + twoHours) / 1000, from: "schedule" };
}
