import { type Finding, shellWord } from "./finding.ts";

/** Something on this host that starts backups, or would. */
export interface Scheduler {
  readonly kind: "service" | "timer" | "cron" | "process";
  /** A unit, a file with its line, or a process: "ec2-backup.service", "/etc/cron.d/backup:3", "process 812". */
  readonly name: string;
  /** Whether it will be there after the next boot. */
  readonly enabled: boolean;
  /** Whether it works now. */
  readonly active: boolean;
  /** Of units: systemd's word for how it is, such as `failed`. */
  readonly state?: string;
}

/** What was found on the host. */
export interface FoundSchedulers {
  readonly schedulers: readonly Scheduler[];
  /** Whether a daemon of cron runs, which alone reads its files. */
  readonly cronRuns: boolean;
}

/**
 * Judges what starts the backups. `scheduled` says whether any job has a schedule of its own, which only the
 * daemon goes by.
 */
export function judgeSchedulers({ schedulers, cronRuns }: FoundSchedulers, scheduled: boolean): Finding[] {
  const starting = schedulers.filter((one) => one.enabled || one.active);
  const idle = schedulers.filter((one) => !one.enabled && !one.active);
  if (starting.length === 0) return [idle[0] === undefined ? nothing(scheduled) : asleep(idle[0])];
  return [
    ...starting.flatMap((one) => judge(one, cronRuns)),
    ...(starting.length > 1 ? [several(starting)] : []),
  ];
}

function nothing(scheduled: boolean): Finding {
  return {
    severity: "error",
    what: "nothing on this host starts backups: no service or timer of systemd, no line of cron, no daemon",
    why: scheduled
      ? "the schedules of the configuration are the daemon's to keep, and it is not there"
      : "backups are made only when somebody types `ec2-backup run`",
    command: "ec2-backup install",
  };
}

function asleep({ name, state }: Scheduler): Finding {
  return {
    severity: "error",
    what: `${name} is installed, but neither enabled nor running${state === "failed" ? " (it has failed)" : ""}`,
    why: "nothing starts a backup, now or after the next boot",
    command: `systemctl enable --now ${shellWord(name)}`,
  };
}

function judge(one: Scheduler, cronRuns: boolean): Finding[] {
  if (one.kind === "cron") return cronRuns ? [] : [cronAsleep(one)];
  if (one.kind === "process")
    return [
      {
        severity: "warning",
        what: `the daemon (${one.name}) was started by hand`,
        why: "after the next boot, or when it ends, nothing starts it again",
        command: "systemctl enable --now ec2-backup.service",
        advice: "end the one that was started by hand first",
      },
    ];
  if (!one.active)
    return [
      {
        severity: "error",
        what: `${one.name} is enabled, but ${one.state === "failed" ? "it has failed" : "not running"}`,
        why: "no backup is started until the next boot",
        advice: `its log says why: journalctl -u ${one.name} -e`,
        command: `systemctl restart ${shellWord(one.name)}`,
      },
    ];
  if (!one.enabled)
    return [
      {
        severity: "warning",
        what: `${one.name} runs, but is not enabled`,
        why: "after the next boot nothing starts backups any more",
        command: `systemctl enable ${shellWord(one.name)}`,
      },
    ];
  return [];
}

function cronAsleep({ name }: Scheduler): Finding {
  return {
    severity: "error",
    what: `${name} is there, but no cron daemon runs`,
    why: "nobody reads the line, so no backup is started",
    command: "systemctl enable --now cron || systemctl enable --now crond",
  };
}

function several(starting: readonly Scheduler[]): Finding {
  const names = starting.map(({ name }) => name).join(", ");
  const [, second] = starting;
  return {
    severity: "warning",
    what: `${starting.length} schedulers start backups: ${names}`,
    why: "each makes points of its own, which cost twice and push older ones out of what retention keeps",
    advice: "keep one of them",
    command: removalOf(second as Scheduler),
  };
}

/** The command that puts one out of work. */
export function removalOf({ kind, name }: Pick<Scheduler, "kind" | "name">): string {
  if (kind === "process") return `kill ${name.replace(/\D/g, "")}`;
  if (kind !== "cron") return `systemctl disable --now ${shellWord(name)}`;
  const [, file = "", line = ""] = /^(.*?)(?::(\d+))?$/.exec(name) ?? [];
  return line === "" ? `rm ${shellWord(file)}` : `sed -i '${line}s/^/# /' ${shellWord(file)}`;
}

/**
 * The lines of a crontab that run this agent, counted from 1. `crontab(5)`: five fields or a name such as
 * @daily, then, in the system's tables, the user.
 */
export function cronLines(text: string): number[] {
  return text.split("\n").flatMap((line, index) => {
    const isEntry = /^\s*(@[a-z]+|[\d*][\S]*(\s+\S+){4})\s/i.test(line);
    return isEntry && startsBackups(line) ? [index + 1] : [];
  });
}

/** The lines of a script of /etc/cron.daily and the like. */
export function scriptRuns(text: string): boolean {
  return text.split("\n").some((line) => !/^\s*#/.test(line) && startsBackups(line));
}

/** Whether a command line starts backups, now or by a daemon. */
export function startsBackups(line: string): boolean {
  return /\bec2-backup(\.js)?["']?(\s+-\S+(\s+[^-\s]\S*)?)*\s+(run|daemon)\b/.test(line);
}

/** Whether a process, by its words, is the daemon. */
export function isDaemon(words: readonly string[]): boolean {
  const program = words.findIndex((word) => /(^|\/)ec2-backup(\.js)?$/.test(word));
  return program >= 0 && program <= 2 && words.slice(program + 1).includes("daemon");
}
