import { failureOf } from "../core/errors.ts";
import type { Waits } from "../core/job.ts";
import type { Clock, Log } from "../core/ports.ts";
import { pauseAfter } from "./backup.ts";

/** How long metrics that were not taken are tried again. */
export interface Patience {
  readonly waits: Pick<Waits, "retryFor" | "retryEvery">;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the run is told to stop. */
  readonly signal: AbortSignal;
}

/** A run is not held up any longer for its metrics, in milliseconds. */
const longest = 120_000;

/** What may pass by itself; a refusal stays one. */
const passing: ReadonlySet<string> = new Set(["unreachable", "throttled", "unknown-outcome"]);

/** Sends metrics, and again for a while if they are not taken. */
export async function patiently(send: () => Promise<void>, patience: Patience): Promise<void> {
  try {
    await send();
  } catch (error) {
    await sendAgain(error, send, patience);
  }
}

/**
 * Sends metrics again that were not taken, after pauses that grow, until they are or the time is up, or at once
 * when the run is told to stop. Rejects with the last failure. They are gauges: that some arrive twice does no harm.
 */
async function sendAgain(
  first: unknown,
  send: () => Promise<void>,
  { waits, clock, log, signal }: Patience,
): Promise<void> {
  let error = first;
  const lasts = Math.min(waits.retryFor, longest);
  const until = clock.elapsed() + lasts;
  const settled = new AbortController();
  // Also a try that is under way ends with the time and with the signal.
  const end = clock.sleep(lasts, AbortSignal.any([signal, settled.signal]));
  try {
    for (let failed = 1; ; failed += 1) {
      const { kind, found } = failureOf(error, "publish the metrics");
      const pause = pauseAfter(failed, waits, clock);
      if (signal.aborted || !passing.has(kind) || clock.elapsed() + pause > until) throw error;
      log("warn", `the metrics were not taken (${found}), trying again in ${Math.round(pause / 1000)} s`);
      await clock.sleep(pause, signal);
      if (signal.aborted) throw error;
      const sending = send().then(
        () => true,
        (failed: unknown) => {
          error = failed;
          return false;
        },
      );
      const taken = await Promise.race([sending, end]);
      if (taken === true) return;
      if (taken === undefined) throw error;
    }
  } finally {
    settled.abort();
  }
}
