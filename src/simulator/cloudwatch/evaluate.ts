import type { AlarmState, Comparison, MissingDataTreatment } from "./alarm.ts";

/** One period of the evaluation range: when it begins (milliseconds) and its value, null without data. */
export interface PeriodValue {
  start: number;
  value: number | null;
}

/** What decides the state, apart from data. */
export interface Rule {
  evaluationPeriods: number;
  datapointsToAlarm: number;
  threshold: number;
  comparison: Comparison;
  treatMissingData: MissingDataTreatment;
}

/** What an evaluation comes to; null keeps the present state. */
export interface Evaluation {
  state: AlarmState | null;
  /** The values that decided, newest first, and how many missing ones had to be filled in. */
  used: PeriodValue[];
  filled: number;
}

/** Whether a value breaches. */
function breaches(value: number, comparison: Comparison, threshold: number): boolean {
  switch (comparison) {
    case "GreaterThanOrEqualToThreshold":
      return value >= threshold;
    case "GreaterThanThreshold":
      return value > threshold;
    case "LessThanThreshold":
      return value < threshold;
    case "LessThanOrEqualToThreshold":
      return value <= threshold;
  }
}

/**
 * The state of an alarm from the periods of its evaluation range, newest first (user guide, "Configuring how CloudWatch
 * alarms treat missing data"): with as many real values as evaluation periods the newest of them decide; with fewer, all
 * of them count and missing ones fill up what lacks.
 */
export function evaluate(rule: Rule, range: readonly PeriodValue[]): Evaluation {
  const { evaluationPeriods: periods, datapointsToAlarm: needed, treatMissingData } = rule;
  const bad = ({ value }: PeriodValue) => value !== null && breaches(value, rule.comparison, rule.threshold);
  const real = range.filter(({ value }) => value !== null);
  const used = real.slice(0, periods);
  const filled = periods - used.length;
  const breaching = used.filter(bad).length;
  if (breaching >= needed) return { state: "ALARM", used, filled };
  if (filled === 0) return { state: "OK", used, filled };

  const mixed = used.length > breaching;
  switch (treatMissingData) {
    case "breaching":
      return { state: breaching + filled >= needed ? "ALARM" : "OK", used, filled };
    case "notBreaching":
      return { state: "OK", used, filled };
    case "ignore":
      return { state: mixed ? "OK" : null, used, filled };
    case "missing":
      if (used.length === 0) return { state: "INSUFFICIENT_DATA", used, filled };
      if (mixed) return { state: "OK", used, filled };
      // "If the oldest breaching data point during the evaluation range is at least as old as Datapoints to Alarm, and
      // all of the more recent data points are either breaching or missing, the alarm goes into ALARM state." Before
      // that it "does not go immediately into ALARM"; that it stays as it is then is an assumption.
      return { state: range.findLastIndex(bad) + 1 >= needed ? "ALARM" : null, used, filled };
  }
}
