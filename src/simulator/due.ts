import type { World } from "./world.ts";

/** When time next does something to a world: in simulated time, and on the clock's `elapsed` hand. */
interface Due {
  now: number;
  elapsed: number;
}

const dues = new WeakMap<World, Due>();

/** Whether time has something to do to a world. One that has changed since it last did always has. */
export function isDue(world: World, now: number, elapsed: number): boolean {
  const due = dues.get(world);
  return due === undefined || due.now <= now || due.elapsed <= elapsed;
}

/** Lets time look at a world again that has changed, or may have. */
export function forgetDue(world: World): void {
  dues.delete(world);
}

/** Notes when time will next have something to do, once it has done all that was due by now. */
export function noteDue(world: World, now: number): void {
  const due = { now: Number.POSITIVE_INFINITY, elapsed: Number.POSITIVE_INFINITY };
  const at = (time: number | null) => {
    if (time !== null && time < due.now) due.now = time;
  };
  const future = (time: number | null) => at(time !== null && time > now ? time : null);
  for (const key in world.snapshots) {
    const snapshot = world.snapshots[key];
    if (snapshot === undefined) continue;
    if (snapshot.state === "pending") at(snapshot.failsAt ?? snapshot.completesAt);
    if (snapshot.formerTags !== null) due.elapsed = Math.min(due.elapsed, snapshot.formerTags.until);
    if (snapshot.tiering === null) continue;
    future(snapshot.tiering.readyAt);
    at(snapshot.tiering.until);
  }
  for (const { until } of world.ghosts) due.elapsed = Math.min(due.elapsed, until);
  for (const { changesAt, rebootsAt, interruption, target } of Object.values(world.instances)) {
    at(changesAt);
    at(rebootsAt);
    at(interruption?.at ?? null);
    at(target?.at ?? null);
  }
  for (const { completeTime, worksFrom, endsAt } of Object.values(world.rootTasks)) {
    if (completeTime !== null) continue;
    future(worksFrom);
    at(endsAt);
  }
  for (const { changesAt, attachments } of Object.values(world.volumes)) {
    at(changesAt);
    for (const attachment of attachments) at(attachment.changesAt);
  }
  // What else a pending image waits for are its snapshots.
  for (const { state, readyAt } of Object.values(world.images)) if (state === "pending") future(readyAt);
  dues.set(world, due);
}
