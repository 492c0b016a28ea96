import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { requestedTags } from "../ec2/condition-facts.ts";
import { type Operation, operation } from "../operations.ts";
import { readTags, refuseTooMany, tagShape } from "../tags.ts";
import type { Tags } from "../world.ts";
import { alarmStates } from "./alarm.ts";
import { alarmArn } from "./alarm-message.ts";
import { putMetricAlarmShape } from "./alarm-parameters.ts";
import { changeState, note } from "./alarm-state.ts";
import { describeAlarmHistory, describeAlarmHistoryShape } from "./describe-alarm-history.ts";
import { describeAlarms, describeAlarmsShape } from "./describe-alarms.ts";
import {
  alarmNamed,
  putMetricAlarm,
  putMetricAlarmConditions,
  putMetricAlarmNeeds,
} from "./put-metric-alarm.ts";

const namesShape = { AlarmNames: ["string"] } as const;
const setAlarmStateShape = {
  AlarmName: "string",
  StateValue: "string",
  StateReason: "string",
  StateReasonData: "string",
} as const;

const required = <T>(value: T | undefined, name: string): T => {
  if (value === undefined || value === "")
    throw new ApiError("MissingParameter", `The parameter ${name} is required.`);
  return value;
};

const ofAlarms = ({ AlarmNames: names }: { AlarmNames: readonly string[] }, { world }: Context) =>
  names.map((name) => alarmArn(world, name));
const ofArn = ({ ResourceARN: arn = "*" }: { ResourceARN?: string | undefined }) => arn;

const ofAlarm = ({ AlarmName: name = "" }: { AlarmName?: string | undefined }, { world }: Context) =>
  alarmArn(world, name);

/** The actions on alarms, and on the tags of CloudWatch's resources. */
export const alarmOperations: Readonly<Record<string, Operation>> = {
  PutMetricAlarm: operation({
    shape: putMetricAlarmShape,
    changes: true,
    needs: putMetricAlarmNeeds,
    resource: ofAlarm,
    conditions: putMetricAlarmConditions,
    run: putMetricAlarm,
  }),
  DescribeAlarms: operation({
    shape: describeAlarmsShape,
    changes: false,
    resource: (_, { world }) => alarmArn(world, "*"),
    run: describeAlarms,
  }),
  DescribeAlarmHistory: operation({
    shape: describeAlarmHistoryShape,
    changes: false,
    resource: ({ AlarmName: name = "*" }, { world }) => alarmArn(world, name),
    run: describeAlarmHistory,
  }),
  SetAlarmState: operation({
    shape: setAlarmStateShape,
    changes: true,
    resource: ofAlarm,
    run({ AlarmName, StateValue, StateReason, StateReasonData: data }, context) {
      const alarm = alarmNamed(context, required(AlarmName, "AlarmName"));
      const state = alarmStates.find((each) => each === required(StateValue, "StateValue"));
      if (state === undefined)
        throw new ApiError(
          "ValidationError",
          `Value '${StateValue}' at 'stateValue' failed to satisfy constraint`,
        );
      const reason = required(StateReason, "StateReason");
      if (reason.length > 1_023)
        throw new ApiError("ValidationError", "StateReason is longer than 1023 characters");
      if (data !== undefined && !isJson(data))
        throw new ApiError("InvalidFormat", "StateReasonData was not valid JSON");
      changeState(context.world, alarm, context.now, state, reason, data ?? null);
    },
  }),
  DeleteAlarms: operation({
    shape: namesShape,
    changes: true,
    resources: ofAlarms,
    run({ AlarmNames: names }, { world, now }) {
      for (const name of checkNames(names)) {
        // "If you specify an incorrect alarm name or make any other error, the alarms that exist are deleted."
        if (!Object.hasOwn(world.alarms, name)) continue;
        delete world.alarms[name];
        note(world, name, now, "ConfigurationUpdate", `Alarm "${name}" deleted`, {
          version: "1.0",
          type: "Delete",
        });
      }
    },
  }),
  EnableAlarmActions: operation({
    shape: namesShape,
    changes: true,
    resources: ofAlarms,
    run: ({ AlarmNames: names }, context) => switchActions(names, context, true),
  }),
  DisableAlarmActions: operation({
    shape: namesShape,
    changes: true,
    resources: ofAlarms,
    run: ({ AlarmNames: names }, context) => switchActions(names, context, false),
  }),
  ListTagsForResource: operation({
    shape: { ResourceARN: "string" },
    changes: false,
    resource: ofArn,
    run: ({ ResourceARN: arn }, context) => ({
      Tags: Object.entries(tagged(context, required(arn, "ResourceARN")).tags).map(([Key, Value]) => ({
        Key,
        Value,
      })),
    }),
  }),
  TagResource: operation({
    shape: { ResourceARN: "string", Tags: tagShape },
    changes: true,
    resource: ofArn,
    conditions: ({ Tags: tags }) => requestedTags(readTags(tags)),
    run({ ResourceARN: arn, Tags: given }, context) {
      const resource = tagged(context, required(arn, "ResourceARN"));
      const tags = { ...resource.tags, ...readTags(given) };
      refuseTooMany(tags);
      resource.tags = tags;
      return {};
    },
  }),
  UntagResource: operation({
    shape: { ResourceARN: "string", TagKeys: ["string"] },
    changes: true,
    resource: ofArn,
    conditions: ({ TagKeys: keys }) => ({ "aws:tagkeys": keys }),
    run({ ResourceARN: arn, TagKeys: keys }, context) {
      const resource = tagged(context, required(arn, "ResourceARN"));
      for (const key of keys) delete resource.tags[key];
      return {};
    },
  }),
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function checkNames(names: string[]): string[] {
  if (names.length === 0) throw new ApiError("MissingParameter", "The parameter AlarmNames is required.");
  if (names.length > 100)
    throw new ApiError("ValidationError", "The collection AlarmNames must not have a size greater than 100");
  return names;
}

function switchActions(names: string[], { world, now }: Context, enabled: boolean): void {
  for (const name of checkNames(names)) {
    const alarm = Object.hasOwn(world.alarms, name) ? world.alarms[name] : undefined;
    // Unknown names are passed over here too.
    if (alarm === undefined || alarm.actionsEnabled === enabled) continue;
    alarm.actionsEnabled = enabled;
    alarm.configuredAt = now;
    const summary = `Alarm "${name}" updated: actions ${enabled ? "enabled" : "disabled"}`;
    note(world, name, now, "ConfigurationUpdate", summary, { version: "1.0", type: "Update" });
  }
}

/** What a tag call names: an alarm, or a dashboard. */
function tagged({ world }: Context, arn: string): { tags: Tags } {
  const name = /:alarm:(.+)$/s.exec(arn)?.[1];
  const dashboard = /:dashboard\/(.+)$/.exec(arn)?.[1];
  const found = name === undefined ? world.dashboards[dashboard ?? ""] : world.alarms[name];
  if (found === undefined) throw new ApiError("ResourceNotFoundException", `${arn} does not exist`, 404);
  return found;
}
