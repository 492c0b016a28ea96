import { makeGroup, makeSubnet } from "./ec2/network.ts";
import { lasting } from "./ec2/snapshot-lock.ts";
import { attached } from "./ec2/volume.ts";
import { emptyWorld } from "./empty-world.ts";
import { makeImage, makeInstance, makeSnapshot, makeVolume, noteRoots } from "./make-things.ts";
import type { Snapshot, World } from "./world.ts";

/**
 * A saved state as the present simulator knows it: of a kind of thing that was not simulated when it was saved it has
 * none, what was not known of a thing is as in a scenario that does not tell it, and settings are the scenario's.
 */
export function upgrade(saved: Partial<World>, fresh: World, now: number): World {
  const settings = { ...fresh.settings, ...saved.settings };
  const { subnets, securityGroups } = fresh;
  const world: World = { ...emptyWorld(), subnets, securityGroups, ...saved, settings };
  for (const [id, one] of Object.entries(world.subnets)) world.subnets[id] = makeSubnet(one);
  for (const [id, one] of Object.entries(world.securityGroups)) world.securityGroups[id] = makeGroup(one);
  settings.ssm = { ...fresh.settings.ssm, ...settings.ssm };
  for (const [id, one] of Object.entries(world.instances))
    world.instances[id] = { ...makeInstance(world, { id, instanceType: one.instanceType }, now), ...one };
  for (const [id, one] of Object.entries(world.volumes)) {
    const attachments = one.attachments.map((each) => ({ ...attached(each), ...each }));
    world.volumes[id] = { ...makeVolume(world, { id, size: one.size }, now), ...one, attachments };
  }
  noteRoots(world);
  for (const [id, one] of Object.entries(world.snapshots))
    world.snapshots[id] = {
      ...makeSnapshot(world, { id, volumeId: one.volumeId }, now),
      ...one,
      ...lockOf(one),
    };
  for (const [id, one] of Object.entries(world.images))
    world.images[id] = { ...makeImage(world, { id, snapshots: one.snapshots }, now), ...one };
  return world;
}

/** Of a lock only its mode was kept once. */
function lockOf({ lock, startTime }: Snapshot): Pick<Snapshot, "lock"> {
  return typeof lock === "string" ? { lock: lasting(lock, startTime) } : { lock };
}
