/**
 * What went wrong, as far as the exit code and the next step depend on it.
 *
 * - `unknown-outcome`: the request may or may not have taken effect.
 * - `refused`: AWS understood the request and will not do it (a held snapshot, an exceeded limit).
 */
export type ErrorKind =
  | "usage"
  | "configuration"
  | "unreachable"
  | "throttled"
  | "denied"
  | "cannot-write"
  | "locked"
  | "interrupted"
  | "not-found"
  | "refused"
  | "unknown-outcome"
  | "unexpected";

/** The facts of a failure; the sentence is built from them. */
export interface Failure {
  readonly kind: ErrorKind;
  /** What was being done, as a phrase: "list snapshots of series x". */
  readonly doing: string;
  /** What was found: "EC2 answered RequestLimitExceeded (503)". */
  readonly found: string;
  /** What the reader can do about it. */
  readonly remedy?: string;
  /** The code of the API or of the system: "InvalidSnapshot.InUse", "ENOSPC". */
  readonly code?: string;
}

/** An error that says what was being done, what was found and what to do about it. */
export class BackupError extends Error implements Failure {
  override readonly name = "BackupError";
  readonly kind: ErrorKind;
  readonly doing: string;
  readonly found: string;
  readonly remedy?: string;
  readonly code?: string;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(sentenceOf(failure), options);
    this.kind = failure.kind;
    this.doing = failure.doing;
    this.found = failure.found;
    if (failure.remedy !== undefined) this.remedy = failure.remedy;
    if (failure.code !== undefined) this.code = failure.code;
  }
}

/** The error of whatever ends early because somebody wants it to. `who` was told: the run, or what was asked for. */
export function interrupted(doing: string, who = "the run"): BackupError {
  return new BackupError({ kind: "interrupted", doing, found: `${who} was told to stop` });
}

/** The failure in one line: "cannot <doing>: <found>; <remedy>". */
export function sentenceOf(failure: Failure): string {
  const remedy = failure.remedy === undefined ? "" : `; ${failure.remedy}`;
  return `cannot ${failure.doing}: ${failure.found}${remedy}`;
}

/** Any thrown value as a failure; what is not ours is `unexpected`, a defect worth reporting. */
export function failureOf(thrown: unknown, doing: string): Failure {
  if (thrown instanceof BackupError) return thrown;
  const found = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return { kind: "unexpected", doing, found };
}
