import type { AlarmWindow } from "./alarm.ts";
import { silenceWindow, toldWithin } from "./alarm-window.ts";
import { formatDuration } from "./duration.ts";
import type { Job } from "./job.ts";
import { largestGap } from "./largest-gap.ts";
import { parseSchedule } from "./schedule.ts";

const hour = 3_600_000;

/** What a job gets beyond its largest gap if nobody says how old its backup may become. */
const grace = 2 * hour;

/** How often the age is told between the runs of a job that runs too rarely for CloudWatch to wait for it. */
const beatEvery = 6 * hour;

/** Over how long instances spread that. */
const beatSplay = hour;

/** Two beats and a bit: one may be lost. */
const beatSilence = 2 * beatEvery + 2 * beatSplay;

/** When the alarm for missed backups of a job rings. Durations in milliseconds. */
export type MissedLimit =
  | {
      readonly kind: "limit";
      readonly missedAfter: number;
      readonly window: AlarmWindow;
      readonly tellsWithin: number;
      /** Runs are too rare for CloudWatch, so the age has to be told between them. */
      readonly beat: boolean;
    }
  | { readonly kind: "none"; readonly because: string; readonly remedy: string };

/** What of a job, or of a drill, says how old it may grow. */
export type Watched = Pick<Job, "name" | "schedule" | "timezone" | "missedAfter">;

/**
 * How old the newest backup of a job may become, and the window that tells it. A run tells the age once, so
 * what rings is the silence after it.
 */
export function missedLimit(job: Watched, now: Date, key = `jobs.${job.name}`): MissedLimit {
  const { missedAfter: given } = job;
  const gap = gapOf(job, now);
  if (given === undefined && gap === undefined) {
    return {
      kind: "none",
      because: "the job has no schedule, so nobody knows how old its backup may become",
      remedy: `set ${key}.missedAfter, such as 26h`,
    };
  }
  const least = gap === undefined ? 0 : gap + Math.min(hour, gap / 2);
  const missedAfter = given ?? (gap ?? 0) + grace;
  if (missedAfter < least) {
    return {
      kind: "none",
      because: `missedAfter ${formatDuration(missedAfter)} is too short: "${job.schedule}" leaves up to ${formatDuration(gap ?? 0)} between two runs, so it would ring without need`,
      remedy: `set ${key}.missedAfter to at least ${formatDuration(Math.ceil(least / 60_000) * 60_000)}, or leave it out`,
    };
  }
  return limitOf(missedAfter);
}

function limitOf(missedAfter: number): MissedLimit {
  const window = silenceWindow(missedAfter);
  if (window !== undefined) {
    return { kind: "limit", missedAfter, window, tellsWithin: toldWithin(window), beat: false };
  }
  const silence = silenceWindow(beatSilence);
  if (silence === undefined) throw new RangeError(`no window for ${beatSilence} ms`);
  // The next beat tells that it is too old; the last one that was good must leave the window first.
  const tellsWithin = missedAfter + beatEvery + beatSplay + toldWithin(silence);
  return { kind: "limit", missedAfter, window: silence, tellsWithin, beat: true };
}

/** Milliseconds between two runs at most; absent without a schedule. */
function gapOf({ schedule, timezone }: Watched, now: Date): number | undefined {
  return schedule === undefined ? undefined : largestGap(parseSchedule(schedule), timezone, now);
}
