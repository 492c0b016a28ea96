import type { CopyOutcome } from "./copy-report.ts";
import type { ExpectedPoint, Week } from "./forecast.ts";
import type { Gap } from "./gaps.ts";
import type { LastDrill } from "./last-drill.ts";
import type { RecoveryPromise } from "./promise.ts";
import type { PointSummary, Problem, VolumeChoice } from "./report.ts";
import type { RestoreRecipe } from "./restore-recipe.ts";
import type { Consistency } from "./retention-policy.ts";
import type { RunNote } from "./run-note.ts";
import type { AlarmsSeen, JobStatus, VolumeAge } from "./status.ts";

/** Something that a reader should know, with what to do about it. */
export interface Finding {
  readonly severity: Problem["severity"];
  readonly job?: string;
  readonly says: string;
  readonly remedy?: string;
}

/** A volume of a job, or one that only its points still hold. */
export interface VolumePage extends VolumeAge {
  /** Whether the job takes it now. */
  readonly taken: boolean;
  /** Complete points that contain it. */
  readonly points: number;
}

export interface PointPage extends PointSummary {
  /** Less consistent than the job demands. */
  readonly lesser: boolean;
  readonly holds: readonly string[];
  /** What the next run does with it; `unknown` where no job of that name is configured. */
  readonly verdict: "keep" | "remove" | "postponed" | "unknown" | "elsewhere";
  /** Why it is kept; empty if it is not. */
  readonly reasons: readonly string[];
  /** When a run is expected to remove it, ISO 8601; absent if that lies further ahead than the forecast looks. */
  readonly leaves?: string;
}

/** What retention will do, as far as the page tells it. */
export interface ForecastPage {
  /** `observed`: without a schedule, as often as the last points came. */
  readonly basis: "schedule" | "observed";
  readonly everySeconds?: number;
  readonly until: string;
  readonly weeks: readonly Week[];
  readonly expected: readonly ExpectedPoint[];
  readonly runs: number;
  readonly shortened: boolean;
}

/** Durations of the remembered runs that made a point, in milliseconds. */
export interface TimingPage {
  readonly runs: number;
  readonly medianMs: number;
  readonly longestMs: number;
  readonly frozen?: { readonly runs: number; readonly medianMs: number; readonly longestMs: number };
}

export interface JobPage {
  readonly job: string;
  /** Whether the configuration in force has it. */
  readonly configured: boolean;
  readonly schedule?: string;
  readonly timezone?: string;
  readonly next?: JobStatus["next"];
  readonly promise?: RecoveryPromise;
  /** In words. */
  readonly policy?: string;
  /** Points beyond retention, where another role prunes; absent where the job's own runs do. */
  readonly beyond?: number;
  readonly demanded?: Consistency;
  readonly newest?: { readonly captured: string; readonly bytes: number; readonly ageSeconds: number };
  readonly volumes: readonly VolumePage[];
  /** Newest first. */
  readonly points: readonly PointPage[];
  readonly forecast?: ForecastPage;
  /** Newest first; absent where nothing is promised. */
  readonly gaps?: readonly Gap[];
  /** Since when gaps could be looked for, ISO 8601. */
  readonly gapsSince?: string;
  /** Oldest first; absent if this host remembers no run of the job. */
  readonly runs?: readonly RunNote[];
  readonly timing?: TimingPage;
  /** Of the last run that this host remembers. */
  /** Of each Region that its points are copied to, as the last run saw it. */
  readonly copies?: readonly CopyOutcome[];
  readonly problems: readonly Problem[];
  readonly running?: JobStatus["running"];
  readonly recipe?: RestoreRecipe;
  /** It is one series in a repository: what brings its newest complete point back, if there is one. */
  readonly stored?: { readonly restore?: string };
  /** Absent where no drill has restored any of the points. */
  readonly drill?: LastDrill;
  readonly alarms?: AlarmsSeen;
}

/** Everything that the report says, whatever it looks like. */
export interface ReportPage {
  readonly version: 1;
  /** EC2's clock at the listing. */
  readonly asOf: string;
  readonly agent: string;
  readonly instance: {
    readonly id: string;
    readonly name?: string;
    readonly region: string;
    readonly zone: string;
    readonly type: string;
  };
  /** `failing`: a finding is an error; `attention`: a warning. */
  readonly verdict: "good" | "attention" | "failing";
  readonly headline: string;
  readonly findings: readonly Finding[];
  readonly jobs: readonly JobPage[];
  /** Attached volumes that no job takes. */
  readonly left: readonly VolumeChoice[];
}
