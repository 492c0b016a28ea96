/** The states of an alarm. */
export const alarmStates = ["OK", "ALARM", "INSUFFICIENT_DATA"] as const;
export type AlarmState = (typeof alarmStates)[number];

/** How an alarm takes periods without data. */
export const missingDataTreatments = ["breaching", "notBreaching", "ignore", "missing"] as const;
export type MissingDataTreatment = (typeof missingDataTreatments)[number];

/** How a value is compared with the threshold; those of anomaly detection are not simulated. */
export const comparisons = {
  GreaterThanOrEqualToThreshold: "greater than or equal to",
  GreaterThanThreshold: "greater than",
  LessThanThreshold: "less than",
  LessThanOrEqualToThreshold: "less than or equal to",
} as const;
export type Comparison = keyof typeof comparisons;

/** What PutMetricAlarm overwrites as a whole. Times are milliseconds, `period` is seconds. */
export interface AlarmConfiguration {
  description: string | null;
  actionsEnabled: boolean;
  okActions: string[];
  alarmActions: string[];
  insufficientDataActions: string[];
  namespace: string;
  metric: string;
  statistic: string;
  dimensions: { Name: string; Value: string }[];
  period: number;
  unit: string | null;
  evaluationPeriods: number;
  /** Null: not given, which means as many as evaluation periods. */
  datapointsToAlarm: number | null;
  threshold: number;
  comparison: Comparison;
  /** Null: not given, which means `missing`. */
  treatMissingData: MissingDataTreatment | null;
  /** The zone of a wall clock window; null: a sliding one. */
  wallClock: { zone: string | null } | null;
  warmUp: { minutes: number; whole: boolean } | null;
}

/** An alarm on one metric. */
export interface Alarm extends AlarmConfiguration {
  name: string;
  tags: Record<string, string>;
  state: AlarmState;
  reason: string;
  reasonData: string | null;
  createdAt: number;
  configuredAt: number;
  /** When the state was last set, and when it last became another. */
  stateSetAt: number;
  stateChangedAt: number;
  /** Until when it has been evaluated. */
  evaluatedUntil: number;
  /** Whether its warm-up is over; it comes once, at creation. */
  warm: boolean;
}

/** One line of an alarm's history. */
export interface AlarmHistoryItem {
  alarm: string;
  time: number;
  type: "ConfigurationUpdate" | "StateUpdate" | "Action";
  summary: string;
  data: string;
}

/** A dashboard as it was put. */
export interface Dashboard {
  name: string;
  body: string;
  modifiedAt: number;
  tags: Record<string, string>;
}
