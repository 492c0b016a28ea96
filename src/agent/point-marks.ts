import type { Job } from "../core/job.ts";
import type { Listing } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { planRetention } from "../core/retention.ts";
import { storedPolicy } from "../core/stored-policy.ts";
import type { Session } from "./session.ts";

/** The ids of points that retention gives up in jobs that another role prunes. */
export function beyondRetention(
  points: readonly RecoveryPoint[],
  jobs: readonly Job[],
  asOf: Listing["asOf"],
): ReadonlySet<string> {
  const beyond = new Set<string>();
  for (const job of jobs) {
    if (job.prune === undefined) continue;
    const own = points.filter((point) => point.job === job.name);
    for (const series of Map.groupBy(own, (point) => point.series).values()) {
      const { stored } = series[0] ?? {};
      const policy = stored === undefined ? job.retention : storedPolicy(job, stored.content);
      for (const { id } of planRetention(series, policy, asOf).remove) beyond.add(id);
    }
  }
  return beyond;
}

/** The points with their locks as holds, where EC2 tells of them; else as they are. */
export async function withLocks(
  points: readonly RecoveryPoint[],
  { connection }: Session,
  signal: AbortSignal,
): Promise<readonly RecoveryPoint[]> {
  const { locksOf } = await import("../aws/holds.ts");
  const ofEc2 = points.filter(({ stored }) => stored === undefined);
  const ids = ofEc2.flatMap(({ snapshots }) => snapshots.map(({ id }) => id));
  const locks = ids.length === 0 ? undefined : await locksOf(connection, ids, signal);
  if (locks === undefined) return points;
  return points.map((point) => {
    const [first] = point.snapshots.flatMap(({ id }) => (locks.has(id) ? [id] : []));
    if (first === undefined || point.holds.some(({ by }) => by === "lock")) return point;
    const locked = point.snapshots.filter(({ id }) => locks.has(id)).length;
    const detail = `${locked} of ${point.snapshots.length} snapshots locked (${locks.get(first)})`;
    return { ...point, holds: [...point.holds, { by: "lock" as const, detail }] };
  });
}
