import type { Decoded } from "../shapes.ts";
import { tagShape } from "../tags.ts";

/** The parameters of PutMetricAlarm. Those of metric math, anomaly detection and PromQL are known, and refused. */
export const putMetricAlarmShape = {
  AlarmName: "string",
  AlarmDescription: "string",
  ActionsEnabled: "boolean",
  OKActions: ["string"],
  AlarmActions: ["string"],
  InsufficientDataActions: ["string"],
  MetricName: "string",
  Namespace: "string",
  Statistic: "string",
  ExtendedStatistic: "string",
  Dimensions: [{ Name: "string", Value: "string" }],
  Period: "integer",
  Unit: "string",
  EvaluationPeriods: "integer",
  DatapointsToAlarm: "integer",
  Threshold: "double",
  ComparisonOperator: "string",
  TreatMissingData: "string",
  EvaluateLowSampleCountPercentile: "string",
  Metrics: [{ Id: "string" }],
  Tags: tagShape,
  ThresholdMetricId: "string",
  EvaluationCriteria: {},
  EvaluationInterval: "integer",
  EvaluationWindow: { SlidingWindow: {}, WallClockWindow: { Timezone: "string" } },
  WarmUpConfiguration: {
    WarmUpPeriodDurationInMinutes: "integer",
    OnlyStartEvaluatingAfterWarmUpPeriodEnds: "boolean",
  },
} as const;

/** The same, decoded. */
export type PutMetricAlarmInput = Decoded<typeof putMetricAlarmShape>;
