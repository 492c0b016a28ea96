import type { Failure } from "./errors.ts";
import type { FreezePlan } from "./freeze-plan.ts";
import type { Occupied } from "./freeze-verdict.ts";
import type { Hook } from "./hook.ts";
import type { FreezeHookConfig, HookConfig } from "./hook-config.ts";
import type { Instance, Volume } from "./instance.ts";
import type { Job } from "./job.ts";
import type { MountHint } from "./manifest.ts";
import type { MountMap } from "./mount-map.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import type { Consistency } from "./retention-policy.ts";
import type { CaptureScope } from "./selection.ts";
import type { StoringNote } from "./storing-note.ts";

/** The host's clock: for timing, waits and log lines, never for retention. */
export interface Clock {
  now(): Date;
  /** Milliseconds since this process began; never jumps when the clock is set. */
  elapsed(): number;
  /** Resolves after the time, or at once when the signal aborts. Milliseconds. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** A number from 0 to less than 1, for jitter. */
  random(): number;
}

/** What an engine is asked to capture. */
export interface CaptureOrder {
  readonly job: Job;
  readonly instance: Instance;
  readonly scope: CaptureScope;
  readonly runId: string;
  /** EC2's clock, if it is known. */
  readonly asOf?: Date;
  /** What is mounted where, if the run has looked by the time of the capture. */
  readonly mounts?: () => readonly MountHint[] | undefined;
}

/** A capture that is ready: everything that can fail beforehand has been done. */
export interface Prepared {
  /** What had to be left out of the tags, in words. */
  readonly dropped: readonly string[];
  /**
   * Fixes the data. One attempt: a failure of kind `unknown-outcome` may have taken effect and must be
   * reconciled by {@link Engine.find}; any other kind has not. Nothing but its deadline cuts it short: that of
   * the job, or `within` milliseconds where something is held still only for so long. `answered` is told as
   * soon as the capture is sure, before the answer is read: from then on nothing needs to stand still.
   */
  capture(pointId: string, captured: Date, within?: number, answered?: () => void): Promise<RecoveryPoint>;
  /** Asks whether the very request of the capture would be allowed; makes nothing. */
  rehearse(pointId: string, captured: Date, signal: AbortSignal): Promise<void>;
  /** What went wrong in captures that made a point all the same, such as one that is less consistent. */
  problems?(): readonly Failure[];
  /** Makes credentials, names and connection ready for a capture that has no time for them. */
  warm(signal: AbortSignal): Promise<void>;
}

/** What is known of a point only after its capture. */
export interface CaptureMarks {
  readonly consistency: Consistency;
  /** Milliseconds for which filesystems stood still. */
  readonly frozenMs?: number;
}

/** What a listing found, and the clock of the service that answered. */
export interface Listing {
  readonly points: readonly RecoveryPoint[];
  /** Points of images: never among the others, since they are of series of their own. */
  readonly images?: readonly RecoveryPoint[];
  /** The service's clock at the listing; the `now` of retention. */
  readonly asOf: Date;
}

/** What became of one snapshot that was to be removed. */
export interface Removal {
  /** Or that of the image, of a point that is one. */
  readonly snapshotId: string;
  readonly image?: true;
  readonly volumeId: string;
  readonly outcome: "removed" | "was-gone" | "held" | "failed" | "left";
  readonly failure?: Failure;
}

/** Something that can prepare, capture, find, list and remove recovery points. */
export interface Engine<Order = CaptureOrder> {
  prepare(order: Order, signal: AbortSignal): Promise<Prepared>;
  /** The point as the service shows it now; absent if it does not show it (yet). */
  find(pointId: string, signal: AbortSignal): Promise<RecoveryPoint | undefined>;
  /** Writes on every member of the point how still it was held: one request. */
  mark(point: RecoveryPoint, marks: CaptureMarks, signal: AbortSignal): Promise<void>;
  /** All points of a series, or of the whole instance. */
  list(
    scope: { readonly series: string } | { readonly instanceArn: string },
    signal: AbortSignal,
  ): Promise<Listing>;
  /** The given points with what outside them holds them (images), asked for only before a removal. */
  withHolds(points: readonly RecoveryPoint[], signal: AbortSignal): Promise<readonly RecoveryPoint[]>;
  /** Removes a point member by member; stops at the first that is refused, so that no set is halved. */
  remove(point: RecoveryPoint): AsyncIterable<Removal>;
}

/** This host as far as holding still goes by it. */
export interface Host {
  /** Which mounts rest on which of the volumes. */
  mounts(volumes: readonly Volume[]): Promise<MountMap>;
  /** Filesystems that hold what the agent, its log or the job's hooks need while others stand still. */
  occupied(job: Job): Promise<readonly Occupied[]>;
  /** The filesystem that each path is on; paths that lead nowhere are left out. */
  lying(paths: readonly string[]): Promise<readonly Occupied[]>;
  /** What says that the host is about to fall asleep. */
  suspendPending(): Promise<string | undefined>;
  hook(config: Exclude<HookConfig, FreezeHookConfig>): Promise<Hook>;
  /** A hook that freezes the mounts wave by wave; `warm` runs while their data is written. */
  freeze(config: FreezeHookConfig, waves: FreezePlan["freeze"], warm: () => Promise<void>): Hook;
  /** Has the data of the mounts written, within a bounded time. */
  sync(paths: readonly string[]): Promise<void>;
}

/** Numbers for people who do not look: CloudWatch, or nothing. */
export interface Metric {
  readonly name: string;
  readonly unit: "Seconds" | "Bytes" | "Count" | "Milliseconds";
  readonly value: number;
  /** What it is of beside the dimensions that all have in common, such as the `Drive` of one volume. */
  readonly dimensions?: Readonly<Record<string, string>>;
}

export interface MetricSink {
  /** The receiver's clock dates them, so that a host whose clock is wrong is still heard. */
  publish(metrics: readonly Metric[], dimensions: Readonly<Record<string, string>>): Promise<void>;
}

export type LogLevel = "error" | "warn" | "info" | "debug";

/** Facts go into the fields, under a short fixed list of names. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

export interface LogFields {
  readonly run?: string;
  readonly job?: string;
  readonly point?: string;
  readonly snapshot?: string;
  readonly volume?: string;
  readonly step?: string;
  readonly ms?: number;
  readonly code?: string;
}

/** What this host remembers of a job's captures, so that a run that dies leaves a trace. */
export interface Journal {
  /** Noted before the request is sent: from now on a point of this id may exist. */
  begin(job: string, entry: CaptureNote): Promise<void>;
  /** The capture of a run that never came to its report, if there is one. */
  unfinished(job: string): CaptureNote | undefined;
  /** What the last report of the job says of the points that its run made. */
  marksOf(job: string): ReadonlyMap<string, CaptureMarks>;
  /** Noted before something is stored in a repository: from now on a point of this id may be there, and not be whole. */
  storing(job: string, note: StoringNote): Promise<void>;
  /** That point is whole, or judged, or was never made. */
  stored(job: string, point: string): Promise<void>;
  /** What was being stored by runs that never said what became of it. */
  unjudged(job: string): readonly StoringNote[];
}

export interface CaptureNote {
  readonly run: string;
  readonly point: string;
  /** By the host's clock. */
  readonly at: string;
}

/** One line of the local record of removals. */
export interface AuditLine {
  readonly time: string;
  readonly run: string;
  /** Of a sweep: the account and the Region. */
  readonly unit?: string;
  readonly job: string;
  readonly point: string;
  readonly snapshot: string;
  readonly volume: string;
  /** EC2's start time of the snapshot. */
  readonly captured: string;
  readonly outcome: "removing" | Removal["outcome"];
}

/** Appends and syncs; a removal that cannot be recorded is not made. */
export interface Audit {
  append(line: AuditLine): Promise<void>;
}

/** Held until released or until the process ends, whatever way it ends. */
export interface HeldLock {
  release(): Promise<void>;
}

/** At most one run of a job at a time on this host. */
export interface Locks {
  /** Takes the lock, or says who has it. `owner` is what others are told meanwhile. */
  take(job: string, owner: string): Promise<HeldLock | { readonly heldBy: string }>;
}

/** Tells whether a volume's own tags leave it out, and which tag. */
export type LeftOutByTag = (volume: Pick<Volume, "tags">) => string | undefined;
