import type { Waits } from "../core/job.ts";
import type { Clock, Engine, Removal } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { pauseAfter } from "./backup.ts";

export interface Patience {
  readonly clock: Clock;
  readonly waits: Pick<Waits, "retryEvery">;
  /** On the clock that never jumps: no pause ends later. */
  readonly until: number;
}

/**
 * Removes a point and waits where EC2 turns a removal away for its limits: a fleet shares one bucket of them, and old
 * points can wait. What is told of each member is what became of it in the end.
 */
export async function* removePatiently(
  engine: Pick<Engine, "remove">,
  point: RecoveryPoint,
  { clock, waits, until }: Patience,
  signal: AbortSignal,
): AsyncIterable<Removal> {
  let left = point;
  for (let tries = 1; ; tries += 1) {
    const turnedAway: Removal[] = [];
    for await (const removal of engine.remove(left)) {
      // What was left because another member was turned away is tried again with it.
      const waits = turnedAway.length > 0 && removal.outcome === "left";
      if (removal.failure?.kind === "throttled" || waits) turnedAway.push(removal);
      else yield removal;
    }
    // No longer than four of the first: a pause that is longer than the rush leaves the rest of the time unused.
    const pause = pauseAfter(Math.min(tries, 3), waits, clock);
    // An image that is gone would be looked for again.
    const once = point.image !== undefined || signal.aborted || clock.elapsed() + pause > until;
    if (turnedAway.length === 0) return;
    if (once) {
      yield* turnedAway;
      return;
    }
    await clock.sleep(pause, signal);
    const again = new Set(turnedAway.map(({ snapshotId }) => snapshotId));
    left = { ...point, snapshots: point.snapshots.filter(({ id }) => again.has(id)) };
  }
}
