import { type Alarm, type AlarmKind, alarmName } from "./alarm.ts";
import { hindrance } from "./alarm-hindrance.ts";
import {
  type Answer,
  askDegraded,
  askLag,
  holdsStill,
  ofAge,
  ofLatest,
  type Question,
} from "./alarm-questions.ts";
import { descriptionOf } from "./alarm-remedies.ts";
import type { AlarmSettings } from "./alarm-settings.ts";
import { drillPrefix } from "./drill.ts";
import { formatDuration } from "./duration.ts";
import type { Instance } from "./instance.ts";
import type { Job } from "./job.ts";
import { commonDimensions, type Dimension, type MetricName, type MetricOutput } from "./metrics.ts";
import { missedLimit, type Watched } from "./missed-limit.ts";
import { runsKept, runsNeeded, slowLimit } from "./slow-runs.ts";
import { metricsJob } from "./upkeep.ts";

/** Which metrics go to CloudWatch, and under what dimensions. */
export interface PublishedMetrics {
  readonly namespace: string;
  readonly dimensions: readonly Dimension[];
  readonly enabled: boolean;
  readonly outputs: readonly MetricOutput[];
  /** These alone; absent = all. */
  readonly only?: readonly MetricName[];
  readonly perVolume: boolean;
}

/** What is known when alarms are to be made. */
export interface AlarmFacts {
  readonly instance: Pick<Instance, "id" | "arn" | "name">;
  readonly jobs: readonly Job[];
  readonly drills?: readonly WatchedDrill[];
  /** Names of repositories that this host looks after on schedules. */
  readonly repositories?: readonly string[];
  readonly metrics: PublishedMetrics;
  readonly settings: AlarmSettings;
  /** Of the newest runs of each job, in ms, the newest last. */
  readonly durations: Readonly<Record<string, readonly number[]>>;
  /** ARN of who is told; absent = nobody. */
  readonly topic?: string;
  readonly now: Date;
}

/** A drill of this host. */
export interface WatchedDrill extends Watched {
  /** Milliseconds. */
  readonly splay: number;
  /** How many jobs of how many machines it covers, as far as that is known; each has metrics. */
  readonly covers: number;
}

/** An alarm that is not made, and why. */
export interface Unmade {
  readonly kind: AlarmKind;
  readonly job: string;
  readonly because: string;
  /** What brings it; absent where nothing is missing. */
  readonly remedy?: string;
}

export interface WantedAlarms {
  readonly alarms: readonly Alarm[];
  readonly unmade: readonly Unmade[];
  /** Jobs, and drills as `drill/name`, whose age must be told between their runs: see `alarms beat`. */
  readonly beats: readonly string[];
  /** In words, what was chosen and why. */
  readonly notes: readonly string[];
}

/** Which metric each alarm watches: one of the table that runs publish from. */
export const watched = {
  missed: "SecondsSinceLastBackup",
  errors: "Errors",
  slow: "ElapsedTime",
  degraded: "Degraded",
  "copy-lag": "CopyLag",
  drill: "SecondsSinceLastRestoreVerified",
  upkeep: "Errors",
} as const satisfies Record<AlarmKind, MetricName>;

type JobKind = Exclude<AlarmKind, "copy-lag" | "drill" | "upkeep">;

const questions: Record<JobKind, (job: Job, facts: AlarmFacts) => Answer> = {
  missed: askMissed,
  errors: () => ({ ...ofLatest(0), means: "the last run reported errors" }),
  slow: askSlow,
  degraded: askDegraded,
};

/** The alarms of this instance's jobs, and those that cannot be made. */
export function alarmsFor(facts: AlarmFacts): WantedAlarms {
  const alarms: Alarm[] = [];
  const unmade: Unmade[] = [];
  const beats: string[] = [];
  const notes: string[] = [];
  const add = (kind: AlarmKind, name: string, beat: string, answer: Answer, region?: string): void => {
    if ("because" in answer) unmade.push({ kind, job: name, ...answer });
    else {
      alarms.push(alarmOf(kind, name, answer, facts, region));
      if (answer.beat === true) beats.push(beat);
      if (answer.note !== undefined) notes.push(`${name}/${kind}: ${answer.note}`);
    }
  };
  for (const kind of Object.keys(questions) as JobKind[])
    for (const { job, name } of watchedJobs(facts))
      add(kind, name, job.name, hindranceOf(kind, facts) ?? questions[kind](job, facts));
  for (const { job, name } of watchedJobs(facts))
    for (const { region } of job.copy ?? [])
      add(
        "copy-lag",
        name,
        job.name,
        hindranceOf("copy-lag", facts) ?? askLag(job, region, facts.now),
        region,
      );
  for (const drill of facts.drills ?? []) {
    const answer = hindranceOf("drill", facts) ?? askDrill(drill, facts);
    add("drill", drill.name, `${drillPrefix}${drill.name}`, answer);
  }
  for (const repository of facts.repositories ?? []) {
    const means = "the last check, prune or mirror reported errors, or one is overdue";
    add("upkeep", repository, "", hindranceOf("upkeep", facts) ?? { ...ofLatest(0), means });
  }
  return { alarms, unmade, beats, notes };
}

/** Without the dimension Job the metrics of all jobs are one, and so are their alarms. */
function watchedJobs({ jobs, metrics }: AlarmFacts): readonly { job: Job; name: string }[] {
  const [first] = jobs;
  if (metrics.dimensions.includes("Job") || jobs.length < 2 || first === undefined) {
    return jobs.map((job) => ({ job, name: job.name }));
  }
  const still = jobs.find((job) => holdsStill(job));
  return [{ job: still ?? first, name: "all" }];
}

function hindranceOf(kind: AlarmKind, { jobs, drills = [], metrics }: AlarmFacts) {
  // Runs tell errors as well, of all repositories at once.
  const many = kind === "upkeep" || (kind === "drill" ? drills : jobs).length > 1;
  return hindrance({ kind, metric: watched[kind], many }, metrics);
}

function askMissed(job: Job, { now }: AlarmFacts): Answer {
  return ofAge(missedLimit(job, now), "its newest complete recovery point");
}

/** The same dead-man's switch: it rings for drills that fail and for such as never run. */
function askDrill(drill: WatchedDrill, { now }: AlarmFacts): Answer {
  return ofAge(missedLimit(drill, now, `drill.${drill.name}`), "its last good drill");
}

function askSlow(job: Job, { settings, durations }: AlarmFacts): Answer {
  if (settings.slowerThan !== "auto") {
    const { slowerThan } = settings;
    return {
      ...ofLatest(slowerThan / 1000),
      means: `the last run took longer than ${formatDuration(slowerThan)}`,
    };
  }
  const limit = slowLimit(durations[job.name] ?? []);
  if (limit.kind === "too-few") {
    return {
      because: `${limit.runs} of at least ${runsNeeded} runs are known, from which its limit is made`,
      remedy: "apply again later, or set alarms.slowerThan",
    };
  }
  const { slowerThan, median, runs } = limit;
  return {
    ...ofLatest(slowerThan / 1000),
    means: `the last run took longer than ${formatDuration(slowerThan)}, three times what runs usually take`,
    note: `3 x the median (${(median / 1000).toFixed(1)} s) of the last ${runs} of at most ${runsKept} runs, in whole minutes`,
  };
}

function alarmOf(
  kind: AlarmKind,
  job: string,
  question: Question,
  facts: AlarmFacts,
  region: string | undefined,
): Alarm {
  const { instance, metrics, topic } = facts;
  const whose = instance.name === undefined ? instance.id : `${instance.name} (${instance.id})`;
  return {
    ...question.window,
    name: alarmName(instance.id, job, kind, region),
    kind,
    job,
    ...(region !== undefined && { region }),
    description: descriptionOf(kind, job, whose, question.means),
    namespace: metrics.namespace,
    metric: watched[kind],
    dimensions: {
      ...commonDimensions({ instance, job: kind === "upkeep" ? metricsJob(job) : job }, metrics.dimensions),
      ...(region !== undefined && { Region: region }),
    },
    threshold: question.threshold,
    treatMissingData: question.treatMissingData,
    actions: topic === undefined ? [] : [topic],
    tags: tagsOfAlarm(instance.arn, job),
    tellsWithin: question.tellsWithin,
  };
}

export function tagsOfAlarm(instanceArn: string, job: string): Alarm["tags"] {
  return { "ec2-backup:instance": instanceArn, "ec2-backup:job": job };
}
