import { publishAsService } from "../sns/publish-as-service.ts";
import type { World } from "../world.ts";
import type { Alarm, AlarmHistoryItem, AlarmState } from "./alarm.ts";
import { alarmArn, alarmMessage, alarmSubject } from "./alarm-message.ts";

/** "Alarm history is available for 30 days." */
const kept = 30 * 86_400_000;

/** Writes a line of history. */
export function note(
  world: World,
  alarm: string,
  time: number,
  type: AlarmHistoryItem["type"],
  summary: string,
  data: unknown,
): void {
  world.alarmHistory.push({ alarm, time, type, summary, data: JSON.stringify(data) });
  const oldest = world.alarmHistory[0];
  if (oldest !== undefined && oldest.time < time - kept)
    world.alarmHistory = world.alarmHistory.filter((item) => item.time >= time - kept);
}

/**
 * Gives an alarm a state. Only when it is another one than before do actions follow, and only if they are enabled.
 * @param at simulated milliseconds.
 */
export function changeState(
  world: World,
  alarm: Alarm,
  at: number,
  state: AlarmState,
  reason: string,
  data: string | null,
): void {
  const old = { stateValue: alarm.state, stateReason: alarm.reason };
  Object.assign(alarm, { state, reason, reasonData: data, stateSetAt: at });
  if (old.stateValue === state) return;
  alarm.stateChangedAt = at;
  const after = { stateValue: state, stateReason: reason, stateReasonData: parsed(data) };
  const summary = `Alarm updated from ${old.stateValue} to ${state}`;
  note(world, alarm.name, at, "StateUpdate", summary, { version: "1.0", oldState: old, newState: after });
  const actions = { OK: alarm.okActions, ALARM: alarm.alarmActions }[state as "OK" | "ALARM"];
  if (!alarm.actionsEnabled) return;
  for (const action of actions ?? alarm.insufficientDataActions)
    act(world, alarm, action, old.stateValue, at);
}

const parsed = (data: string | null): unknown => (data === null ? undefined : JSON.parse(data));

function act(world: World, alarm: Alarm, action: string, old: AlarmState, at: number): void {
  const error = tryAction(world, alarm, action, old, at);
  const data = { actionState: "Succeeded", stateUpdateTimestamp: at, notificationResource: action };
  if (error === undefined)
    note(world, alarm.name, at, "Action", `Successfully executed action ${action}`, data);
  else
    note(world, alarm.name, at, "Action", `Failed to execute action ${action}. Received error: "${error}"`, {
      ...data,
      actionState: "Failed",
      error,
    });
}

function tryAction(
  world: World,
  alarm: Alarm,
  action: string,
  old: AlarmState,
  at: number,
): string | undefined {
  if (!/^arn:[^:]+:sns:/.test(action)) return "only actions of SNS are simulated";
  return publishAsService(world, {
    topic: action,
    subject: alarmSubject(world, alarm),
    message: alarmMessage(world, alarm, old, at),
    source: alarmArn(world, alarm.name),
    at,
  });
}
