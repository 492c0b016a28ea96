import type { Failure } from "./errors.ts";
import type { Mounted } from "./restore-ports.ts";

/** How far a volume of a restore is. */
type RestoreStep = "planned" | "created" | "attached" | "ready";

/** One volume of a restore, as far as it is known to be. */
export interface RestoredVolume {
  /** The volume that was captured. */
  readonly of: string;
  readonly snapshot: string;
  /** The new volume. */
  readonly id?: string;
  /** The name of its attachment. */
  readonly device?: string;
  /** The block device of this host. */
  readonly disk?: string;
  readonly step: RestoreStep;
  /** Whether an earlier invocation had made it. */
  readonly found: boolean;
}

/** A filesystem that was not mounted though it was asked for. */
export interface NotMounted {
  readonly path: string;
  readonly type: string;
  readonly found: string;
  readonly remedy: string;
}

/** What came of a restore. What is unfinished can be continued by the same command, or undone. */
export interface RestoreResult {
  readonly id: string;
  readonly outcome: "done" | "was-done" | "unfinished";
  readonly volumes: readonly RestoredVolume[];
  readonly mounted: readonly Mounted[];
  readonly notMounted: readonly NotMounted[];
  readonly failure?: Failure;
  readonly notes: readonly string[];
}

/** What became of one volume that a restore had left. */
export interface Undone {
  readonly id: string;
  readonly restore: string;
  readonly snapshot: string;
  readonly outcome: "removed" | "would-be-removed" | "left" | "failed";
  /** Why it is left. */
  readonly because?: string;
  readonly failure?: Failure;
}

/** Told while a restore goes on. */
export interface RestoreProgress {
  /** 0 to 100. */
  readonly percent: number;
  /** What is going on, in some words: "reading /dev/nvme2n1". */
  readonly doing: string;
  /** Bytes a second, where bytes are moved. */
  readonly rate?: number;
}
