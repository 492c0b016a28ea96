import type { DrillSubject } from "./drill.ts";
import type { MetricName } from "./metrics.ts";
import { metricTable } from "./metrics.ts";
import type { Metric } from "./ports.ts";
import { exitCodeOfKind, exitCodes, type Problem } from "./report.ts";

/** What became of one check. */
export interface CheckResult {
  readonly check: "mount" | "fsck" | "file" | "checksums" | "command";
  /** The filesystem, the path or the program that was looked at. */
  readonly on: string;
  /**
   * `skipped`: there is nothing that was to be looked at, such as swap. `not-done`: it was to be looked at and could
   * not be, which proves nothing, so that the point is not verified.
   */
  readonly outcome: "passed" | "failed" | "skipped" | "not-done";
  /** What was found, or why nothing was. */
  readonly detail?: string;
  readonly ms: number;
}

/**
 * `verified`: the point was restored and every check passed. `failed`: a check did not pass, so the point may be
 * worth nothing. `not-done`: it could not be looked at, which says nothing about the point.
 */
export type DrillOutcome = "verified" | "failed" | "not-done";

/** All of a drill of one point as data. */
export interface DrillReport {
  readonly version: 1;
  readonly run: string;
  readonly drill: string;
  readonly trigger: "manual" | "schedule" | "catch-up";
  readonly slot?: string;
  /** The host that drilled. */
  readonly host: string;
  /** Whose point it was: as the configuration names it where nothing more is known. */
  readonly subject: {
    readonly of?: string;
    readonly id: string;
    readonly arn?: string;
    readonly name?: string;
  };
  readonly job: string;
  readonly point?: { readonly id: string; readonly captured: string; readonly snapshots: readonly string[] };
  readonly started: string;
  readonly finished: string;
  /** From the first request until the last check, without cleaning up. */
  readonly elapsedMs: number;
  readonly outcome: DrillOutcome;
  readonly planned: boolean;
  /** GiB of all volumes, made or to be made. */
  readonly sizeGiB: number;
  readonly volumes: readonly {
    readonly of: string;
    readonly snapshot: string;
    readonly sizeGiB: number;
    /** Whether anything on it was mounted. */
    readonly looked: boolean;
  }[];
  readonly left: readonly { readonly volume: string; readonly because: string }[];
  readonly checks: readonly CheckResult[];
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
}

/** `whole`: the checks came to their end. What was to be looked at and was not keeps a point from being verified. */
export function outcomeOf(checks: readonly CheckResult[], whole: boolean): DrillOutcome {
  const some = (wanted: CheckResult["outcome"]) => checks.some(({ outcome }) => outcome === wanted);
  if (some("failed")) return "failed";
  return whole && !some("not-done") ? "verified" : "not-done";
}

/** What the checks have to say to people. */
export function problemsOf(checks: readonly CheckResult[], point: string): readonly Problem[] {
  return checks.flatMap(({ check, on, outcome, detail = "" }): Problem[] => {
    if (outcome === "passed") return [];
    const severity = outcome === "skipped" ? "notice" : "error";
    const doing = `verify ${check} of ${on} in point ${point}`;
    return [{ severity, kind: "refused", doing, found: detail }];
  });
}

/** The snapshots that bear the tag of the outcome: nothing good is said of one that was not looked at. */
export function taggedSnapshots({ outcome, volumes }: DrillReport): readonly string[] {
  if (outcome === "not-done") return [];
  return volumes.filter(({ looked }) => outcome === "failed" || looked).map(({ snapshot }) => snapshot);
}

/** What of a subject outlives a drill. */
export interface SubjectState {
  readonly job: string;
  readonly of?: string;
  readonly lastGood?: { readonly at: string; readonly point: string; readonly captured: string };
  readonly report: DrillReport;
}

/** What a host remembers of one drill. */
export interface DrillState {
  readonly version: 1;
  readonly drill: string;
  readonly lastSlot?: string;
  /** When the age of the last good drill was last told. */
  readonly told?: string;
  /** By `subjectKey`. */
  readonly subjects: Readonly<Record<string, SubjectState>>;
}

/** Whether a report says anything to who listens: what was kept out by another, or told to stop, does not. */
export function isTold({ problems, planned }: DrillReport): boolean {
  return !planned && !problems.some(({ kind }) => kind === "locked" || kind === "interrupted");
}

/** The metrics of one drilled point; its dimensions are the machine and the job that the point is of. */
export function metricsOfDrill(report: DrillReport): readonly Metric[] {
  if (!isTold(report)) return [];
  const done = report.outcome !== "not-done";
  return [
    measured("RestoreVerified", report.outcome === "verified" ? 1 : 0),
    ...(done ? [measured("RestoreSeconds", report.elapsedMs / 1000)] : []),
  ];
}

/** The metric that the alarm goes by; its dimensions are this host and the drill. */
export function ageMetric(seconds: number): Metric {
  return measured("SecondsSinceLastRestoreVerified", seconds);
}

function measured(name: MetricName, value: number): Metric {
  return { name, unit: metricTable[name].unit, value };
}

/**
 * Seconds since all that the drill covers was last verified: the age of the oldest of the last good drills. Absent
 * while anything of it was never verified: that is older than any number.
 */
export function ageOfDrill({ subjects }: Pick<DrillState, "subjects">, now: Date): number | undefined {
  const ages = Object.values(subjects).map(({ lastGood }) =>
    lastGood === undefined ? undefined : Math.max(0, (now.getTime() - Date.parse(lastGood.at)) / 1000),
  );
  if (ages.length === 0 || ages.includes(undefined)) return undefined;
  return Math.max(...ages.map((age) => age ?? 0));
}

/** What is remembered after a drill. Subjects that a whole drill did not meet any more are forgotten. */
export function withReports(
  before: DrillState | undefined,
  drill: string,
  done: readonly { readonly key: string; readonly subject: DrillSubject; readonly report: DrillReport }[],
  { whole, slot }: { readonly whole: boolean; readonly slot?: string },
): DrillState {
  const subjects: Record<string, SubjectState> = whole ? {} : { ...before?.subjects };
  for (const { key, subject, report } of done) {
    const earlier = before?.subjects[key];
    const { of, job } = subject;
    const good =
      report.outcome === "verified" && report.point !== undefined
        ? { at: report.finished, point: report.point.id, captured: report.point.captured }
        : earlier?.lastGood;
    subjects[key] = { job, ...(of === undefined ? {} : { of }), ...(good && { lastGood: good }), report };
  }
  const lastSlot = slot ?? before?.lastSlot;
  const told = before?.told;
  return { version: 1, drill, ...(lastSlot && { lastSlot }), ...(told && { told }), subjects };
}

/** What stands on the snapshots of a drilled point; no rule ever takes it as a reason to delete. */
export function verifiedTag({ finished, outcome, checks }: DrillReport): string {
  const failed = [...new Set(checks.filter((one) => one.outcome === "failed").map(({ check }) => check))];
  return `${finished} ${outcome === "verified" ? "ok" : `failed ${failed.join(" ")}`}`.trim().slice(0, 256);
}

/** 0: all verified. 1: something was drilled and anything is wrong. Nothing drilled: the code of the cause, else 2. */
export function exitCodeOfDrills(reports: readonly DrillReport[]): number {
  const errors = reports.flatMap(({ problems }) => problems.filter(({ severity }) => severity === "error"));
  if (errors.length === 0) return exitCodes.done;
  if (reports.some(({ outcome, planned }) => outcome !== "not-done" && !planned)) return exitCodes.partlyDone;
  const [only, ...more] = new Set(errors.map(({ kind }) => exitCodeOfKind(kind)));
  return only !== undefined && more.length === 0 ? only : exitCodes.nothingDone;
}
