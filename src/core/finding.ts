import type { ErrorKind } from "./errors.ts";
import { exitCodeOfKinds, exitCodes } from "./report.ts";

/**
 * - `error`: a run fails, or nobody starts one, or nobody would hear of it.
 * - `warning`: backups are made, and something about them is not as it should be.
 * - `note`: worth knowing; nothing has to be done.
 */
export type Severity = "error" | "warning" | "note";

/** Something that doctor found. */
export interface Finding {
  readonly severity: Severity;
  /** What is wrong, as a sentence without its full stop. */
  readonly what: string;
  /** Why it matters: what would happen, or not happen. */
  readonly why: string;
  /** What to do, where more is to be said than the command. */
  readonly advice?: string;
  /** The command that mends it; where no command can, the one that shows where to mend it. */
  readonly command: string;
  /** Of an error: as what kind the run would fail; absent where no run would. */
  readonly kind?: ErrorKind;
}

/** Something that cannot be known without doing it. */
export interface Untested {
  readonly what: string;
  readonly because: string;
}

/** What one check came to. */
export interface CheckResult {
  readonly findings: readonly Finding[];
  readonly untested?: readonly Untested[];
}

/** A check by its name, with what it came to. */
export interface CheckReport extends CheckResult {
  readonly check: string;
  /** For people: what is looked at. */
  readonly about: string;
  /** Milliseconds. */
  readonly ms: number;
}

export const nothingFound: CheckResult = { findings: [] };

/** Thrown by a check whose ground is missing, where another check tells why: it is not testable. */
export class NotTestable extends Error {
  override readonly name = "NotTestable";
  readonly what: string;
  constructor(what: string, because: string) {
    super(because);
    this.what = what;
  }
}

/**
 * 0 = nothing or only notes; 1 = warnings; with errors the code of the run that would fail, where all errors
 * agree, else 2.
 */
export function exitCodeOfFindings(findings: readonly Finding[]): number {
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length === 0)
    return findings.some(({ severity }) => severity === "warning") ? exitCodes.partlyDone : exitCodes.done;
  return exitCodeOfKinds(errors.map(({ kind }) => kind));
}

const order: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

/** All findings with their checks, the worst first; of the same severity in the order of the checks. */
export function worstFirst(
  reports: readonly CheckReport[],
): readonly (Finding & { readonly check: string })[] {
  return reports
    .flatMap(({ check, findings }) => findings.map((finding) => ({ check, ...finding })))
    .sort((a, b) => order[a.severity] - order[b.severity]);
}

/** A word as a POSIX shell takes it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
