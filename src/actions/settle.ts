import { BackupError, failureOf, interrupted } from "../core/errors.ts";
import type { Waits } from "../core/job.ts";
import type { Clock, Engine } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";

/** How far a point is, in percent over all its snapshots. */
export type Progress = (percent: number, point: RecoveryPoint) => void;

/**
 * Waits until a point can be restored, by a poll of our own: the SDK's waiter takes every error for
 * "not yet". A listing that fails is tried again until the budget ends; a set with an `error` member
 * fails at once.
 */
export async function settle(
  point: RecoveryPoint,
  waits: Waits,
  deps: { readonly engine: Engine; readonly clock: Clock; readonly progress: Progress },
  signal: AbortSignal,
): Promise<RecoveryPoint> {
  const { engine, clock, progress } = deps;
  const doing = `wait for point ${point.id}`;
  const until = clock.elapsed() + waits.settleFor;
  let latest = point;
  let trouble = "";
  let stuck: number | undefined;
  for (;;) {
    progress(percentOf(latest), latest);
    if (latest.state === "complete") return latest;
    if (latest.state === "failed") throw failed(latest, doing);
    stuck = latest.state === "partial" ? (stuck ?? clock.elapsed()) : undefined;
    if (stuck !== undefined && clock.elapsed() - stuck > waits.reconcileFor)
      throw (await import("./settle-failures.ts")).incomplete(latest, doing);
    if (signal.aborted) throw interrupted(doing);
    if (clock.elapsed() + waits.settleEvery > until) break;
    await clock.sleep(waits.settleEvery, signal);
    try {
      latest = (await engine.find(point.id, signal)) ?? latest;
      trouble = "";
    } catch (error) {
      const failure = failureOf(error, doing);
      if (failure.kind === "denied") throw error;
      trouble = `; the last look failed: ${failure.found}`;
    }
  }
  throw new BackupError({
    kind: "unreachable",
    doing,
    found: `it is ${latest.state} at ${Math.round(percentOf(latest))} % after ${waits.settleFor / 1000} s${trouble}`,
    remedy: "nothing is lost: the next run settles it, and `ec2-backup list` shows how far it is",
    code: "StillPending",
  });
}

function percentOf(point: RecoveryPoint): number {
  const total = point.snapshots.length;
  const sum = point.snapshots.reduce(
    (all, one) => all + (one.state === "completed" ? 100 : (one.progress ?? 0)),
    0,
  );
  return total === 0 ? 0 : sum / total;
}

export function failed(point: RecoveryPoint, doing: string): BackupError {
  const broken = point.snapshots.filter((one) => one.state === "error");
  const why = broken.map(
    (one) => `${one.id}${one.stateMessage === undefined ? "" : ` (${one.stateMessage})`}`,
  );
  return new BackupError({
    kind: "refused",
    doing,
    found: `EC2 could not complete the set: ${why.join(", ")}`,
    remedy: "the failed set is cleaned up; check the KMS keys of the volumes and run again",
    code: "SnapshotError",
  });
}
