import { alarmPrefix, type FoundAlarm, readAlarmName, type WrittenAlarm } from "./alarm.ts";
import { type AlarmChange, differencesOf, type Start } from "./alarm-plan.ts";
import { longestWarmUp } from "./alarm-start.ts";
import { silenceWindow, toldWithin } from "./alarm-window.ts";
import { formatDuration } from "./duration.ts";
import type { SweepUnit } from "./sweep-ports.ts";

/** The metric that audits tell of an account and Region: how many of its instances are overdue. */
export const overdueMetric = "Overdue";

/** The beginning of names that are of no instance, so that nobody takes them for those of one that is gone. */
export const fleetPrefix = `${alarmPrefix()}fleet/`;
const name = `${fleetPrefix}overdue`;
export const stoppedName = `${fleetPrefix}stopped`;

const minute = 60_000;
const hour = 60 * minute;

/** An audit takes its time, and what starts it does, too. */
const grace = 2 * hour;

/** Milliseconds between two audits that are usual, and that an alarm can wait for. */
export const usualAuditEvery = 24 * hour;
export const auditEveryRange = { from: 15 * minute, to: 166 * hour } as const;

/** An alarm of an account in a Region. */
export interface FleetAlarm extends WrittenAlarm {
  /** Milliseconds between two audits, at most; absent where their silence does not ring. */
  readonly auditEvery?: number;
}

/** What is known when it is to be made. */
export interface FleetFacts {
  readonly unit: SweepUnit;
  readonly namespace: string;
  /** ARN of who is told; absent = nobody. */
  readonly topic?: string;
  /** How often audits are told; absent = as the alarm has it that is there. */
  readonly auditEvery?: number;
}

/**
 * It rings if no audit of its window found nothing overdue: since something is, or since there was no audit. One hour
 * without an audit is no news, so it is the whole window that decides, and the window is what lies between two audits.
 */
export function fleetAlarm(
  { unit, namespace, topic, auditEvery: asked }: FleetFacts,
  found: readonly FoundAlarm[] = [],
): FleetAlarm {
  const every = asked ?? everyOf(found.find((one) => one.name === name)) ?? usualAuditEvery;
  const window = silenceWindow(every + grace);
  if (window === undefined) throw new RangeError(`no alarm waits for audits every ${formatDuration(every)}`);
  const silence = window.period * window.evaluationPeriods * 1000;
  const { account, region } = unit;
  const where = unit.name === undefined ? account : `${unit.name} (${account})`;
  const description =
    `Backups of account ${where} in ${region}: for ${formatDuration(silence)} no audit has found that all instances have a ` +
    "recent snapshot. Some are overdue, or no audit has run. Look which: " +
    `\`ec2-backup sweep audit --region ${region}\`; \`ec2-backup sweep --only create\` captures them in place of their agents. ` +
    "If it finds none, see why the regular `ec2-backup sweep audit --publish` does not run. OK follows with the first audit " +
    "that finds none. A snapshot is judged by itself, whatever agents say; instances that are stopped do not count.";
  return {
    ...window,
    name,
    auditEvery: silence - grace,
    description: description.slice(0, 1024),
    namespace,
    metric: overdueMetric,
    dimensions: { Account: account, Region: region },
    threshold: 0,
    treatMissingData: "breaching",
    actions: topic === undefined ? [] : [topic],
    tags: { "ec2-backup:fleet": "overdue" },
    tellsWithin: toldWithin(window),
  };
}

function everyOf(found: FoundAlarm | undefined): number | undefined {
  if (found === undefined) return undefined;
  const every = found.period * found.evaluationPeriods * 1000 - grace;
  return every >= auditEveryRange.from && every <= auditEveryRange.to ? every : undefined;
}

/** What becomes of it; of other alarms below the prefix nothing does. */
export function planFleetAlarm(alarm: FleetAlarm, found: readonly FoundAlarm[]): AlarmChange<FleetAlarm> {
  const there = found.find((one) => one.name === alarm.name);
  if (there === undefined) return { action: "create", alarm, start: startOf(alarm) };
  const differences = differencesOf(alarm, there);
  if (differences.length === 0) return { action: "keep", alarm, found: there };
  return { action: "update", alarm, found: there, differences };
}

/** Until the first audit is due, and seen: of windows over a day CloudWatch sees full hours alone. */
function startOf({ auditEvery }: FleetAlarm): Start {
  if (auditEvery === undefined) return { kind: "at-once" };
  return {
    kind: "warm-up",
    minutes: Math.min(longestWarmUp, Math.ceil((auditEvery + grace + 75 * minute) / minute)),
    else: "at-once",
    because: "CloudWatch spares no new alarm here, so it rings until an audit has been told",
    remedy: "ec2-backup sweep audit --publish",
  };
}

/** Those of the account that are there. */
export function fleetAlarmsAmong(found: readonly FoundAlarm[]): readonly FoundAlarm[] {
  return found.filter((one) => one.name === name || one.name === stoppedName);
}

/** Alarms for missed backups that single instances have beside it, and that tell somebody. */
export function alarmsBeside(found: readonly FoundAlarm[]): readonly string[] {
  return found
    .filter(
      (one) =>
        one.actionsEnabled && one.alarmActions.length > 0 && readAlarmName(one.name)?.kind === "missed",
    )
    .map((one) => one.name);
}
