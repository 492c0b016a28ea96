import type { CopyOutcome } from "./copy-report.ts";
import type { ErrorKind, Failure } from "./errors.ts";
import type { HookKind } from "./hook.ts";
import type { Trigger } from "./job.ts";
import type { LockReport } from "./lock-report.ts";
import type { MountSummary } from "./mount-map.ts";
import type { Removal } from "./ports.ts";
import type { PointImage, RecoveryPoint } from "./recovery-point.ts";
import { sizeOf } from "./recovery-point.ts";
import type { Consistency } from "./retention-policy.ts";
import type { StoredOutcome } from "./stored-report.ts";
import type { VolumeSeen } from "./volume-ages.ts";

/** A named, timed piece of a run. */
export interface Step {
  readonly name: string;
  readonly ms: number;
  readonly outcome: "done" | "failed";
}

/** Something to tell. An `error` makes the exit code say so; a `warning` and a `notice` do not. */
export interface Problem extends Failure {
  readonly severity: "error" | "warning" | "notice";
}

/** The facts of a failure alone: an error has more to it, which is nothing for a report. */
export function problemOf(severity: Problem["severity"], failure: Failure): Problem {
  const { kind, doing, found, remedy, code } = failure;
  const optional = { ...(remedy === undefined ? {} : { remedy }), ...(code === undefined ? {} : { code }) };
  return { severity, kind, doing, found, ...optional };
}

/** A point as the report and `--json` show it. */
export interface PointSummary {
  readonly id: string;
  readonly state: RecoveryPoint["state"];
  readonly captured: string;
  readonly consistency: RecoveryPoint["consistency"];
  readonly bytes: number;
  readonly image?: PointImage;
  readonly snapshots: readonly { readonly id: string; readonly volume: string; readonly state: string }[];
}

export interface VolumeChoice {
  readonly volume: string;
  readonly device: string;
  readonly because: string;
}

/** What became of one hook of the job. */
export interface HookReport {
  readonly hook: string;
  readonly kind: HookKind;
  /** `held` from before the capture until after it; `lost` in between; `failed` to hold; `not-tried` after an abort. */
  readonly outcome: "held" | "lost" | "failed" | "not-tried";
  /** Milliseconds that holding took. */
  readonly ms: number;
  readonly facts: Readonly<Record<string, string>>;
}

/** How still the point was held; of a plan, what its hooks could give. */
export interface StillnessReport {
  readonly demanded: Consistency;
  readonly achieved: Consistency;
  readonly hooks: readonly HookReport[];
  /** Milliseconds for which filesystems stood still at most; of the longest attempt, also where none succeeded. */
  readonly frozenMs?: number;
  /** Captures that were tried, where it was more than one. */
  readonly attempts?: number;
}

/** What retention decided and what became of it. */
export interface RetentionReport {
  readonly policy: string;
  /** EC2's clock, which the decision went by. */
  readonly asOf: string;
  readonly keep: readonly { readonly point: PointSummary; readonly reasons: readonly string[] }[];
  readonly remove: readonly PointSummary[];
  /** Given up by the policy, left because of the brake. */
  readonly postponed: readonly PointSummary[];
  /** Given up by the policy and left to another role; absent where the run itself removes. */
  readonly beyond?: readonly PointSummary[];
  readonly removals: readonly (Removal & { readonly point: string })[];
}

/** What a run did about images, and found of them. */
export interface ImageReport {
  /** The present period; absent where the job makes no images. */
  readonly period?: string;
  /** `there`: that of the period is there already. `due`: a run would make one. `none`: the job makes none any more. */
  readonly outcome: "made" | "there" | "due" | "not-made" | "none";
  /** The image of the period, and the point that it is. */
  readonly image?: string;
  readonly point?: string;
  /** Of the series that the points of images are. */
  readonly retention?: RetentionReport;
}

/** What a run did about one series in a repository. */
export interface StoredReport extends StoredOutcome {
  readonly point?: PointSummary;
  readonly retention?: RetentionReport;
}

/** What a run did about the copies in one Region. */
export interface CopyReport extends CopyOutcome {
  readonly retention?: RetentionReport;
}

/** All of a run as data. */
export interface RunReport {
  readonly version: 1;
  readonly run: string;
  readonly job: string;
  readonly trigger: Trigger;
  /** The scheduled instant that this run serves. */
  readonly slot?: string;
  /** Slots that passed without a run since the last one. */
  readonly missed?: number;
  /** Slots that came while the run before was still at work. */
  readonly overlapped?: number;
  readonly instance?: { readonly id: string; readonly arn: string; readonly name?: string };
  readonly started: string;
  readonly finished: string;
  readonly outcome: "done" | "degraded" | "failed" | "skipped";
  /** True if the run changed nothing because it only shows what would be done. */
  readonly planned: boolean;
  readonly chosen: readonly VolumeChoice[];
  readonly left: readonly VolumeChoice[];
  readonly instanceStores: readonly string[];
  /** What is mounted on the volumes and what of it may be frozen; of plans and of jobs that hold still. */
  readonly mounts?: MountSummary;
  readonly stillness?: StillnessReport;
  /** Points that this run made. */
  readonly points: readonly PointSummary[];
  /** Milliseconds from capture to completion, where the run waited for it. */
  readonly settleMs?: number;
  readonly retention?: RetentionReport;
  /** Where the job has its snapshots locked. */
  readonly locks?: LockReport;
  /** Where the job makes images or has made some. */
  readonly image?: ImageReport;
  /** Where the job copies its points to other Regions: one for each. */
  readonly copies?: readonly CopyReport[];
  /** Where the job stores files or dumps, in the order of the run. */
  readonly stored?: readonly StoredReport[];
  /** Of all series of the job, where they could be listed: `newestComplete` is of the one that is furthest behind. */
  readonly series?: {
    readonly complete: number;
    readonly newestComplete?: {
      readonly captured: string;
      readonly bytes: number;
      readonly ageSeconds: number;
    };
    /** Of each volume that the job takes. */
    readonly volumes?: readonly VolumeSeen[];
  };
  readonly steps: readonly Step[];
  readonly problems: readonly Problem[];
  /** Milliseconds without settling. */
  readonly elapsedMs: number;
}

export function summaryOf(point: RecoveryPoint): PointSummary {
  return {
    id: point.id,
    state: point.state,
    captured: point.captured.toISOString(),
    consistency: point.consistency,
    bytes: sizeOf(point),
    ...(point.image === undefined ? {} : { image: point.image }),
    snapshots: point.snapshots.map((one) => ({ id: one.id, volume: one.volumeId, state: one.state })),
  };
}

/** The exit codes of sysexits.h as far as we use them, and our own 0, 1 and 2. */
export const exitCodes = {
  done: 0,
  partlyDone: 1,
  nothingDone: 2,
  usage: 64,
  unreachable: 69,
  internal: 70,
  cannotWrite: 73,
  locked: 75,
  denied: 77,
  configuration: 78,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** The exit code of one cause, where nothing was done. */
export function exitCodeOfKind(kind: ErrorKind): number {
  switch (kind) {
    case "usage":
      return exitCodes.usage;
    case "configuration":
      return exitCodes.configuration;
    case "unreachable":
    case "throttled":
    case "unknown-outcome":
      return exitCodes.unreachable;
    case "denied":
      return exitCodes.denied;
    case "cannot-write":
      return exitCodes.cannotWrite;
    case "locked":
      return exitCodes.locked;
    case "interrupted":
      return exitCodes.interrupted;
    case "not-found":
    case "refused":
    case "unexpected":
      return exitCodes.nothingDone;
  }
}

/**
 * 0 = done; 1 = something done and anything wrong; nothing done: the specific code if all causes
 * agree, else 2.
 */
export function exitCodeOf(reports: readonly RunReport[]): number {
  const errors = reports.flatMap((report) =>
    report.problems.filter((problem) => problem.severity === "error"),
  );
  if (errors.length === 0) return exitCodes.done;
  if (reports.some(didSomething)) return exitCodes.partlyDone;
  return exitCodeOfKinds(errors.map(({ kind }) => kind));
}

/** Where nothing was done: the code that all causes agree on, else 2. A cause without a kind agrees with none. */
export function exitCodeOfKinds(kinds: readonly (ErrorKind | undefined)[]): number {
  const codes = new Set(
    kinds.map((kind) => (kind === undefined ? exitCodes.nothingDone : exitCodeOfKind(kind))),
  );
  const [only] = codes;
  return codes.size === 1 && only !== undefined ? only : exitCodes.nothingDone;
}

function didSomething(report: RunReport): boolean {
  const { stored = [], copies = [] } = report;
  const others = [...stored, ...copies].map((one) => one.retention);
  const retentions = [report.retention, report.image?.retention, ...others];
  const removals = retentions.flatMap((one) => one?.removals ?? []);
  const removed = removals.some((removal) => removal.outcome === "removed");
  const begun = copies.some((one) => one.begun.length > 0);
  const made = begun || report.points.some((point) => point.state !== "failed");
  return report.outcome === "done" || made || removed || stored.some(({ point }) => point !== undefined);
}
