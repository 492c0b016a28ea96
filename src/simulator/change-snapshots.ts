import { changedTags, each, find, put, type TagChange, tagChange } from "./changing.ts";
import { nullable, object, oneOf, text } from "./check.ts";
import { type LockMode, lasting } from "./ec2/snapshot-lock.ts";
import { makeImage, makeSnapshot } from "./make-things.ts";
import type { ScenarioSnapshot } from "./scenario.ts";
import { snapshotCheck } from "./scenario-check.ts";
import { fail } from "./settling.ts";
import type { Snapshot, World } from "./world.ts";

/** A change of the snapshots. `image`: an AMI that begins to use it, made when it does not exist; null: no AMI uses it any more. */
type SnapshotChange =
  | { create: ScenarioSnapshot }
  | { remove: { snapshot: string } }
  | {
      change: {
        snapshot: string;
        state?: Snapshot["state"];
        stateMessage?: string;
        lock?: LockMode | null;
        image?: string | null;
        tags?: TagChange;
        storageTier?: Snapshot["storageTier"];
      };
    };

const snapshotChange = object({
  create: snapshotCheck,
  remove: object({ snapshot: text() }, ["snapshot"]),
  change: object(
    {
      snapshot: text(),
      state: oneOf("pending", "completed", "error", "recoverable"),
      stateMessage: text(),
      lock: nullable(oneOf("governance", "compliance")),
      image: nullable(
        text({ pattern: /^ami-[0-9a-f]{8}([0-9a-f]{9})?$/, like: "an id such as ami-0123456789abcdef0" }),
      ),
      tags: tagChange,
      storageTier: oneOf("standard", "archive"),
    },
    ["snapshot"],
  ),
});

/** Carries out one change or a list of them. @returns the ids concerned. @throws ControlError */
export function changeSnapshots(world: World, changes: unknown, now: number): string[] {
  return each(snapshotChange, changes, "snapshots").map((given) => {
    const change = given as SnapshotChange;
    if ("create" in change) return put(world.snapshots, makeSnapshot(world, change.create, now));
    const snapshot = find(
      world.snapshots,
      "remove" in change ? change.remove.snapshot : change.change.snapshot,
      "snapshot",
    );
    if ("remove" in change) delete world.snapshots[snapshot.id];
    else changeSnapshot(world, snapshot, change.change, now);
    return snapshot.id;
  });
}

function changeSnapshot(
  world: World,
  snapshot: Snapshot,
  change: Extract<SnapshotChange, { change: unknown }>["change"],
  now: number,
): void {
  const { state, stateMessage, lock, image, tags, storageTier } = change;
  if (stateMessage !== undefined) snapshot.stateMessage = stateMessage;
  if (lock !== undefined) snapshot.lock = lock === null ? null : lasting(lock, now);
  if (storageTier !== undefined) snapshot.storageTier = storageTier;
  snapshot.tags = changedTags(snapshot.tags, tags);
  if (state === "error") fail(snapshot, now);
  else if (state !== undefined) {
    snapshot.state = state;
    snapshot.completionTime = state === "pending" ? null : (snapshot.completionTime ?? now);
  }
  if (image === null) {
    for (const each of Object.values(world.images)) {
      if (Object.values(each.snapshots).includes(snapshot.id)) delete world.images[each.id];
    }
  } else if (image !== undefined) {
    world.images[image] = makeImage(
      world,
      { id: image, snapshots: { ...world.images[image]?.snapshots, "/dev/xvda": snapshot.id } },
      now,
    );
  }
}
