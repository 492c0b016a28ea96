import type { Alarm, AlarmWindow } from "./alarm.ts";
import { latestValue } from "./alarm-window.ts";
import { formatDuration } from "./duration.ts";
import type { Job } from "./job.ts";
import { type MissedLimit, missedLimit } from "./missed-limit.ts";

/** What one alarm asks of its metric. */
export interface Question {
  readonly threshold: number;
  readonly window: AlarmWindow;
  readonly treatMissingData: Alarm["treatMissingData"];
  readonly tellsWithin: number;
  /** What it means that it rings. */
  readonly means: string;
  readonly note?: string;
  readonly beat?: boolean;
}

/** What is asked, or why nothing is and what brings it. */
export type Answer = Question | { readonly because: string; readonly remedy?: string };

/** A dead-man's switch on an age. */
export function ofAge(limit: MissedLimit, what: string): Answer {
  if (limit.kind === "none") return { because: limit.because, remedy: limit.remedy };
  const { missedAfter, window, tellsWithin, beat } = limit;
  const after = formatDuration(missedAfter);
  return {
    threshold: missedAfter / 1000,
    window,
    treatMissingData: "breaching",
    tellsWithin,
    means: `${what} is older than ${after}, or nothing has reported for so long`,
    ...(beat
      ? {
          beat,
          note: `CloudWatch waits at most 7 days, so "ec2-backup alarms beat" must tell the age every 6 h (ec2-backup-beat.timer)`,
        }
      : {}),
  };
}

/** Whether the last point was as still as is demanded, and locked. */
export function askDegraded(job: Job): Answer {
  if (!holdsStill(job) && job.lock === undefined)
    return { because: "the job holds nothing still and demands no consistency" };
  const means = "the last recovery point is less consistent than the job demands";
  return { ...ofLatest(0), means: job.lock === undefined ? means : `${means}, or not locked as it asks` };
}

/** A point is copied by the run after the one that made it, so twice as long as a backup may be missed. */
export function askLag(job: Job, region: string, now: Date): Answer {
  const limit = missedLimit(job, now);
  if (limit.kind === "none") return { because: limit.because, remedy: limit.remedy };
  const after = 2 * limit.missedAfter;
  return {
    ...ofLatest(after / 1000),
    means: `a point that ${region} is to have a copy of is older than ${formatDuration(after)} and not whole there`,
  };
}

/** Whether the job demands more than a crash-consistent point. */
export function holdsStill({ hooks, consistency }: Job): boolean {
  return hooks.length > 0 || (consistency !== undefined && consistency !== "crash");
}

/** Rings from the run that says so until a run that says otherwise: in between the state stays. */
export function ofLatest(threshold: number): Omit<Question, "means"> {
  return {
    threshold,
    window: latestValue,
    treatMissingData: "ignore",
    tellsWithin: latestValue.period * 1000 + 180_000,
  };
}
