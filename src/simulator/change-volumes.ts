import { changedTags, each, find, put, type TagChange, tagChange } from "./changing.ts";
import { flag, nullable, number, object, oneOf, text } from "./check.ts";
import { ControlError } from "./control-error.ts";
import { attached, type Volume } from "./ec2/volume.ts";
import { makeVolume } from "./make-things.ts";
import type { ScenarioVolume } from "./scenario.ts";
import { volumeCheck } from "./scenario-check.ts";
import type { World } from "./world.ts";

/** A change of the volumes. */
type VolumeChange =
  | { create: ScenarioVolume }
  | { attach: { volume: string; instance: string; device: string; deleteOnTermination?: boolean } }
  | { detach: { volume: string; instance?: string } }
  | { delete: { volume: string } }
  | {
      change: {
        volume: string;
        size?: number;
        type?: Volume["type"];
        file?: string | null;
        operator?: string | null;
        /** Whether the guest holds its device, as while it is mounted. */
        held?: boolean;
        tags?: TagChange;
      };
    };

const volumeChange = object({
  create: volumeCheck,
  attach: object({ volume: text(), instance: text(), device: text(), deleteOnTermination: flag }, [
    "volume",
    "instance",
    "device",
  ]),
  detach: object({ volume: text(), instance: text() }, ["volume"]),
  delete: object({ volume: text() }, ["volume"]),
  change: object(
    {
      volume: text(),
      size: number({ min: 1, integer: true }),
      type: oneOf("gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"),
      file: nullable(text()),
      operator: nullable(text()),
      held: flag,
      tags: tagChange,
    },
    ["volume"],
  ),
});

/** Carries out one change or a list of them. @returns the ids concerned. @throws ControlError */
export function changeVolumes(world: World, changes: unknown, now: number): string[] {
  return each(volumeChange, changes, "volumes").map((change) =>
    changeVolume(world, change as VolumeChange, now),
  );
}

function changeVolume(world: World, change: VolumeChange, now: number): string {
  if ("create" in change) {
    const volume = makeVolume(world, { createTime: new Date(now).toISOString(), ...change.create }, now);
    for (const { instance } of volume.attachments) find(world.instances, instance, "instance");
    return put(world.volumes, volume);
  }
  const named =
    "attach" in change
      ? change.attach
      : "detach" in change
        ? change.detach
        : "delete" in change
          ? change.delete
          : change.change;
  const volume = find(world.volumes, named.volume, "volume");
  if ("attach" in change) attach(world, volume, change.attach, now);
  else if ("detach" in change) {
    const { instance } = change.detach;
    volume.attachments = volume.attachments.filter(
      (each) => instance !== undefined && each.instance !== instance,
    );
  } else if ("delete" in change) {
    if (volume.attachments.length > 0) throw new ControlError(`${volume.id} is attached`);
    delete world.volumes[volume.id];
  } else {
    const { volume: _, tags, held, ...rest } = change.change;
    Object.assign(volume, rest);
    if (held !== undefined) for (const each of volume.attachments) each.guest = held ? "held" : "idle";
    volume.tags = changedTags(volume.tags, tags);
  }
  return volume.id;
}

function attach(
  world: World,
  volume: Volume,
  given: { instance: string; device: string; deleteOnTermination?: boolean },
  now: number,
): void {
  find(world.instances, given.instance, "instance");
  if (volume.attachments.length > 0 && !volume.multiAttachEnabled)
    throw new ControlError(`${volume.id} is attached already`);
  const taken = Object.values(world.volumes).some((other) =>
    other.attachments.some((each) => each.instance === given.instance && each.device === given.device),
  );
  if (taken) throw new ControlError(`${given.instance} has a volume at ${given.device} already`);
  volume.attachments.push(attached({ ...given, attachTime: now }));
  const machine = find(world.instances, given.instance, "instance");
  if (given.device === machine.rootDeviceName) machine.rootVolumes.push(volume.id);
}
