import type { Removal } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { storedPoints } from "../core/store-point.ts";
import type { Store } from "../core/store-ports.ts";
import { holdingSkewed, removalClock } from "../core/store-skew.ts";
import type { StoredListing } from "../core/stored-ports.ts";

/** The points of those series of a repository that `isWanted`, judged by the store's own clock. */
export async function listStored(
  store: Store,
  isWanted: (series: string) => boolean,
  now: () => Date,
  signal: AbortSignal,
): Promise<StoredListing> {
  const { name: repository, deadline: longest } = store.config;
  // One listing for all series: of several tags restic takes what carries all of them, and markers carry none.
  const snapshots = (await store.snapshots([], signal)).filter((one) => one.tags.length > 0);
  const clock = await store.clock(signal);
  const known = storedPoints(snapshots, { repository, ...(clock && { clock }) });
  const own = known.filter((point) => isWanted(point.series));
  const host = now();
  const points = holdingSkewed(own, snapshots, { now: host, clock, longest });
  const verdict = removalClock(repository, host, clock);
  if (!verdict.ok) return { points, asOf: clock?.now ?? host, refusal: verdict.failure };
  return { points, asOf: verdict.asOf, ...(verdict.notice && { notice: verdict.notice }) };
}

/** What retention needs to remove stored points: they have one snapshot each, and what marks it goes with it. */
export function storedEngine(store: Store, signal: AbortSignal, planned: boolean) {
  return {
    // What is listed is all that is known of a stored point.
    find: () => Promise.resolve(undefined),
    withHolds: (points: readonly RecoveryPoint[]) => Promise.resolve(points),
    async *remove(point: RecoveryPoint): AsyncIterable<Removal> {
      const ids = point.snapshots.map(({ id }) => id);
      if (planned) {
        for (const id of ids) yield { snapshotId: id, volumeId: "", outcome: "left" };
        return;
      }
      const forgotten = await store.forget([...ids, ...(point.stored?.markers ?? [])], signal);
      for (const { id, volumeId } of point.snapshots) {
        const one = forgotten.find((each) => each.id === id);
        const failure = one?.failure;
        yield {
          snapshotId: id,
          volumeId,
          outcome: one?.outcome ?? "failed",
          ...(failure && { failure }),
        };
      }
    },
  };
}
