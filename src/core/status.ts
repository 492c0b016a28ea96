import { nextWake } from "./catch-up.ts";
import { promiseOf, type RecoveryPromise, type Timed } from "./promise.ts";
import type { RunReport } from "./report.ts";
import { parseSchedule } from "./schedule.ts";
import { splayOf } from "./splay.ts";
import type { VolumeSeen } from "./volume-ages.ts";

/** Alarms as they were last seen, at the clock of the host that looked. */
export interface AlarmsSeen {
  /** ISO 8601. */
  readonly asOf: string;
  readonly alarms: readonly {
    readonly name: string;
    /** CloudWatch's word: `OK`, `ALARM`, `INSUFFICIENT_DATA`. */
    readonly state: string;
    /** False: it tells nobody, such as while the instance is off. */
    readonly actionsEnabled: boolean;
  }[];
}

/** What is known of one job's points: remembered by this host, or fresh from AWS. */
export interface KnownJob {
  readonly job: string;
  readonly report?: RunReport;
  /** The newest complete point that any run has seen. */
  readonly newest?: { readonly captured: string; readonly bytes: number };
  /** A capture that has not come to its report: a run at work, or one that died. */
  readonly running?: { readonly run: string; readonly since: string };
  readonly volumes?: readonly VolumeSeen[];
  readonly lastSlot?: string;
  readonly alarms?: AlarmsSeen;
}

/**
 * `settling`: the newest complete point is too old, a younger one was not complete when it was last seen, and the
 * last run found nothing wrong. `overdue`: none of that excuses its age. `unpromised`: nobody says how old it may be.
 */
export type Verdict = "kept" | "settling" | "overdue" | "unpromised";

/** How old the newest complete copy of a volume is, against what the job promises. */
export interface VolumeAge extends VolumeSeen {
  /** Of the newest complete point; absent if there is none. */
  readonly ageSeconds?: number;
  readonly verdict: Verdict;
}

export interface JobStatus extends Omit<KnownJob, "volumes" | "lastSlot"> {
  readonly schedule?: string;
  /** What the timetable says; whether something keeps to it is another question. */
  readonly next?: { readonly slot: string; readonly at: string };
  readonly promise?: RecoveryPromise;
  readonly volumes: readonly VolumeAge[];
  readonly overdue: boolean;
  /** Seconds by which the newest point seen lies ahead of the clock that all ages go by, which must be behind. */
  readonly aheadSeconds?: number;
}

/**
 * `never run`: configured, and neither this host nor AWS, where it was asked, knows of any run. `left out`: by the
 * instance's tag. `not protected`: neither a file nor a tag names anything, as far as it is known.
 */
export type ProtectionSeen = "protected" | "never run" | "left out" | "not protected";

/** What is known of this instance's backups. */
export interface Status {
  readonly instance?: string;
  /** It is a host outside EC2. */
  readonly elsewhere?: true;
  readonly protection: ProtectionSeen;
  /** The tag that leaves the instance out. */
  readonly leftOutBy?: string;
  /** `host`: what this host remembers, by its own clock; `aws`: asked just now. */
  readonly from: "host" | "aws";
  readonly asOf: string;
  readonly jobs: readonly JobStatus[];
  /** Jobs of which something is kept that cannot be read. */
  readonly unreadable: readonly string[];
  /** Why it is less than was asked for, or differs from what is written. */
  readonly notes: readonly string[];
}

/** Judges one job. `timed` is its configuration, absent where no job of that name is configured any more. */
export function judgeJob(known: KnownJob, timed: Timed | undefined, instance: string, now: Date): JobStatus {
  const { volumes: _, lastSlot: __, ...facts } = known;
  const promise = timed && promiseOf(timed, now);
  const volumes = volumeAges(known.volumes ?? wholeJob(known), promise, now, isSound(known));
  const ahead = aheadOf(known, now);
  return {
    ...facts,
    ...(timed?.schedule === undefined
      ? {}
      : {
          schedule: timed.schedule,
          next: nextRun(known, { ...timed, schedule: timed.schedule }, instance, now),
        }),
    ...(promise && { promise }),
    volumes,
    overdue: volumes.some((one) => one.verdict === "overdue"),
    ...(ahead > clocksDiffer && { aheadSeconds: ahead }),
  };
}

/** Whether somebody should look: a volume is overdue, or what is configured or was protected is not any more. */
export function needsAttention({ protection, jobs }: Status): boolean {
  if (protection === "left out") return false;
  const lost = protection === "not protected" && jobs.length > 0;
  return protection === "never run" || lost || jobs.some((job) => job.overdue);
}

/**
 * Whether AWS may know better than this host: a point may have become complete, or turned out to be none, since a
 * run has seen it, and tags may name what no file does.
 */
export function isDoubtful({ jobs, unreadable }: Status): boolean {
  const isSure = ({ newest, aheadSeconds, volumes }: JobStatus) =>
    newest !== undefined &&
    aheadSeconds === undefined &&
    volumes.every(({ verdict }) => verdict === "kept" || verdict === "unpromised");
  return jobs.length === 0 || unreadable.length > 0 || !jobs.every(isSure);
}

/** The last run, as far as one is known, gives no reason to think that its point will not become complete. */
function isSound({ report }: KnownJob): boolean {
  return report?.outcome !== "failed" && report?.outcome !== "degraded";
}

/** Seconds; clocks that are set by the network differ by less. */
const clocksDiffer = 60;

function aheadOf({ newest, volumes = [] }: KnownJob, now: Date): number {
  const dates = [newest?.captured, ...volumes.flatMap((one) => [one.newest, one.settling])];
  const times = dates.flatMap((date) => (date === undefined ? [] : [Date.parse(date)]));
  return times.reduce((most, time) => Math.max(most, (time - now.getTime()) / 1000), 0);
}

/**
 * Each volume's age and what it means. Ages are never below 0, whatever the clock. `sound`: nothing is known that
 * would keep a pending point from becoming complete.
 */
export function volumeAges(
  volumes: readonly VolumeSeen[],
  promise: RecoveryPromise | undefined,
  now: Date,
  sound: boolean,
): VolumeAge[] {
  return volumes.map((one) => {
    const age = ageOf(one.newest, now);
    return {
      ...one,
      ...(age === undefined ? {} : { ageSeconds: age }),
      verdict: verdictOf(age, sound ? ageOf(one.settling, now) : undefined, promisedOf(one, promise)),
    };
  });
}

/** A dump that is made more rarely than its job runs promises no more than that. */
export function promisedOf(
  { promiseSeconds }: VolumeSeen,
  promise: RecoveryPromise | undefined,
): RecoveryPromise | undefined {
  return promise && promiseSeconds !== undefined && promiseSeconds > promise.seconds
    ? { ...promise, seconds: promiseSeconds }
    : promise;
}

function verdictOf(
  age: number | undefined,
  settling: number | undefined,
  promise: RecoveryPromise | undefined,
): Verdict {
  if (promise === undefined) return "unpromised";
  const isYoung = (seconds: number | undefined) => seconds !== undefined && seconds <= promise.seconds;
  return isYoung(age) ? "kept" : isYoung(settling) ? "settling" : "overdue";
}

function ageOf(iso: string | undefined, now: Date): number | undefined {
  return iso === undefined ? undefined : Math.max(0, (now.getTime() - Date.parse(iso)) / 1000);
}

/** State that an earlier version wrote knows the job's newest point, not that of each volume. */
function wholeJob({ newest, report }: KnownJob): VolumeSeen[] {
  if (newest === undefined && report === undefined) return [];
  return [{ volume: "all volumes", device: "", ...(newest && { newest: newest.captured }) }];
}

function nextRun(
  { job, lastSlot }: KnownJob,
  { schedule, timezone, splay }: Timed & { readonly schedule: string },
  instance: string,
  now: Date,
): NonNullable<JobStatus["next"]> {
  const { slot, at } = nextWake(
    {
      schedule: parseSchedule(schedule),
      zone: timezone,
      splay: splayOf(`${instance}/${job}`, splay),
      lastSlot: lastSlot === undefined ? undefined : new Date(lastSlot),
    },
    now,
  );
  return { slot: slot.toISOString(), at: at.toISOString() };
}
