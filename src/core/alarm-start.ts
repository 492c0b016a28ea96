import type { Alarm } from "./alarm.ts";
import type { Start } from "./alarm-plan.ts";
import type { Job } from "./job.ts";
import { nextSlot, parseSchedule } from "./schedule.ts";

/** CloudWatch (WarmUpConfiguration): 1 to 2,880 minutes. */
export const longestWarmUp = 2_880;

const minute = 60_000;
const hour = 60 * minute;

/** What this host knows of the ages that were told of a job. */
export interface Told {
  /** When a run or a beat last told one. */
  readonly told?: Date;
  /** Whether a complete point is known; the first run tells no age, since its own point is still pending. */
  readonly complete: boolean;
}

type Due = Pick<Job, "schedule" | "timezone" | "splay">;

/**
 * How a new alarm begins. One that ignores missing data has no state until its first data. The alarm for
 * missed backups rings for data that are missing, so it must find some, or be spared until they are due.
 */
export function startOf(alarm: Alarm, job: Due | undefined, known: Told, beat: boolean, now: Date): Start {
  if (alarm.treatMissingData !== "breaching") return { kind: "at-once" };
  const { told } = known;
  const window = alarm.period * alarm.evaluationPeriods;
  const age = told === undefined ? Number.POSITIVE_INFINITY : now.getTime() - told.getTime();
  // Less than the window, so that the next data come before these are too old.
  if (age < window * 1000 - hour) return visible(window, told, now) ? { kind: "at-once" } : soonVisible;
  if (beat) {
    return {
      kind: "wait",
      because: `nobody tells the age of its ${alarm.kind === "drill" ? "last good drill" : "newest backup"} between the runs yet`,
      remedy:
        "systemctl enable --now ec2-backup-beat.timer, or `ec2-backup alarms beat` every 6 h; then apply again",
    };
  }
  const waiting = {
    because: `no ${alarm.kind === "drill" ? "good drill" : "run"} has told ${alarm.kind === "drill" ? "its age" : "the age of its newest backup"} lately, so it would ring at once`,
    remedy: `ec2-backup ${alarm.kind === "drill" ? `drill ${alarm.job}` : `run ${alarm.job} --wait`}, then apply again in an hour`,
  };
  const due = firstAge(job, known, now);
  const minutes = due === undefined ? undefined : Math.ceil((due.getTime() - now.getTime()) / minute);
  if (minutes !== undefined && minutes <= longestWarmUp) return { kind: "warm-up", minutes, ...waiting };
  return { kind: "wait", ...waiting };
}

const soonVisible: Start = {
  kind: "warm-up",
  minutes: 75,
  because: "CloudWatch sees the last run's data only after the hour is full, and until then it would ring",
  remedy: "apply again in an hour",
};

/**
 * Whether an evaluation now would see a data point. (User guide, "Alarm evaluation": if the window is longer
 * than a day, data are seen only up to the last full hour.) Some minutes are for data on their way.
 */
function visible(window: number, told: Date | undefined, now: Date): boolean {
  if (told === undefined) return false;
  if (window <= 86_400) return true;
  return told.getTime() < Math.floor((now.getTime() - 5 * minute) / hour) * hour;
}

/** When a run will have told an age at the latest; two hours are for the run itself. */
function firstAge(job: Due | undefined, { complete }: Told, now: Date): Date | undefined {
  if (job?.schedule === undefined) return undefined;
  const schedule = parseSchedule(job.schedule);
  const first = nextSlot(schedule, job.timezone, now);
  const slot = complete ? first : nextSlot(schedule, job.timezone, first);
  return new Date(slot.getTime() + job.splay + 2 * hour);
}
