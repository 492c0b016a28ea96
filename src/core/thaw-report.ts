import type { Failure } from "./errors.ts";

/** What became of a mount that a ledger calls ours. */
export interface ThawedMount {
  readonly path: string;
  /** `major:minor`. */
  readonly superblock: string;
  /**
   * `gone`: its device is no more; `not-mounted`: it is mounted nowhere, so it cannot be thawed, and a
   * system keeps what is unmounted frozen: mounted again it is frozen still.
   */
  readonly outcome: "thawed" | "was-not-frozen" | "gone" | "not-mounted" | "failed";
  readonly found?: string;
}

/** What became of something else that a process left behind, such as a lock of a database. */
export interface UndoneNote {
  readonly kind: string;
  readonly name: string;
  readonly outcome: "undone" | "failed";
  readonly found?: string;
}

export interface LedgerReport {
  /** The name of the ledger in the runtime directory. */
  readonly ledger: string;
  /**
   * `done`: nothing of it is left; `earlier-boot`: what it tells went with that boot; `in-use`: its processes
   * live and will thaw; `unmounted`: kept for what is mounted nowhere, all else is done; `broken`: not readable,
   * put aside; `failed`: something is frozen or held still, or the ledger cannot be trusted.
   */
  readonly state: "done" | "earlier-boot" | "in-use" | "unmounted" | "broken" | "failed";
  readonly mounts: readonly ThawedMount[];
  readonly notes: readonly UndoneNote[];
  readonly problem?: Failure;
}

/** What was left behind by processes that ended while something stood still, and what became of it. */
export interface ThawReport {
  readonly ledgers: readonly LedgerReport[];
}
