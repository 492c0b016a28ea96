import type { World } from "../world.ts";
import type { Alarm, AlarmState } from "./alarm.ts";
import { awsTime } from "./evaluation-reason.ts";

/** The ARN of an alarm. */
export function alarmArn(world: World, name: string): string {
  const { partition, region, account } = world.settings;
  return `arn:${partition}:cloudwatch:${region}:${account}:alarm:${name}`;
}

// Messages tell Regions as the consoles once named them.
const regionNames: Readonly<Record<string, string>> = {
  "eu-central-1": "EU (Frankfurt)",
  "eu-west-1": "EU (Ireland)",
  "eu-west-2": "EU (London)",
  "eu-west-3": "EU (Paris)",
  "eu-north-1": "EU (Stockholm)",
  "us-east-1": "US East (N. Virginia)",
  "us-east-2": "US East (Ohio)",
  "us-west-1": "US West (N. California)",
  "us-west-2": "US West (Oregon)",
  "ap-southeast-1": "Asia Pacific (Singapore)",
  "ap-southeast-2": "Asia Pacific (Sydney)",
  "ap-northeast-1": "Asia Pacific (Tokyo)",
  "ap-northeast-2": "Asia Pacific (Seoul)",
};

const regionName = ({ settings: { region } }: World) => regionNames[region] ?? region;

/** `ALARM: "name" in EU (Frankfurt)`; a subject has at most 100 characters. */
export function alarmSubject(world: World, alarm: Alarm): string {
  const subject = `${alarm.state}: "${alarm.name}" in ${regionName(world)}`.replace(/[^\x20-\x7e]/g, "?");
  return subject.length > 100 ? `${subject.slice(0, 97)}...` : subject;
}

/** The message that CloudWatch publishes to SNS when an alarm has changed its state, as JSON. */
export function alarmMessage(world: World, alarm: Alarm, old: AlarmState, at: number): string {
  return JSON.stringify({
    AlarmName: alarm.name,
    AlarmDescription: alarm.description,
    AWSAccountId: world.settings.account,
    AlarmConfigurationUpdatedTimestamp: awsTime(alarm.configuredAt),
    NewStateValue: alarm.state,
    NewStateReason: alarm.reason,
    StateChangeTime: awsTime(at),
    Region: regionName(world),
    AlarmArn: alarmArn(world, alarm.name),
    OldStateValue: old,
    OKActions: alarm.okActions,
    AlarmActions: alarm.alarmActions,
    InsufficientDataActions: alarm.insufficientDataActions,
    Trigger: {
      MetricName: alarm.metric,
      Namespace: alarm.namespace,
      StatisticType: "Statistic",
      Statistic: alarm.statistic.toUpperCase(),
      Unit: alarm.unit,
      Dimensions: alarm.dimensions.map(({ Name, Value }) => ({ value: Value, name: Name })),
      Period: alarm.period,
      EvaluationPeriods: alarm.evaluationPeriods,
      ...(alarm.datapointsToAlarm === null ? {} : { DatapointsToAlarm: alarm.datapointsToAlarm }),
      ComparisonOperator: alarm.comparison,
      Threshold: alarm.threshold,
      TreatMissingData: alarm.treatMissingData ?? "missing",
      EvaluateLowSampleCountPercentile: "",
    },
  });
}
