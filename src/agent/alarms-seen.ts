import type { AlarmDeps } from "../actions/look-at-alarms.ts";
import { alarmPrefix, type FoundAlarm, readAlarmName } from "../core/alarm.ts";
import type { AlarmService } from "../core/alarm-ports.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import type { AlarmsSeen } from "../core/status.ts";
import type { StateDirectory } from "../host/state.ts";

/**
 * Remembers the alarms of each job that this host knows, for commands that do not ask AWS. It changes
 * nothing about the outcome of what was asked for.
 */
export async function noteAlarms(
  state: StateDirectory,
  { alarms, clock }: Pick<AlarmDeps, "clock"> & { readonly alarms: Pick<AlarmService, "find"> },
  log: Log,
): Promise<void> {
  try {
    const found = await alarms.find(alarmPrefix(state.instanceId));
    for (const { job } of state.jobs())
      await state.update(job, (known) => ({ ...known, alarms: seenOf(found, job, clock.now()) }));
  } catch (error) {
    log("warn", sentenceOf(failureOf(error, "remember the alarms")));
  }
}

/** What of a job's alarms is told and remembered. */
export function seenOf(found: readonly FoundAlarm[], job: string, now: Date): AlarmsSeen {
  const own = found.filter(({ name }) => {
    const read = readAlarmName(name);
    // A drill and a repository may have the name of a job.
    const isOfJob = read !== undefined && read.kind !== "drill" && read.kind !== "upkeep";
    return isOfJob && [job, "all"].includes(read.job);
  });
  const alarms = own.map(({ name, state, actionsEnabled }) => ({ name, state, actionsEnabled }));
  return { asOf: now.toISOString(), alarms };
}
