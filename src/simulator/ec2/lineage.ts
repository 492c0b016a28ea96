import type { Snapshot, World } from "../world.ts";

/** The volume that a snapshot of a place is of: what its copies have in common. */
export function lineageOf({ settings }: World, snapshot: Snapshot): string {
  return snapshot.copy?.lineage ?? `${settings.account}/${settings.region}/${snapshot.volumeId}`;
}

/** Notes that a copy has completed: later ones may build on it. */
export function noteCompleted(world: World, { id, copy }: Snapshot): void {
  if (copy !== null) world.newestCopies[copy.lineage] = id;
}

/**
 * Whether a copy needs only what the newest copy of its lineage lacks: "the most recent snapshot copy still exists in
 * the destination", is not archived, and both are encrypted alike. That one under way does not count is an assumption.
 */
export function isIncremental(world: World, lineage: string, kmsKeyId: string | null): boolean {
  const newest = world.snapshots[world.newestCopies[lineage] ?? ""];
  return (
    newest !== undefined &&
    newest.state === "completed" &&
    newest.storageTier === "standard" &&
    newest.kmsKeyId === kmsKeyId
  );
}
