import type { Failure } from "./errors.ts";
import type { Instance, Volume } from "./instance.ts";
import type { Job } from "./job.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import type { CaptureScope } from "./selection.ts";

/** The host's clock: for timing, waits and log lines, never for retention. */
export interface Clock {
  now(): Date;
  /** Milliseconds from some fixed instant; never jumps when the clock is set. */
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
}

/** A capture that is ready: everything that can fail beforehand has been done. */
export interface Prepared {
  /** What had to be left out of the tags, in words. */
  readonly dropped: readonly string[];
  /**
   * Fixes the data. One attempt: a failure of kind `unknown-outcome` may have taken effect and must be
   * reconciled by {@link Engine.find}; any other kind has not.
   */
  capture(pointId: string, captured: Date, signal: AbortSignal): Promise<RecoveryPoint>;
}

/** What a listing found, and the clock of the service that answered. */
export interface Listing {
  readonly points: readonly RecoveryPoint[];
  /** The service's clock at the listing; the `now` of retention. */
  readonly asOf: Date;
}

/** What became of one snapshot that was to be removed. */
export interface Removal {
  readonly snapshotId: string;
  readonly volumeId: string;
  readonly outcome: "removed" | "was-gone" | "held" | "failed" | "left";
  readonly failure?: Failure;
}

/** Something that can prepare, capture, find, list and remove recovery points. */
export interface Engine {
  prepare(order: CaptureOrder, signal: AbortSignal): Promise<Prepared>;
  /** The point as the service shows it now; absent if it does not show it (yet). */
  find(pointId: string, signal: AbortSignal): Promise<RecoveryPoint | undefined>;
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

/** Numbers for people who do not look: CloudWatch, or nothing. */
export interface Metric {
  readonly name: string;
  readonly unit: "Seconds" | "Bytes" | "Count" | "Milliseconds";
  readonly value: number;
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
export type LeftOutByTag = (volume: Volume) => string | undefined;
