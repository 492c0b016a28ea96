import { type AlarmState, alarmPrefix, type FoundAlarm, readAlarmName } from "../core/alarm.ts";
import type { ActionTaken } from "../core/alarm-ports.ts";
import { BackupError, type Failure, failureOf, interrupted, sentenceOf } from "../core/errors.ts";
import { shellWord } from "../core/finding.ts";
import { enablingCommand } from "../core/judge-alarms.ts";
import type { AlarmDeps } from "./look-at-alarms.ts";

/** What an alarm did when it was driven to ALARM and back. */
export interface Drilled {
  readonly alarm: string;
  /** The states that it was driven through, the last one being where it was left. */
  readonly states: readonly AlarmState[];
  readonly actions: readonly ActionTaken[];
  /** Whether every action that it has was taken for ALARM and for OK. */
  readonly told: boolean;
  readonly why?: string;
  readonly failure?: Failure;
}

/** How long, in ms, an action may take to show in the history, and how often that is looked at. */
export interface DrillWaits {
  readonly arriveFor: number;
  readonly lookEvery: number;
}

const reason = "ec2-backup alarms test: this is a test, nothing is wrong";

/**
 * Drives each alarm of the instance to ALARM and to OK, and leaves it as it was. It says what CloudWatch
 * did, not what a person has read: a topic hands on, and does not tell whether a message arrived.
 */
export async function drillAlarms(
  instance: string,
  deps: AlarmDeps,
  waits: DrillWaits,
): Promise<readonly Drilled[]> {
  const found = await deps.alarms.find(alarmPrefix(instance));
  const drilled: Drilled[] = [];
  for (const alarm of found.filter(({ name }) => readAlarmName(name) !== undefined)) {
    drilled.push(await drillOne(alarm, deps, waits));
  }
  return drilled;
}

async function drillOne(alarm: FoundAlarm, deps: AlarmDeps, waits: DrillWaits): Promise<Drilled> {
  const none = { alarm: alarm.name, states: [], actions: [], told: false };
  if (!alarm.actionsEnabled) {
    return { ...none, why: `its actions are disabled: ${enablingCommand([alarm.name])}` };
  }
  if (alarm.alarmActions.length === 0) {
    return { ...none, why: "it tells nobody: set alarms.topic or alarms.createTopic, then apply" };
  }
  const states = statesFor(alarm.state);
  let astray = false;
  try {
    // CloudWatch's clock dates the history, and ours may be ahead of it: what was there before is counted.
    const since = new Date(deps.clock.now().getTime() - 300_000);
    const before = (await deps.alarms.actionsSince(alarm.name, since)).length;
    for (const state of states) {
      // Once it has been asked for, it may be so, whatever is answered.
      astray = true;
      await deps.alarms.setState(alarm.name, state, reason);
      await deps.clock.sleep(deps.pause, deps.signal);
      if (deps.signal.aborted) throw interrupted(`test ${alarm.name}`, "it");
    }
    astray = false;
    const wanted = alarm.alarmActions.length + alarm.okActions.length;
    const look = async () => (await deps.alarms.actionsSince(alarm.name, since)).slice(before);
    const actions = await arrivals(look, wanted, deps, waits);
    const succeeded = actions.filter((one) => one.succeeded).length;
    const told = succeeded >= wanted;
    const why = `${succeeded} of ${wanted} actions show as taken after ${waits.arriveFor / 1000} s`;
    return { alarm: alarm.name, states, actions, told, ...(told ? {} : { why }) };
  } catch (error) {
    const left = astray ? await putBack(alarm, deps) : undefined;
    if (error instanceof BackupError && error.kind === "interrupted") throw withLeft(error, left);
    const failure = failureOf(error, `test ${alarm.name}`);
    return { ...none, failure, ...(left === undefined ? {} : { why: left }) };
  }
}

/**
 * An alarm that ignores missing data would stay in the state of the test, and a failure would be no change that is
 * told. Returns what stands in the way.
 */
async function putBack({ name, state }: FoundAlarm, { lasting }: AlarmDeps): Promise<string | undefined> {
  try {
    await lasting.setState(name, state, reason);
    return undefined;
  } catch (error) {
    const command = `aws cloudwatch set-alarm-state --alarm-name ${shellWord(name)} --state-value ${state} --state-reason test`;
    return `it may stand in a state of the test (${sentenceOf(failureOf(error, `set ${name} to ${state}`))}); put it back: ${command}`;
  }
}

function withLeft(error: BackupError, left: string | undefined): BackupError {
  if (left === undefined) return error;
  const { kind, doing, found } = error;
  return new BackupError({ kind, doing, found: `${found}; ${left}` });
}

/** Only a change of state is told of; an alarm that rings already must fall silent first. */
function statesFor(now: AlarmState): readonly AlarmState[] {
  if (now === "ALARM") return ["OK", "ALARM"];
  return now === "OK" ? ["ALARM", "OK"] : ["ALARM", "OK", "INSUFFICIENT_DATA"];
}

async function arrivals(
  look: () => Promise<readonly ActionTaken[]>,
  wanted: number,
  { clock, signal }: AlarmDeps,
  { arriveFor, lookEvery }: DrillWaits,
): Promise<readonly ActionTaken[]> {
  const before = clock.elapsed();
  for (;;) {
    const actions = await look();
    const late = clock.elapsed() - before >= arriveFor;
    if (actions.length >= wanted || late || signal.aborted) return actions;
    await clock.sleep(lookEvery, signal);
  }
}
