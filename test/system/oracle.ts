import { expect } from "vitest";
import type { World } from "../../src/simulator/world.ts";
import { kept, type SnapshotSet, setsOf, startOf } from "./history.ts";

/**
 * The snapshots that a run may remove, told by the world and not by the agent: all of failed sets, and
 * what is older than the newest kept ones that are complete, but for what an image holds.
 */
export function mayGo(world: World, volumeCount: number, last = kept): ReadonlySet<string> {
  const sets = setsOf(world);
  const inImages = new Set(Object.values(world.images).flatMap((image) => Object.values(image.snapshots)));
  const isComplete = (set: SnapshotSet) =>
    set.snapshots.length === volumeCount && set.snapshots.every((one) => one.state === "completed");
  const newest = sets.filter(isComplete).slice(0, last);
  const oldestKept = Math.min(...newest.map(startOf));
  const gone = sets.filter((set) => {
    if (set.snapshots.some((one) => one.state === "error")) return true;
    if (set.snapshots.some((one) => one.state === "pending" || inImages.has(one.id))) return false;
    return newest.length === last && startOf(set) < oldestKept;
  });
  return new Set(gone.flatMap((set) => set.snapshots.map((one) => one.id)));
}

/**
 * What holds after every run, whatever befell it: no run has two points, nothing went that might not go
 * before it, and so nothing of anybody else.
 */
export function expectNoHarm(before: World, after: World, volumeCount: number): void {
  const runs = setsOf(after).map((set) => set.run);
  expect(runs, "a run has one point at most").toEqual([...new Set(runs)]);
  const allowed = mayGo(before, volumeCount);
  const wrong = Object.keys(before.snapshots).filter((id) => !(id in after.snapshots) && !allowed.has(id));
  expect(wrong, "removed and should not").toEqual([]);
}

/** Points that are there after and were not before. */
export function newSets(before: World, after: World): SnapshotSet[] {
  const known = new Set(setsOf(before).map((set) => set.id));
  return setsOf(after).filter((set) => !known.has(set.id));
}

/** What an undisturbed run leaves: one new whole point, all that may go gone, all else untouched. */
export function expectOneGoodRun(before: World, after: World, volumeCount: number): void {
  expectNoHarm(before, after, volumeCount);
  const made = newSets(before, after);
  expect(made.map((set) => new Set(set.snapshots.map((one) => one.volumeId)).size)).toEqual([volumeCount]);
  const allowed = mayGo(before, volumeCount);
  const wanted = Object.keys(before.snapshots).filter((id) => !allowed.has(id));
  const fresh = made.flatMap((set) => set.snapshots.map((one) => one.id));
  expect(Object.keys(after.snapshots).sort()).toEqual([...wanted, ...fresh].sort());
}
