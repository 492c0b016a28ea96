import type { DumpConfig, DumpStream } from "./dump-config.ts";
import type { Failure } from "./errors.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import type { Store, StoreProgress } from "./store-ports.ts";

/** What of a run is about repositories; loaded only where a job stores something. */
export interface Stores {
  /** A repository by its name in the configuration; nothing is asked of it yet. */
  open(name: string, signal: AbortSignal): Promise<Store>;
  /** The streams of a dump; nothing is dumped yet. */
  streams(dump: DumpConfig, signal: AbortSignal): Promise<readonly DumpStream[]>;
  /** How far a save is; `source` is `files` or `dump/<name>`. */
  progress(source: string, progress: StoreProgress): void;
  /** What the snapshots call this host. */
  readonly host: string;
  readonly version: string;
}

/** A point that was being stored: it may be there, and nobody knows whether it is whole. */
export interface StoringNote {
  readonly run: string;
  readonly point: string;
  readonly repository: string;
  /** `files` or `dump/<name>`. */
  readonly source: string;
  /** By the host's clock. */
  readonly at: string;
}

/** The points of a repository, and the clock that judges them. */
export interface StoredListing {
  readonly points: readonly RecoveryPoint[];
  readonly asOf: Date;
  /** Why nothing may be saved or removed there now. */
  readonly refusal?: Failure;
  /** What is to be told of the clock. */
  readonly notice?: string;
}
