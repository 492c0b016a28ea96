import type { Job } from "./job.ts";
import { largestGap } from "./largest-gap.ts";
import { type RecoveryPoint, sizeOf } from "./recovery-point.ts";
import { newestFirst } from "./retention.ts";
import { parseSchedule } from "./schedule.ts";
import type { StoredSeriesFacts } from "./stored-report.ts";

/** What is known of one series by the points of it. One whose time is not believed is no good point of anything. */
export function factsOfSeries(points: readonly RecoveryPoint[], asOf: Date): StoredSeriesFacts {
  const complete = points.filter(
    ({ state, holds }) => state === "complete" && holds.every(({ by }) => by !== "clock" && by !== "mixed"),
  );
  const [newest] = [...complete].sort(newestFirst);
  if (newest === undefined) return { complete: 0 };
  const ageSeconds = Math.max(0, (asOf.getTime() - newest.captured.getTime()) / 1000);
  const captured = newest.captured.toISOString();
  return { complete: complete.length, newestComplete: { captured, bytes: sizeOf(newest), ageSeconds } };
}

const twoHours = 7_200_000;

/** How old the newest point of a dump with a schedule of its own may be: it is made by its job's next run after it. */
export function storedPromise(
  schedule: string | undefined,
  job: Pick<Job, "schedule" | "timezone">,
  now: Date,
): Pick<StoredSeriesFacts, "promiseSeconds"> {
  if (schedule === undefined) return {};
  const gapOf = (text: string) => largestGap(parseSchedule(text), job.timezone, now);
  const wait = job.schedule === undefined ? 0 : gapOf(job.schedule);
  return { promiseSeconds: (gapOf(schedule) + wait + twoHours) / 1000 };
}
