import type { Trigger } from "./job.ts";
import type { Metric } from "./ports.ts";
import { exitCodeOfKinds, exitCodes, type Problem } from "./report.ts";
import type { StoreFacts } from "./store-answers.ts";
import type { RepositoryConfig } from "./store-ports.ts";
import { type UpkeepKind, upkeepKinds } from "./upkeep-names.ts";

export type UpkeepAction = UpkeepKind | "init" | "unlock";

/** What became of the points of one series. */
export interface SeriesUpkeep {
  readonly series: string;
  /** Points that stay, held ones among them. */
  readonly kept: number;
  /** Ids of points that were given up and are gone; where it is planned only, that would go. */
  readonly removed: readonly string[];
  /** Ids of points that are given up and stay for now: the brake holds them. */
  readonly postponed: readonly string[];
  /** Points of which the time is not believed, with the reason. */
  readonly disbelieved: readonly { readonly point: string; readonly why: string }[];
}

/** A point that was copied, or is to be. */
export interface CopiedPoint {
  readonly point: string;
  readonly series: string;
  /** Of the snapshot in the repository that it is copied from. */
  readonly snapshot: string;
}

/** All of one upkeep of one repository as data. */
export interface UpkeepReport {
  readonly version: 1;
  readonly run: string;
  readonly action: UpkeepAction;
  readonly repository: string;
  readonly trigger: Trigger;
  /** The scheduled instant that it serves, ISO 8601. */
  readonly slot?: string;
  /** The host that did it. */
  readonly host: string;
  readonly started: string;
  readonly finished: string;
  readonly elapsedMs: number;
  readonly planned: boolean;
  /**
   * `done`: all of it. `degraded`: some of it. `unsound`: the repository is damaged. `not-done`: nothing.
   * `skipped`: another one is at work on it, here.
   */
  readonly outcome: "done" | "degraded" | "unsound" | "not-done" | "skipped";
  readonly facts?: StoreFacts;
  readonly check?: {
    readonly sound: boolean;
    /** The part of the data that was read, such as `3/12`. */
    readonly read?: string;
    /** What restic said is wrong. */
    readonly errors: readonly string[];
  };
  readonly prune?: { readonly freedBytes?: number; readonly series: readonly SeriesUpkeep[] };
  readonly mirror?: {
    readonly to: string;
    readonly copied: readonly CopiedPoint[];
    /** How many were there before. */
    readonly there: number;
    readonly series: readonly SeriesUpkeep[];
  };
  readonly problems: readonly Problem[];
}

/** What a host remembers of one kind of upkeep. */
interface KindState {
  /** When this host first knew that it has a schedule, ISO 8601: until it is overdue from then on, all is calm. */
  readonly since?: string;
  readonly lastSlot?: string;
  /** When it was last done to its end with nothing wrong, ISO 8601. */
  readonly lastGood?: string;
  readonly report?: UpkeepReport;
}

/** What a host remembers of one repository. */
export interface UpkeepState {
  readonly version: 1;
  readonly repository: string;
  /** restic's id of it, and when it was last opened: what is out of reach now was there then. */
  readonly known?: { readonly id: string; readonly at: string };
  /** Which part of the data is read next. */
  readonly parts?: { readonly of: number; readonly next: number };
  readonly check?: KindState;
  readonly prune?: KindState;
  readonly mirror?: KindState;
  /** Policies that points at the mirror were kept by, until when they still count after a newer one. */
  readonly policies?: readonly RememberedPolicy[];
}

/** A policy in the words of the tag, and until when it counts beside the one in force; absent: it is in force. */
export interface RememberedPolicy {
  readonly text: string;
  readonly until?: string;
}

function kindOf({ action }: UpkeepReport): UpkeepKind | undefined {
  return upkeepKinds.find((kind) => kind === action);
}

/** Whether the person who asked for it by hand has stopped it himself, and nothing else was wrong: no failure. */
export function wasStopped({ trigger, problems }: UpkeepReport): boolean {
  const errors = problems.filter(({ severity }) => severity === "error");
  return trigger === "manual" && errors.length > 0 && errors.every(({ kind }) => kind === "interrupted");
}

/**
 * What is remembered after an upkeep; one that was only planned, kept out by another or told to stop serves no slot, and
 * one that who asked for it has stopped leaves what is known of the one before.
 */
export function withUpkeep(
  before: UpkeepState | undefined,
  report: UpkeepReport,
  more: Pick<UpkeepState, "parts" | "policies"> = {},
): UpkeepState {
  const state: UpkeepState = before ?? { version: 1, repository: report.repository };
  if (report.planned) return state;
  const { facts } = report;
  const known = facts && { id: facts.repositoryId, at: report.finished };
  const after = { ...state, ...(known && { known }), ...more };
  const kind = kindOf(report);
  if (kind === undefined || wasStopped(report)) return after;
  const earlier = state[kind];
  const since = earlier?.since ?? report.started;
  const isCut = report.problems.some((problem) => problem.kind === "interrupted");
  const lastSlot = (isCut ? undefined : report.slot) ?? earlier?.lastSlot;
  const lastGood = report.outcome === "done" ? report.finished : earlier?.lastGood;
  return {
    ...after,
    [kind]: { since, ...(lastSlot && { lastSlot }), ...(lastGood && { lastGood }), report },
  };
}

/** The same, with schedules that this host sees for the first time; nothing where it knows all of them. */
export function withSchedules(
  before: UpkeepState | undefined,
  config: Pick<RepositoryConfig, "name" | UpkeepKind>,
  now: Date,
): UpkeepState | undefined {
  const fresh = scheduledKinds(config).filter((kind) => before?.[kind] === undefined);
  if (fresh.length === 0) return undefined;
  const state: UpkeepState = before ?? { version: 1, repository: config.name };
  const since = now.toISOString();
  return { ...state, ...Object.fromEntries(fresh.map((kind) => [kind, { since }])) };
}

/** What is to be done to a repository by itself. */
export function scheduledKinds(config: Pick<RepositoryConfig, UpkeepKind>): readonly UpkeepKind[] {
  return upkeepKinds.filter((kind) => config[kind]?.schedule !== undefined);
}

/**
 * The metrics of an upkeep: `Errors` and `ElapsedTime`, with the job {@link metricsJob}. `others`: what else is wrong
 * with the upkeep of the repository, so that a good prune does not hide what the check found.
 */
export function metricsOfUpkeep(report: UpkeepReport, others = 0): readonly Metric[] {
  // That others are at work there, as an unlock says, is no error of this host's.
  if (report.planned || report.outcome === "skipped" || report.action === "unlock" || wasStopped(report))
    return [];
  const errors = report.problems.filter(({ severity }) => severity === "error").length + others;
  return [
    { name: "Errors", unit: "Count", value: errors },
    { name: "ElapsedTime", unit: "Seconds", value: report.elapsedMs / 1000 },
  ];
}

/** What metrics call a repository in the place of a job. */
export function metricsJob(repository: string): string {
  return `repository:${repository}`;
}

/** 0: nothing is wrong. 1: something was done, or damage was found. Nothing done: the code of the cause, else 2. */
export function exitCodeOfUpkeep(reports: readonly UpkeepReport[]): number {
  const errors = reports.flatMap(({ problems }) => problems.filter(({ severity }) => severity === "error"));
  if (errors.length === 0) return exitCodes.done;
  const did = reports.some(({ outcome }) => ["done", "degraded", "unsound"].includes(outcome));
  return did ? exitCodes.partlyDone : exitCodeOfKinds(errors.map(({ kind }) => kind));
}
