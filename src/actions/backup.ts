import { BackupError, failureOf, interrupted } from "../core/errors.ts";
import type { Waits } from "../core/job.ts";
import type { Clock, Engine, Log } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";

export interface BackupDeps {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Makes one point by `capture`, which holds still, sends the request once and releases. A request that
 * AWS turned away for its limits is tried again inside a budget, with nothing held meanwhile; one whose
 * outcome is unknown is looked for and never sent again, since it cannot be told from a second one.
 */
export async function backup(
  capture: () => Promise<RecoveryPoint>,
  pointId: string,
  expected: readonly string[],
  waits: Waits,
  deps: BackupDeps,
  signal: AbortSignal,
): Promise<RecoveryPoint> {
  const { clock, log } = deps;
  const until = clock.elapsed() + waits.retryFor;
  for (let attempt = 1; ; attempt += 1) {
    if (signal.aborted) throw interrupted("capture");
    try {
      return await capture();
    } catch (error) {
      const failure = failureOf(error, "capture");
      if (failure.kind === "unknown-outcome")
        return reconcile(pointId, expected, waits, deps, failure.found, signal);
      const pause = pauseAfter(attempt, waits, clock);
      if (failure.kind !== "throttled" || clock.elapsed() + pause > until) throw error;
      log("warn", `capture turned away (${failure.code}), trying again in ${Math.round(pause / 1000)} s`, {
        point: pointId,
      });
      await clock.sleep(pause, signal);
    }
  }
}

/**
 * The pause after so many tries that failed: longer each time, to sixteen of the first, and up to half as long again,
 * so that the hosts of a fleet drift apart.
 */
export function pauseAfter(failed: number, { retryEvery }: Pick<Waits, "retryEvery">, clock: Clock): number {
  return retryEvery * 2 ** Math.min(failed - 1, 4) * (1 + clock.random() / 2);
}

/**
 * Looks for a point that may or may not have been made. EC2 may show it only after minutes, and may
 * show some members before others.
 */
async function reconcile(
  pointId: string,
  expected: readonly string[],
  waits: Waits,
  { engine, clock, log }: BackupDeps,
  cause: string,
  signal: AbortSignal,
): Promise<RecoveryPoint> {
  log("warn", "the outcome of the capture is unknown, looking for its point", { point: pointId });
  const until = clock.elapsed() + waits.reconcileFor;
  let best: RecoveryPoint | undefined;
  let trouble = "";
  for (let pause = waits.reconcileEvery; ; pause = Math.min(pause * 1.5, 30_000)) {
    try {
      best = larger(best, await engine.find(pointId, signal));
      if (best !== undefined && isWhole(best, expected)) return best;
    } catch (error) {
      trouble = `; the last look failed: ${failureOf(error, "look").found}`;
    }
    if (signal.aborted || clock.elapsed() + pause > until) break;
    await clock.sleep(pause, signal);
  }
  if (best !== undefined) return best;
  if (signal.aborted) throw interrupted("find out whether the capture took effect");
  throw new BackupError({
    kind: "unreachable",
    doing: "find out whether the capture took effect",
    found: `${cause}; no snapshot of point ${pointId} was seen within ${waits.reconcileFor / 1000} s${trouble}`,
    remedy: "it was not sent again; if it appears after all, the next run adopts it",
    code: "UnknownOutcome",
  });
}

function larger(a: RecoveryPoint | undefined, b: RecoveryPoint | undefined): RecoveryPoint | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.snapshots.length >= a.snapshots.length ? b : a;
}

function isWhole(point: RecoveryPoint, expected: readonly string[]): boolean {
  const seen = new Set(point.snapshots.map((one) => one.volumeId));
  return expected.every((volumeId) => seen.has(volumeId));
}
