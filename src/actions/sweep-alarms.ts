import { alarmPrefix } from "../core/alarm.ts";
import type { AlarmService, LivingInstances } from "../core/alarm-ports.ts";
import { type Failure, failureOf, interrupted } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { type Problem, problemOf } from "../core/report.ts";
import { planAlarmSweep } from "../core/sweep-alarms.ts";
import type { SweepInstance } from "../core/sweep-ports.ts";
import type { AlarmsSwept } from "../core/sweep-report.ts";

export interface SweepAlarmDeps {
  readonly alarms: Pick<AlarmService, "find" | "remove" | "enableActions" | "setState">;
  readonly living: LivingInstances;
  /** Of the whole unit. */
  readonly instances: () => Promise<readonly SweepInstance[]>;
  readonly clock: Pick<Clock, "now">;
}

/** Deletes the alarms of instances that are gone, mutes those of stopped ones and wakes those of running ones. */
export async function sweepAlarms(
  dryRun: boolean,
  { alarms, living, instances, clock }: SweepAlarmDeps,
  signal: AbortSignal,
): Promise<{ readonly swept: AlarmsSwept; readonly problems: readonly Problem[] }> {
  const found = await alarms.find(alarmPrefix());
  const plan = planAlarmSweep(found, await instances(), clock.now());
  // One that was launched since the listing has alarms by now, perhaps.
  const there = await living([...new Set(plan.orphans.map(({ instance }) => instance))]);
  const orphans = plan.orphans.filter(({ instance }) => !there.has(instance)).map(({ alarm }) => alarm);
  const swept = {
    found: found.length,
    removed: orphans,
    muted: plan.mute,
    woken: plan.wake.map(({ alarm }) => alarm),
  };
  if (dryRun) return { swept, problems: [] };
  const failures: Failure[] = [];
  const some = async (doing: string, names: readonly string[], act: () => Promise<void>) => {
    if (names.length === 0) return [];
    try {
      if (signal.aborted) throw interrupted(doing, "the sweep");
      await act();
      return names;
    } catch (error) {
      failures.push(failureOf(error, doing));
      return [];
    }
  };
  return {
    swept: {
      found: found.length,
      removed: await some("delete the alarms of instances that are gone", orphans, () =>
        alarms.remove(orphans),
      ),
      muted: await some("mute the alarms of stopped instances", plan.mute, () =>
        alarms.enableActions(plan.mute, false),
      ),
      woken: await some("wake the alarms of running instances", swept.woken, async () => {
        // Only a change of state is told: one that rang unheard must ring again.
        for (const { alarm, rang } of plan.wake)
          if (rang) await alarms.setState(alarm, "OK", "ec2-backup sweep: it rang while it was muted");
        await alarms.enableActions(swept.woken, true);
      }),
    },
    problems: failures.map((failure) => problemOf("error", failure)),
  };
}
