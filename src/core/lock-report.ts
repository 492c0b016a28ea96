import type { LockWish } from "./lock.ts";

/** What a run did about locks on the snapshots of its job's points; of a plan, what it would do. */
export interface LockReport extends LockWish {
  /** Snapshots that this run has locked. */
  readonly locked: readonly string[];
  /** Snapshots of recent points that were locked already. */
  readonly already: number;
  /** Snapshots that should be locked and are not. */
  readonly missing: readonly string[];
}
