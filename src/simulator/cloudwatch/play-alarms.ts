import type { DataPoint, World } from "../world.ts";
import type { Alarm, AlarmState } from "./alarm.ts";
import { changeState } from "./alarm-state.ts";
import { type Evaluation, evaluate, type PeriodValue } from "./evaluate.ts";
import { reasonData, reasonOf } from "./evaluation-reason.ts";
import { instantsOf, nextEvaluation, periodsAt } from "./evaluation-window.ts";
import { seriesKey } from "./metric-data.ts";
import { statistics } from "./statistic.ts";

interface Change {
  alarm: Alarm;
  at: number;
  state: AlarmState;
  reason: string;
  data: string;
}

/**
 * Plays every evaluation of every alarm until now, in order of time; instants at which nothing can change are passed over.
 * @returns whether any alarm changed its state.
 */
export function playAlarms(world: World, now: number): boolean {
  const changes: Change[] = [];
  for (const alarm of Object.values(world.alarms)) {
    if (nextEvaluation(alarm, alarm.evaluatedUntil) > now) continue;
    changes.push(...playAlarm(world, alarm, now));
    alarm.evaluatedUntil = now;
  }
  changes.sort((a, b) => a.at - b.at);
  for (const { alarm, at, state, reason, data } of changes)
    changeState(world, alarm, at, state, reason, data);
  return changes.length > 0;
}

function playAlarm(world: World, alarm: Alarm, now: number): Change[] {
  const { extraPeriods } = world.settings.alarms;
  const changes: Change[] = [];
  const all = pointsOf(world, alarm);
  const points = inReach(all, alarm, extraPeriods);
  let present = alarm.state;
  for (const at of instants(alarm, all, points, now, extraPeriods)) {
    if (!isWarm(alarm, all, at)) continue;
    const result = look(alarm, points, at, extraPeriods);
    if (result.state === null || result.state === present) continue;
    present = result.state;
    changes.push({
      alarm,
      at,
      state: present,
      reason: reasonOf(alarm, result, present),
      data: reasonData(alarm, result, at),
    });
  }
  return changes;
}

/** Its metric's data points in order of time. */
function pointsOf(world: World, alarm: Alarm): DataPoint[] {
  const series = world.series[seriesKey(alarm.namespace, alarm.metric, alarm.dimensions)];
  return (series?.points ?? [])
    .filter((point) => alarm.unit === null || point.unit === alarm.unit)
    .sort((a, b) => a.time - b.time);
}

/** Those that may still lie in the evaluation range. */
function inReach(points: readonly DataPoint[], alarm: Alarm, extra: number): DataPoint[] {
  // Two periods more: wall clock weeks and days may be longer than their length, and windows end before the evaluation.
  const reach = (alarm.evaluationPeriods + extra + 2) * alarm.period * 1_000 + 2 * 3_600_000;
  return points.filter((point) => point.time >= alarm.evaluatedUntil - reach);
}

function instants(
  alarm: Alarm,
  all: readonly DataPoint[],
  points: readonly DataPoint[],
  now: number,
  extra: number,
): number[] {
  const from = alarm.evaluatedUntil;
  const found = new Set<number>([nextEvaluation(alarm, from)]);
  const add = (at: number) => {
    if (at > from && at <= now) found.add(at);
  };
  if (!alarm.warm && alarm.warmUp !== null) {
    add(nextEvaluation(alarm, warmUpEnd(alarm) - 1));
    // The window that warming up waits for slides, also that of an alarm which looks at clock days.
    for (const { time } of all) add(nextEvaluation(alarm, time + windowLength(alarm) - 1));
  }
  for (const point of points) {
    add(nextEvaluation(alarm, point.seenFrom - 1));
    add(nextEvaluation(alarm, point.seenFrom));
    for (const at of instantsOf(alarm, point.time, from, now, extra)) found.add(at);
  }
  return [...found].sort((a, b) => a - b);
}

const windowLength = (alarm: Alarm): number => alarm.period * 1_000 * alarm.evaluationPeriods;

function warmUpEnd(alarm: Alarm): number {
  return alarm.createdAt + (alarm.warmUp?.minutes ?? 0) * 60_000;
}

// "The alarm ends warm-up as soon as it can fill its evaluation window. The evaluation window spans Period multiplied by
// Evaluation Periods and is full when a datapoint exists for the most recent period": published since 10:04, a window of
// 15 minutes is full at about 10:19.
function isWarm(alarm: Alarm, points: readonly DataPoint[], at: number): boolean {
  if (alarm.warm) return true;
  const { warmUp } = alarm;
  const seen = points.filter((point) => point.seenFrom <= at && point.time < at);
  const full =
    seen.some((point) => point.time <= at - windowLength(alarm)) &&
    seen.some((point) => point.time >= at - alarm.period * 1_000);
  if (warmUp === null || at >= warmUpEnd(alarm) || (!warmUp.whole && full)) alarm.warm = true;
  return alarm.warm;
}

function look(alarm: Alarm, points: readonly DataPoint[], at: number, extra: number): Evaluation {
  const range: PeriodValue[] = periodsAt(alarm, at, extra).map(({ start, end }) => {
    const inside: DataPoint[] = [];
    for (let index = firstFrom(points, start); index < points.length; index += 1) {
      const point = points[index] as DataPoint;
      if (point.time >= end) break;
      if (point.seenFrom <= at) inside.push(point);
    }
    return { start, value: inside.length === 0 ? null : (statistics[alarm.statistic]?.(inside) ?? null) };
  });
  const { evaluationPeriods, threshold, comparison } = alarm;
  return evaluate(
    {
      evaluationPeriods,
      threshold,
      comparison,
      datapointsToAlarm: alarm.datapointsToAlarm ?? evaluationPeriods,
      treatMissingData: alarm.treatMissingData ?? "missing",
    },
    range,
  );
}

/** The index of the first point of that time or later. */
function firstFrom(points: readonly DataPoint[], time: number): number {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.time ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
