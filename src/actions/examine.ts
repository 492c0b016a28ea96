import { BackupError, failureOf, interrupted, sentenceOf } from "../core/errors.ts";
import { type CheckReport, type CheckResult, type Finding, NotTestable } from "../core/finding.ts";
import type { Clock } from "../core/ports.ts";

/** One thing that is looked at, on a ground that all checks share. */
export interface Check<Ground> {
  /** A word or two, as in the table: "clock". */
  readonly name: string;
  /** What is looked at, for people. */
  readonly about: string;
  /** What its failure or its silence means for backups. */
  readonly why: string;
  /** What shows more of it. */
  readonly command: string;
  run(ground: Ground, signal: AbortSignal): Promise<CheckResult>;
}

/**
 * Runs all checks side by side. One that fails is a finding, and so is one that has not answered after
 * `deadline` milliseconds: nothing of it is waited for any longer. Throws only if it is interrupted.
 */
export async function examine<Ground>(
  checks: readonly Check<Ground>[],
  ground: Ground,
  { clock, deadline }: { readonly clock: Pick<Clock, "elapsed">; readonly deadline: number },
  signal: AbortSignal,
): Promise<readonly CheckReport[]> {
  return Promise.all(
    checks.map(async (check): Promise<CheckReport> => {
      const began = clock.elapsed();
      const result = await resultOf(check, ground, deadline, signal);
      const { name, about } = check;
      return { check: name, about, ms: Math.round(clock.elapsed() - began), ...result };
    }),
  );
}

async function resultOf<Ground>(
  check: Check<Ground>,
  ground: Ground,
  deadline: number,
  signal: AbortSignal,
): Promise<CheckResult> {
  const late = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop: (() => void) | undefined;
  const cut = new Promise<CheckResult>((resolve, reject) => {
    timer = setTimeout(() => {
      late.abort();
      resolve({ findings: [silence(check, deadline)] });
    }, deadline);
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([check.run(ground, AbortSignal.any([signal, late.signal])), cut]);
  } catch (error) {
    if (signal.aborted) throw interrupted(`check ${check.name}`, "it");
    if (error instanceof NotTestable)
      return { findings: [], untested: [{ what: error.what, because: error.message }] };
    return { findings: [failed(check, error)] };
  } finally {
    clearTimeout(timer);
    if (stop !== undefined) signal.removeEventListener("abort", stop);
  }
}

function silence<Ground>({ about, why, command }: Check<Ground>, deadline: number): Finding {
  return {
    severity: "error",
    what: `${about}: no answer within ${deadline / 1000} s`,
    why,
    command,
    kind: "unreachable",
  };
}

function failed<Ground>({ name, why, command }: Check<Ground>, error: unknown): Finding {
  const { remedy, kind, ...failure } = failureOf(error, `check ${name}`);
  const advice = error instanceof BackupError ? remedy : "this is a defect of this program; please report it";
  return {
    severity: "error",
    what: sentenceOf({ kind, ...failure }),
    why,
    ...(advice === undefined ? {} : { advice }),
    command,
    kind,
  };
}
