import { expectedAt } from "./forecast.ts";
import { type Gaps, gapsOf } from "./gaps.ts";
import type { Job } from "./job.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import { planRetention } from "./retention.ts";
import type { RunHistory } from "./run-history.ts";
import { parseSchedule, slotsBetween } from "./schedule.ts";

/** So many holes are looked into; each is a plan over the series. */
const mostHoles = 20;
/** A hole with more missing slots than these is long enough to be judged by its newest. */
const mostSlots = 200;

/**
 * The gaps among captures that are listed and those that this host remembers, whatever became of their points. A hole
 * in the list is certain where the runs are remembered, or where points in it would all be kept today.
 */
export function knownGaps(
  points: readonly RecoveryPoint[],
  history: RunHistory | undefined,
  job: Job,
  promisedSeconds: number,
  now: Date,
): Gaps {
  const good = points.filter(({ state }) => state === "complete" || state === "pending");
  const runs = history?.runs ?? [];
  // Of a point that is still listed, its state says whether it counts.
  const listed = new Set(points.map(({ id }) => id));
  const thinned = runs.filter(({ point }) => point !== undefined && !listed.has(point));
  const captures = [
    ...good.map(({ captured }) => captured),
    ...thinned.map(({ started }) => new Date(started)),
  ];
  const remembered = runs[0] === undefined ? now.getTime() : Date.parse(runs[0].started);
  let holes = 0;
  return gapsOf(captures, now, promisedSeconds, (from, to) => {
    if (from >= remembered) return true;
    holes += 1;
    return holes <= mostHoles && wouldBeKept(points, job, from, to, now);
  });
}

/** Whether every point that the schedule would have made in between would still be there. */
function wouldBeKept(
  points: readonly RecoveryPoint[],
  { schedule, timezone, retention }: Job,
  from: number,
  to: number,
  now: Date,
): boolean {
  if (schedule === undefined) return false;
  // The slots of the two ends are served by them, a little later.
  const slots = slotsBetween(parseSchedule(schedule), timezone, new Date(from), new Date(to - 1), mostSlots);
  const missing = slots.slice(0, -1).map((slot, index) => expectedAt(slot, points[0], retention, index));
  if (missing.length === 0) return false;
  const kept = new Set(
    planRetention([...points, ...missing], retention, now).keep.map(({ point }) => point.id),
  );
  return missing.every(({ id }) => kept.has(id));
}
