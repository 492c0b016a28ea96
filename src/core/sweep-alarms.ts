import { type FoundAlarm, readAlarmName } from "./alarm.ts";
import { watched } from "./alarms.ts";
import type { SweepInstance } from "./sweep-ports.ts";
import { readIntents } from "./sweep-stop.ts";

/** One alarm of an instance that is there. */
export interface OwnedAlarm {
  readonly alarm: string;
  readonly arn: string;
  readonly instance: string;
}

/** What is to become of the alarms of a unit's instances, by their names. */
export interface AlarmSweep {
  /** Of instances that no listing has; each is asked about once more before its alarms go. */
  readonly orphans: readonly { readonly alarm: string; readonly instance: string }[];
  /** Of stopped instances: they would ring for backups that nobody can make. */
  readonly mute: readonly OwnedAlarm[];
  /** Silent ones of instances that run again: to be woken if a sweep has muted them, which their tags tell. */
  readonly silent: readonly (OwnedAlarm & { readonly rang: boolean })[];
}

/** What a sweep writes on an alarm that it mutes, so that one which a person has disabled stays as it is. */
export const mutedTag = "ec2-backup:muted";

/** An instance that has just started is woken by its own agent, which knows better what is due. */
const settled = 2 * 3_600_000;

/** Whether it has run for so long that its agent has had its turn with its alarms. */
export function hasSettled(one: Pick<SweepInstance, "state" | "launched"> | undefined, now: Date): boolean {
  return one?.state === "running" && now.getTime() - (one.launched?.getTime() ?? 0) > settled;
}

/** One that a sweep has stopped is to run, and who waits for its backups must hear if it does not come up again. */
export function isOff(one: Pick<SweepInstance, "id" | "state" | "tags"> | undefined): boolean {
  return one?.state === "stopped" && readIntents(one).length === 0;
}

/**
 * EC2 lists an instance for about an hour after its termination, so what it does not list has been gone for longer.
 * Only alarms that ring for silence are muted; one that rings already stays, since muted it would never tell its end.
 * What has one of our names and watches another metric is somebody else's.
 */
export function planAlarmSweep(
  found: readonly FoundAlarm[],
  instances: readonly SweepInstance[],
  now: Date,
): AlarmSweep {
  const listed = new Map(instances.map((one) => [one.id, one]));
  const ours = found.flatMap((alarm) => {
    const named = readAlarmName(alarm.name);
    if (named === undefined || alarm.metric !== watched[named.kind]) return [];
    return [{ ...named, alarm, on: listed.get(named.instance) }];
  });
  const dead = ours.filter(({ kind }) => kind === "missed" || kind === "drill");
  const owned = ({ alarm: { name, arn }, instance }: (typeof ours)[number]) => ({
    alarm: name,
    arn,
    instance,
  });
  return {
    orphans: ours
      .filter(({ on }) => on === undefined)
      .map(({ alarm, instance }) => ({ alarm: alarm.name, instance })),
    mute: dead
      .filter(({ on, alarm }) => isOff(on) && alarm.actionsEnabled && alarm.state !== "ALARM")
      .map(owned),
    silent: dead
      .filter((one) => hasSettled(one.on, now) && !one.alarm.actionsEnabled)
      .map((one) => ({ ...owned(one), rang: one.alarm.state === "ALARM" })),
  };
}
