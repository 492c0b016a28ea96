import type { Failure } from "./errors.ts";
import type { Tags } from "./instance.ts";
import type { Engine } from "./ports.ts";
import type { Snapshot } from "./recovery-point.ts";

/** One CopySnapshot request, into the Region that is asked. */
export interface CopyRequest {
  readonly source: string;
  /** The Region of the source. */
  readonly from: string;
  readonly description: string;
  readonly tags: Tags;
  readonly kmsKeyId?: string;
  /** Minutes. */
  readonly completeWithin?: number;
}

/** Another Region, as who copies into it sees it. */
export interface CopyRegion {
  /** Finds, holds and removes points there, which are made of copies. */
  readonly engine: Pick<Engine, "find" | "withHolds" | "remove">;
  /** All snapshots of a series there, and the clock of the answer. */
  list(series: string, signal: AbortSignal): Promise<{ readonly snapshots: readonly Snapshot[]; asOf: Date }>;
  /** How many copies are under way there, whoever began them. */
  running(signal: AbortSignal): Promise<number>;
  /** What is known to be wrong with the key; nothing where nobody may ask. */
  keyTrouble(key: string, signal: AbortSignal): Promise<Failure | undefined>;
  /**
   * Begins a copy, and returns its id. One attempt: a failure of kind `unknown-outcome` may have begun it and is
   * reconciled by {@link CopyRegion.list}; any other kind has not.
   */
  copy(request: CopyRequest): Promise<string>;
  /** Asks whether the very request would be allowed; makes nothing. */
  rehearse(request: CopyRequest, signal: AbortSignal): Promise<void>;
}
