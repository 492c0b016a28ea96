import { type FoundAlarm, readAlarmName } from "./alarm.ts";
import type { SweepInstance } from "./sweep-ports.ts";

/** What is to become of the alarms of a unit's instances, by their names. */
export interface AlarmSweep {
  /** Of instances that no listing has; each is asked about once more before its alarms go. */
  readonly orphans: readonly { readonly alarm: string; readonly instance: string }[];
  /** Of stopped instances: they would ring for backups that nobody can make. */
  readonly mute: readonly { readonly alarm: string; readonly arn: string; readonly instance: string }[];
  /** Silent ones of instances that run again: to be woken if a sweep has muted them, which their tags tell. */
  readonly silent: readonly { readonly alarm: string; readonly arn: string; readonly rang: boolean }[];
}

/** What a sweep writes on an alarm that it mutes, so that one which a person has disabled stays as it is. */
export const mutedTag = "ec2-backup:muted";

/** An instance that has just started is woken by its own agent, which knows better what is due. */
const settled = 2 * 3_600_000;

/**
 * EC2 lists an instance for about an hour after its termination, so what it does not list has been gone for longer.
 * Only alarms that ring for silence are muted; one that rings already stays, since muted it would never tell its end.
 */
export function planAlarmSweep(
  found: readonly FoundAlarm[],
  instances: readonly SweepInstance[],
  now: Date,
): AlarmSweep {
  const listed = new Map(instances.map((one) => [one.id, one]));
  const ours = found.flatMap((alarm) => {
    const named = readAlarmName(alarm.name);
    return named === undefined ? [] : [{ ...named, alarm, on: listed.get(named.instance) }];
  });
  const dead = ours.filter(({ kind }) => kind === "missed" || kind === "drill");
  const runs = ({ on }: (typeof ours)[number]) =>
    on?.state === "running" && now.getTime() - (on.launched?.getTime() ?? 0) > settled;
  return {
    orphans: ours
      .filter(({ on }) => on === undefined)
      .map(({ alarm, instance }) => ({ alarm: alarm.name, instance })),
    mute: dead
      .filter(({ on, alarm }) => on?.state === "stopped" && alarm.actionsEnabled && alarm.state !== "ALARM")
      .map(({ alarm, instance }) => ({ alarm: alarm.name, arn: alarm.arn, instance })),
    silent: dead
      .filter((one) => runs(one) && !one.alarm.actionsEnabled)
      .map(({ alarm }) => ({ alarm: alarm.name, arn: alarm.arn, rang: alarm.state === "ALARM" })),
  };
}
