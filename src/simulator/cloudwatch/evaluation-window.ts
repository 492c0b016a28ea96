import { digest } from "../ids.ts";
import type { Alarm } from "./alarm.ts";
import { nextPeriodStart, periodStart } from "./zone.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** What of an alarm decides when it is evaluated and over which periods. */
export type Timing = Pick<Alarm, "name" | "period" | "evaluationPeriods" | "wallClock">;

/** "If the number of evaluation periods multiplied by the length of each exceeds one day, the alarm is evaluated once per hour." */
export function isMultiDay({ period, evaluationPeriods }: Timing): boolean {
  return period * 1_000 * evaluationPeriods > day;
}

/**
 * The first instant of evaluation after an instant: the next full minute (10 seconds for high resolution), or for an
 * alarm over more than a day some minute of each hour, which AWS does not tell: here it hangs on the name.
 * @param phase that minute, for tests.
 */
export function nextEvaluation(timing: Timing, after: number, phase = phaseOf(timing.name)): number {
  if (isMultiDay(timing)) {
    const shifted = phase * minute;
    return Math.floor((after - shifted) / hour) * hour + hour + shifted;
  }
  const grid = timing.period < 60 ? 10_000 : minute;
  return Math.floor(after / grid) * grid + grid;
}

function phaseOf(name: string): number {
  return Number.parseInt(digest(name).slice(0, 8), 16) % 60;
}

/** Where the newest period ends: a multi-day alarm sees data "only up to the current hour at the :00 minute". */
function windowEnd(timing: Timing, at: number): number {
  if (isMultiDay(timing)) return Math.floor(at / hour) * hour;
  const grid = timing.period < 60 ? 10_000 : minute;
  return Math.floor(at / grid) * grid;
}

/**
 * The periods that an evaluation looks at, newest first, each from its start to before its end. A sliding window moves
 * with each evaluation and looks back beyond its evaluation periods; wall clock windows "do not query additional data
 * points from farther back" and end with the last complete period.
 */
export function periodsAt(timing: Timing, at: number, extra: number): { start: number; end: number }[] {
  const length = timing.period * 1_000;
  const periods: { start: number; end: number }[] = [];
  if (timing.wallClock === null) {
    let end = windowEnd(timing, at);
    for (let index = 0; index < timing.evaluationPeriods + extra; index += 1) {
      periods.push({ start: end - length, end });
      end -= length;
    }
    return periods;
  }
  const zone = timing.wallClock.zone ?? "UTC";
  let end = periodStart(zone, length, windowEnd(timing, at));
  for (let index = 0; index < timing.evaluationPeriods; index += 1) {
    const start = periodStart(zone, length, end - 1);
    periods.push({ start, end });
    end = start;
  }
  return periods;
}

/**
 * The instants in (from, to] at which a data point of some time can change what an evaluation sees, or what it made of
 * it: it comes into the window, moves from one period to the next, and leaves.
 */
export function instantsOf(timing: Timing, time: number, from: number, to: number, extra: number): number[] {
  const length = timing.period * 1_000;
  const instants: number[] = [];
  const add = (edge: number) => {
    const next = nextEvaluation(timing, edge);
    // On the edge itself for a wall clock window; and where data is cut off at the full hour, the first evaluation after
    // an edge may still miss it.
    const candidates = [nextEvaluation(timing, edge - 1), next, nextEvaluation(timing, next)];
    for (const candidate of candidates) if (candidate > from && candidate <= to) instants.push(candidate);
  };
  const zone = timing.wallClock?.zone ?? "UTC";
  let edge = timing.wallClock === null ? time : periodStart(zone, length, time);
  for (let index = 0; index <= timing.evaluationPeriods + extra + 1; index += 1) {
    if (edge > to) break;
    add(edge);
    edge = timing.wallClock === null ? edge + length : nextPeriodStart(zone, length, edge);
  }
  return instants;
}
