import type { Log } from "../core/ports.ts";

/** A run at work. */
export interface RunningJob {
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

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
