import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { paginate } from "../pagination.ts";
import type { Decoded } from "../shapes.ts";
import type { World } from "../world.ts";
import { type Alarm, alarmStates } from "./alarm.ts";
import { alarmArn } from "./alarm-message.ts";

/** The parameters of DescribeAlarms. */
export const describeAlarmsShape = {
  AlarmNames: ["string"],
  AlarmNamePrefix: "string",
  AlarmTypes: ["string"],
  ChildrenOfAlarmName: "string",
  ParentsOfAlarmName: "string",
  StateValue: "string",
  ActionPrefix: "string",
  MaxRecords: "integer",
  NextToken: "string",
} as const;

type Input = Decoded<typeof describeAlarmsShape>;

const invalid = (message: string) => new ApiError("ValidationError", message);

/** Alarms by name or prefix, and state; only metric alarms exist here. @throws ApiError */
export function describeAlarms(input: Input, { world }: Context): unknown {
  check(input);
  const { NextToken: nextToken, MaxRecords: maxRecords = 50, ...fingerprint } = input;
  const types = input.AlarmTypes.length === 0 ? ["MetricAlarm"] : input.AlarmTypes;
  const names = new Set(input.AlarmNames);
  const found = Object.values(world.alarms).filter(
    (alarm) =>
      types.includes("MetricAlarm") &&
      (names.size === 0 || names.has(alarm.name)) &&
      alarm.name.startsWith(input.AlarmNamePrefix ?? "") &&
      (input.StateValue === undefined || alarm.state === input.StateValue) &&
      (input.ActionPrefix === undefined ||
        actionsOf(alarm).some((each) => each.startsWith(input.ActionPrefix ?? ""))),
  );
  const page = paginate(found, {
    action: "DescribeAlarms",
    fingerprint,
    maxResults: maxRecords,
    nextToken,
    keyOf: (alarm) => alarm.name,
    short: world.settings.shortPages,
    invalidToken: "InvalidNextToken",
  });
  return {
    MetricAlarms: page.things.map((alarm) => told(world, alarm)),
    CompositeAlarms: [],
    ...(page.nextToken === undefined ? {} : { NextToken: page.nextToken }),
  };
}

function check(input: Input): void {
  const { AlarmNames: names, MaxRecords: most, StateValue: state } = input;
  if (names.length > 100) throw invalid("The collection AlarmNames must not have a size greater than 100");
  if (names.length > 0 && input.AlarmNamePrefix !== undefined)
    throw new ApiError("InvalidParameterCombination", "AlarmNames and AlarmNamePrefix exclude each other.");
  if (most !== undefined && (most < 1 || most > 100)) throw invalid("MaxRecords must be between 1 and 100");
  if (state !== undefined && !alarmStates.some((each) => each === state))
    throw invalid(`Value '${state}' at 'stateValue' failed to satisfy constraint`);
  for (const type of input.AlarmTypes)
    if (!["MetricAlarm", "CompositeAlarm", "LogAlarm"].includes(type))
      throw invalid(`Value '${type}' at 'alarmTypes' failed to satisfy constraint`);
  if (input.ChildrenOfAlarmName !== undefined || input.ParentsOfAlarmName !== undefined)
    throw new ApiError("InvalidParameterValue", "Composite alarms are not simulated.");
}

const actionsOf = (alarm: Alarm) => [
  ...alarm.okActions,
  ...alarm.alarmActions,
  ...alarm.insufficientDataActions,
];

function told(world: World, alarm: Alarm): Record<string, unknown> {
  const { wallClock, warmUp } = alarm;
  const optional = {
    AlarmDescription: alarm.description,
    StateReasonData: alarm.reasonData,
    Unit: alarm.unit,
    DatapointsToAlarm: alarm.datapointsToAlarm,
    TreatMissingData: alarm.treatMissingData,
    EvaluationState: alarm.warm ? null : "IN_WARM_UP",
    EvaluationWindow:
      wallClock === null
        ? null
        : { WallClockWindow: wallClock.zone === null ? {} : { Timezone: wallClock.zone } },
    WarmUpConfiguration:
      warmUp === null
        ? null
        : {
            WarmUpPeriodDurationInMinutes: warmUp.minutes,
            OnlyStartEvaluatingAfterWarmUpPeriodEnds: warmUp.whole,
          },
  };
  return {
    AlarmName: alarm.name,
    AlarmArn: alarmArn(world, alarm.name),
    AlarmConfigurationUpdatedTimestamp: new Date(alarm.configuredAt),
    ActionsEnabled: alarm.actionsEnabled,
    OKActions: alarm.okActions,
    AlarmActions: alarm.alarmActions,
    InsufficientDataActions: alarm.insufficientDataActions,
    StateValue: alarm.state,
    StateReason: alarm.reason,
    StateUpdatedTimestamp: new Date(alarm.stateSetAt),
    StateTransitionedTimestamp: new Date(alarm.stateChangedAt),
    MetricName: alarm.metric,
    Namespace: alarm.namespace,
    Statistic: alarm.statistic,
    Dimensions: alarm.dimensions,
    Period: alarm.period,
    EvaluationPeriods: alarm.evaluationPeriods,
    Threshold: alarm.threshold,
    ComparisonOperator: alarm.comparison,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  };
}
