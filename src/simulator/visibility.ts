import type { Snapshot, World } from "./world.ts";

/**
 * The snapshots as Describe calls see them now: without those too new to be seen, with those deleted too recently
 * to be missed, and with the tags of before a recent change ("the result of an API command might not be immediately
 * visible to all subsequent commands", ec2/devguide/eventual-consistency). What is in the Recycle Bin is not listed.
 */
export function visibleSnapshots(world: World, elapsed: number): Snapshot[] {
  const living = Object.values(world.snapshots).flatMap((snapshot) => seenSnapshot(snapshot, elapsed) ?? []);
  return [...living, ...ghostsOf(world, elapsed).map((snapshot) => asSeen(snapshot, elapsed))];
}

/** Deleted snapshots that are still listed. */
export function ghostsOf(world: World, elapsed: number): Snapshot[] {
  return world.ghosts.filter((ghost) => ghost.until > elapsed).map((ghost) => ghost.snapshot);
}

/** A snapshot that a call names by id: found only when it is neither too new, nor deleted, nor in the Recycle Bin. */
export function reachableSnapshot(world: World, id: string, elapsed: number): Snapshot | undefined {
  const snapshot = world.snapshots[id];
  if (snapshot === undefined || snapshot.visibleFrom > elapsed || snapshot.state === "recoverable")
    return undefined;
  return snapshot;
}

/** A snapshot as it is listed now; undefined where it is not. */
export function seenSnapshot(snapshot: Snapshot, elapsed: number): Snapshot | undefined {
  if (snapshot.visibleFrom > elapsed || snapshot.state === "recoverable") return undefined;
  return asSeen(snapshot, elapsed);
}

function asSeen(snapshot: Snapshot, elapsed: number): Snapshot {
  const former = snapshot.formerTags;
  return former === null || former.until <= elapsed ? snapshot : { ...snapshot, tags: former.tags };
}
