import { tagKeys } from "../core/point-tags.ts";
import type { Engine, Removal } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";

/** Any engine with its hands tied: it reads, and only says what it would capture and remove. */
export function dryRun(engine: Engine, version: string): Engine {
  return {
    find: (pointId, signal) => engine.find(pointId, signal),
    list: (scope, signal) => engine.list(scope, signal),
    mark: () => Promise.resolve(),
    withHolds: (points, signal) => engine.withHolds(points, signal),
    async prepare(order, signal) {
      const prepared = await engine.prepare(order, signal);
      return {
        dropped: prepared.dropped,
        capture: (pointId, captured) => Promise.resolve(imagined(pointId, captured)),
        rehearse: () => Promise.resolve(),
        warm: () => Promise.resolve(),
      };
      function imagined(pointId: string, captured: Date): RecoveryPoint {
        const { job, instance, scope, runId } = order;
        return {
          id: pointId,
          run: runId,
          job: job.name,
          series: `${instance.arn}/${job.name}`,
          instanceArn: instance.arn,
          state: "pending",
          captured,
          consistency: "crash",
          snapshots: scope.expected.map((volume) => ({
            id: `(new snapshot of ${volume.id})`,
            volumeId: volume.id,
            state: "pending" as const,
            startTime: captured,
            volumeSizeGiB: volume.sizeGiB,
            encrypted: volume.encrypted,
            archived: false,
            tags: { [tagKeys.point]: pointId, [tagKeys.version]: version },
          })),
          recipe: [],
          holds: [],
        };
      }
    },
    remove: leave,
  };
}

/** Removes nothing, and says so of each snapshot. */
export async function* leave({ snapshots }: RecoveryPoint): AsyncIterable<Removal> {
  for (const one of snapshots) yield { snapshotId: one.id, volumeId: one.volumeId, outcome: "left" };
}
