import type { FoundAlarm } from "./alarm.ts";
import { longestWarmUp, type Told } from "./alarm-start.ts";

/** Where the system is going, as its service manager has it queued. */
export type PowerGoal = "power-off" | "reboot" | "none";

const goals: readonly (readonly [RegExp, PowerGoal])[] = [
  [/^(reboot|kexec|soft-reboot)\.target$/, "reboot"],
  [/^(poweroff|halt)\.target$/, "power-off"],
];

/** Reads `systemctl list-jobs --plain --no-legend`: number, unit, kind and state of each job. */
export function powerGoal(jobs: string): PowerGoal {
  const starting = jobs
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , kind]) => kind === "start")
    .map(([, unit = ""]) => unit);
  const met = goals.find(([target]) => starting.some((unit) => target.test(unit)));
  return met?.[1] ?? "none";
}

/** What this host remembers of a job whose alarm is looked at. */
export interface LastSigns extends Pick<Told, "told"> {
  /** When the newest point was captured that any run has made or seen. */
  readonly captured?: Date;
}

/**
 * Whether a power-off may silence the alarm: only while the job is in order. One that rings, or whose backups are
 * late already, stays loud, or an instance that is switched off every night would never be heard of.
 */
export function maySilence(alarm: FoundAlarm, { captured }: LastSigns, now: Date): boolean {
  if (alarm.state === "ALARM") return false;
  return captured !== undefined && now.getTime() - captured.getTime() <= alarm.threshold * 1000;
}

/** `enable` its actions as it is; or `renew` it with so many minutes of warm-up, since it has rung or soon will. */
export type Awakening =
  | { readonly kind: "enable" }
  | { readonly kind: "renew"; readonly warmUpMinutes: number };

/**
 * How a silenced alarm comes back. One that rang silently while the instance was off would not ring again,
 * and one that is about to would ring for the time off. `catchUp` is how long, in ms, the missed run may take.
 */
export function awakening(alarm: FoundAlarm, signs: LastSigns, catchUp: number, now: Date): Awakening {
  const window = alarm.period * alarm.evaluationPeriods;
  const passes = (since: Date | undefined, limit: number) =>
    since === undefined || now.getTime() + catchUp - since.getTime() > limit * 1000;
  const late =
    alarm.state === "ALARM" || passes(signs.captured, alarm.threshold) || passes(signs.told, window);
  if (!late) return { kind: "enable" };
  return { kind: "renew", warmUpMinutes: Math.min(longestWarmUp, Math.ceil(window / 60)) };
}
