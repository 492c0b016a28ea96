import type { AlarmWindow } from "./alarm.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * The longest silence, in milliseconds, that an alarm can wait for. CloudWatch (PutMetricAlarm): Period x
 * EvaluationPeriods is at most 604,800 s; with periods of less than an hour at most 86,400 s.
 */
export const longestSilence = 7 * 24 * hour;

/** How far back CloudWatch looks beyond the evaluation periods before it counts data as missing, in periods. */
const extraPeriods = 2;

/** Until a notification is out, once an alarm has changed. */
const delivery = 2 * minute;

/** Short periods tell a silence to the minute; long ones are all that CloudWatch allows for long silences. */
const periods = [
  { upTo: 6 * hour, period: 5 * minute },
  { upTo: 24 * hour, period: 15 * minute },
  { upTo: longestSilence, period: hour },
];

/**
 * The window whose data are all missing after a silence of `silence` ms; absent if CloudWatch has none so
 * long. As long as two data points are never further apart than the silence less one period, the newest
 * one always lies in the window, so the alarm stays quiet even if CloudWatch looks no further back.
 */
export function silenceWindow(silence: number): AlarmWindow | undefined {
  const fitting = periods.find(({ upTo }) => silence <= upTo);
  if (fitting === undefined) return undefined;
  const count = Math.max(1, Math.ceil(silence / fitting.period));
  return { period: fitting.period / second, evaluationPeriods: count, datapointsToAlarm: count };
}

/**
 * Milliseconds from the last data point until somebody is told, at the latest: the window, the period in
 * which the point fell, the periods that CloudWatch looks further back, the next evaluation (every minute;
 * once an hour if the window is longer than a day) and the delivery.
 */
export function toldWithin({ period, evaluationPeriods }: AlarmWindow): number {
  const evaluation = period * evaluationPeriods > 86_400 ? hour : minute;
  return (evaluationPeriods + 1 + extraPeriods) * period * second + evaluation + delivery;
}

/**
 * For values that a run publishes once and that hold until the next: the latest decides, and with missing
 * data ignored the state stays. Five minutes, since a data point may come some minutes late.
 */
export const latestValue: AlarmWindow = { period: 300, evaluationPeriods: 1, datapointsToAlarm: 1 };
