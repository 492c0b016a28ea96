/** What a run did about the copies in one Region; of a plan, what it would do. */
export interface CopyOutcome {
  readonly region: string;
  /** EC2's clock there; absent where the Region could not be asked. */
  readonly asOf?: string;
  /** Copies that this run has begun; of a plan, would begin. `copy` is the id of the new snapshot. */
  readonly begun: readonly { readonly point: string; readonly source: string; readonly copy?: string }[];
  /** Copies of this series that are under way beside them. */
  readonly running: number;
  /** Points that are whole there. */
  readonly complete: number;
  /** Points that are wanted there and of which something is not even begun. */
  readonly waiting: readonly string[];
  /** Copies that failed, as EC2 tells minutes or hours later. */
  readonly failed: readonly FailedCopy[];
  /** Points that are not copied, and why. */
  readonly left: readonly { readonly point: string; readonly because: string }[];
  /** Copies that were cleared away, since they failed or were doubled. */
  readonly cleared: readonly { readonly snapshot: string; readonly because: string }[];
  /** Age of the oldest complete point that is wanted there and is not whole there; 0 if there is none. */
  readonly lagSeconds?: number;
}

export interface FailedCopy {
  readonly point: string;
  readonly source: string;
  readonly copy: string;
  /** EC2's words. */
  readonly message: string;
  /** Which try it was. */
  readonly attempt: number;
  /** When it is tried again, where that is not yet. */
  readonly retryAt?: string;
}
