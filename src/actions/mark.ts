import { isLess } from "../core/consistency.ts";
import { type Failure, failureOf } from "../core/errors.ts";
import type { Waits } from "../core/job.ts";
import type { CaptureMarks, Clock, Engine, Listing } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { Recorder } from "./steps.ts";

interface MarkDeps {
  readonly engine: Engine;
  readonly clock: Clock;
}

/**
 * Writes on a fresh point how still it was held. EC2 may not know the snapshots yet; what cannot be
 * written is reported, and the point stays marked as worse than it is until a later run repairs it.
 */
export async function mark(
  point: RecoveryPoint,
  marks: CaptureMarks,
  waits: Waits,
  { engine, clock }: MarkDeps,
  record: Recorder,
  signal: AbortSignal,
): Promise<void> {
  if (marks.consistency === "crash" && marks.frozenMs === undefined) return;
  const until = clock.elapsed() + waits.reconcileFor;
  await record.step("mark", async () => {
    for (let pause = waits.reconcileEvery; ; pause *= 1.5) {
      try {
        return await engine.mark(point, marks, signal);
      } catch (error) {
        const { kind } = failureOf(error, "mark");
        const passing = kind === "not-found" || kind === "throttled" || kind === "unreachable";
        if (!passing || signal.aborted || clock.elapsed() + pause > until) throw error;
        await clock.sleep(pause, signal);
      }
    }
  });
}

/**
 * Writes again what the run before could not write on its points. Returns the listing with what is
 * written now.
 */
export async function repairMarks(
  listing: Listing,
  known: ReadonlyMap<string, CaptureMarks>,
  { engine }: MarkDeps,
  record: Recorder,
  signal: AbortSignal,
): Promise<Listing> {
  const points: RecoveryPoint[] = [];
  for (const point of listing.points) {
    const marks = known.get(point.id);
    if (marks === undefined || !isLess(point.consistency, marks.consistency)) {
      points.push(point);
      continue;
    }
    try {
      await engine.mark(point, marks, signal);
      points.push({ ...point, consistency: marks.consistency });
    } catch (error) {
      record.report("warning", late(point, failureOf(error, "mark a point")));
      points.push(point);
    }
  }
  return { ...listing, points };
}

function late(point: RecoveryPoint, { kind, found, code }: Failure): Failure {
  return {
    kind,
    doing: `write the consistency of point ${point.id} on its snapshots`,
    found,
    remedy: "it counts as crash-consistent meanwhile; the role needs ec2:CreateTags on its own snapshots",
    ...(code === undefined ? {} : { code }),
  };
}
