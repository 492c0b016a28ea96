import type { Log } from "../core/ports.ts";

/** A run at work. */
export interface RunningJob {
  /** Of its process; absent if there is none. */
  readonly pid?: number | undefined;
  /** Resolves with the exit code when the run has ended. */
  readonly ended: Promise<number>;
  /** Tells the run to stop soon. */
  stop(): void;
}

/** The exit code of a run that never was one: EX_SOFTWARE of sysexits.h. */
const couldNotStart = 70;

/** A process that the system has no room for is a run that failed, and no reason to end the daemon. */
export function started(start: () => RunningJob, log: Log): RunningJob {
  try {
    return start();
  } catch (error) {
    log("error", `the run cannot be started: ${messageOf(error)}`);
    return { ended: Promise.resolve(couldNotStart), stop: () => undefined };
  }
}

/** Milliseconds after which a run that keeps slots from their turn may well be one that hangs. */
const longest = 24 * 3_600_000;

/** Tells of a slot that came while a run was at work, for `ms` milliseconds so far. */
export function tellOverlap(job: string, pid: number | undefined, ms: number, now: Date, log: Log): void {
  const leftOut = "a slot came while the run before was still at work; it is left out";
  if (ms <= longest) {
    log("warn", leftOut, { job });
    return;
  }
  const since = new Date(now.getTime() - ms).toISOString();
  const end = pid === undefined ? "end it" : `kill its process (kill -9 ${pid})`;
  log("error", `${leftOut}, as all are since ${since}, when that run began; if it hangs, ${end}`, { job });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
