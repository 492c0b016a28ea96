import { type FoundAlarm, readAlarmName } from "./alarm.ts";
import type { AlarmChange } from "./alarm-plan.ts";
import { type Finding, shellWord } from "./finding.ts";

/** What is known of who would hear of a missed backup. */
export interface Watch {
  /** The alarms of this instance, as CloudWatch has them. */
  readonly found: readonly FoundAlarm[];
  /** Whether the configuration says who is told by alarms. */
  readonly wanted: boolean;
  /** Whether somebody is told in another way: by notices or by pings. */
  readonly noticed: boolean;
  /** How they differ from what they should be. */
  readonly changes: readonly AlarmChange[];
}

/** Judges whether the alarms of an instance are there and tell somebody. */
export function judgeAlarms({ found, wanted, noticed, changes }: Watch): Finding[] {
  if (found.length === 0) return wanted ? [notApplied] : noticed ? [] : [unwatched];
  const silent = found.filter(({ actionsEnabled }) => !actionsEnabled);
  const mute = found.filter(({ alarmActions }) => alarmActions.length === 0);
  const stale = changes.flatMap(differenceOf);
  return [
    ...(stale.length === 0 ? [] : [notAsConfigured(stale)]),
    ...(silent.length === 0 ? [] : [silenced(silent)]),
    ...(mute.length === 0 ? [] : [telling(mute)]),
  ];
}

const unwatched: Finding = {
  severity: "note",
  what: "no alarm watches the backups of this instance, and no notices are configured",
  why: "a backup that is missed, or an agent that is dead, is noticed by nobody",
  advice: "name who is told by alarms.createTopic and alarms.email, or by notify, first",
  command: "ec2-backup alarms plan",
};

const notApplied: Finding = {
  severity: "warning",
  what: "the configuration says whom alarms tell, and there are no alarms",
  why: "a backup that is missed, or an agent that is dead, is noticed by nobody",
  command: "ec2-backup alarms apply",
};

/** In words; nothing of what moves a little with every run, such as the limit that follows the median. */
function differenceOf(change: AlarmChange): string[] {
  switch (change.action) {
    case "create":
      return [`${change.alarm.name} is not there`];
    case "remove":
      return [`${change.found.name} is no longer wanted`];
    case "update": {
      const fields = change.differences.map(({ field }) => field);
      const isOfMedian = change.alarm.kind === "slow" && fields.every((field) => ofMedian.includes(field));
      return isOfMedian ? [] : [`${change.alarm.name} differs in ${fields.join(", ")}`];
    }
    default:
      return [];
  }
}

const ofMedian = ["threshold", "description"];

function notAsConfigured(differences: readonly string[]): Finding {
  return {
    severity: "warning",
    what: `the alarms are not as the configuration has them: ${differences.join("; ")}`,
    why: "what they do not watch is missed by nobody",
    command: "ec2-backup alarms apply",
  };
}

function silenced(alarms: readonly FoundAlarm[]): Finding {
  const names = alarms.map(({ name }) => name);
  return {
    severity: "warning",
    what: `the actions of ${names.join(", ")} are disabled`,
    why: "it rings and tells nobody",
    ...(areMissed(names)
      ? { advice: "a power-off does so, and the next start should have enabled them" }
      : {}),
    command: enablingCommand(names),
  };
}

/** What enables the actions of alarms. */
export function enablingCommand(names: readonly string[]): string {
  return areMissed(names)
    ? "ec2-backup alarms resume"
    : `aws cloudwatch enable-alarm-actions --alarm-names ${names.map(shellWord).join(" ")}`;
}

function areMissed(names: readonly string[]): boolean {
  return names.every((name) => ["missed", "drill"].includes(readAlarmName(name)?.kind ?? ""));
}

function telling(alarms: readonly FoundAlarm[]): Finding {
  return {
    severity: "warning",
    what: `nobody is told by ${alarms.map(({ name }) => name).join(", ")}`,
    why: "it rings, and only who looks at CloudWatch sees it",
    advice: "name who is told by alarms.topic, or by alarms.createTopic and alarms.email, first",
    command: "ec2-backup alarms apply",
  };
}
