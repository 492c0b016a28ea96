import { noteCompleted } from "./ec2/lineage.ts";
import type { Snapshot, World } from "./world.ts";

/**
 * Lets simulated time do its work: pending snapshots complete or fail, deletions that waited take effect,
 * and what was hidden from Describe calls is forgotten.
 * @returns the snapshots that are gone for good, whose bytes may go too.
 */
export function settle(world: World, now: number, elapsed: number): Snapshot[] {
  const gone: Snapshot[] = [];
  for (const snapshot of Object.values(world.snapshots)) {
    if (snapshot.state !== "pending") continue;
    if (snapshot.failsAt !== null && snapshot.failsAt <= now) fail(snapshot, snapshot.failsAt);
    else if (snapshot.failsAt === null && snapshot.completesAt <= now) {
      snapshot.state = "completed";
      snapshot.completionTime = snapshot.completesAt;
      noteCompleted(world, snapshot);
    }
    if (snapshot.state !== "pending" && snapshot.deleteWhenSettled) {
      removeSnapshot(world, snapshot, now, elapsed);
      gone.push(snapshot);
    }
  }
  for (const snapshot of Object.values(world.snapshots)) {
    if (snapshot.formerTags !== null && snapshot.formerTags.until <= elapsed) snapshot.formerTags = null;
  }
  world.ghosts = world.ghosts.filter((ghost) => ghost.until > elapsed);
  return gone.filter((snapshot) => world.snapshots[snapshot.id] === undefined);
}

/** Turns a pending snapshot to `error` at the progress it had at that time. */
export function fail(snapshot: Snapshot, at: number): void {
  snapshot.stoppedAt = percentage(snapshot, at);
  snapshot.state = "error";
  snapshot.stateMessage ??= "Snapshot creation failed";
  // "If the creation fails, the lock is cancelled."
  snapshot.lock = null;
}

/** How far a snapshot is, in whole percent. A pending one never shows 100: a large one may stay at 99 for long. */
export function percentage(snapshot: Snapshot, now: number): number {
  if (snapshot.state === "completed" || snapshot.state === "recoverable") return 100;
  if (snapshot.state === "error") return snapshot.stoppedAt ?? 0;
  const whole = snapshot.completesAt - snapshot.startTime;
  if (whole <= 0) return 99;
  return Math.max(0, Math.min(99, Math.floor(((now - snapshot.startTime) / whole) * 100)));
}

/** Takes a snapshot out of the account: into the Recycle Bin when a rule matches, else for good. */
export function removeSnapshot(world: World, snapshot: Snapshot, now: number, elapsed: number): void {
  const { consistency, recycleBin } = world.settings;
  if (consistency > 0)
    world.ghosts.push({ snapshot: structuredClone(snapshot), until: elapsed + consistency });
  const tag = recycleBin?.tag;
  const caught =
    tag === undefined ||
    (tag.key in snapshot.tags && (tag.value === undefined || snapshot.tags[tag.key] === tag.value));
  // Error snapshots have nothing to recover; that the bin leaves them out is an assumption.
  if (recycleBin !== null && caught && snapshot.state === "completed") {
    snapshot.state = "recoverable";
    snapshot.recycledAt = now;
    snapshot.deleteWhenSettled = false;
  } else {
    delete world.snapshots[snapshot.id];
  }
}
