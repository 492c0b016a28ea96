import type { LockWish } from "./lock.ts";

/** What can lock snapshots against deletion. */
export interface SnapshotLocks {
  /** Which of the snapshots are locked now; absent where nobody may ask, or one of them is not known. */
  locked(ids: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string> | undefined>;
  /** Locks one. A refusal is thrown as what it is. */
  lock(id: string, wish: LockWish, signal: AbortSignal): Promise<void>;
}
