import { ApiError } from "../api-error.ts";
import type { ConditionContext } from "../conditions.ts";
import type { Context } from "../context.ts";
import { requestedTags } from "../ec2/condition-facts.ts";
import { readTags } from "../tags.ts";
import type { Alarm, AlarmConfiguration } from "./alarm.ts";
import { alarmArn } from "./alarm-message.ts";
import type { PutMetricAlarmInput } from "./alarm-parameters.ts";
import { note } from "./alarm-state.ts";
import { readAlarmConfiguration } from "./read-alarm-configuration.ts";

/** "You must be signed on with both the cloudwatch:PutMetricAlarm and cloudwatch:TagResource permissions" for tags. */
export function putMetricAlarmNeeds(input: PutMetricAlarmInput, { world }: Context): string[] {
  const creates = world.alarms[input.AlarmName ?? ""] === undefined;
  return creates && input.Tags.length > 0 ? ["cloudwatch:TagResource"] : [];
}

/** What a policy may ask of it. */
export function putMetricAlarmConditions(input: PutMetricAlarmInput): ConditionContext {
  const { AlarmActions: alarm, OKActions: ok, InsufficientDataActions: silent } = input;
  const actions = [...alarm, ...ok, ...silent];
  return {
    ...requestedTags(readTags(input.Tags)),
    ...(actions.length === 0 ? {} : { "cloudwatch:alarmactions": actions }),
  };
}

/**
 * Creates an alarm in INSUFFICIENT_DATA, or updates one: "its state is left unchanged, but the update completely
 * overwrites the previous configuration of the alarm", and tags are passed over. @throws ApiError
 */
export function putMetricAlarm(input: PutMetricAlarmInput, { world, now }: Context): void {
  const { name, configuration } = readAlarmConfiguration(input, world.settings);
  const tags = readTags(input.Tags);
  const present = Object.hasOwn(world.alarms, name) ? world.alarms[name] : undefined;
  if (present !== undefined) {
    // "Warm-up applies only once at alarm creation and does not restart."
    const warm = present.warm || configuration.warmUp === null;
    Object.assign(present, configuration, { configuredAt: now, warm });
  } else world.alarms[name] = newAlarm(name, configuration, tags, now);
  const verb = present === undefined ? "created" : "updated";
  note(world, name, now, "ConfigurationUpdate", `Alarm "${name}" ${verb}`, {
    version: "1.0",
    type: present === undefined ? "Create" : "Update",
    alarmArn: alarmArn(world, name),
  });
}

function newAlarm(name: string, configuration: AlarmConfiguration, tags: Alarm["tags"], now: number): Alarm {
  return {
    ...configuration,
    name,
    tags,
    state: "INSUFFICIENT_DATA",
    reason: "Unchecked: Initial alarm creation",
    reasonData: null,
    createdAt: now,
    configuredAt: now,
    stateSetAt: now,
    stateChangedAt: now,
    evaluatedUntil: now,
    warm: configuration.warmUp === null,
  };
}

/** The alarm of that name. @throws ApiError ResourceNotFound */
export function alarmNamed({ world }: Context, name: string): Alarm {
  const alarm = Object.hasOwn(world.alarms, name) ? world.alarms[name] : undefined;
  if (alarm === undefined) throw new ApiError("ResourceNotFound", "Unknown alarm", 404);
  return alarm;
}
