import { changedTags, each, find, put, type TagChange, tagChange } from "./changing.ts";
import { flag, nullable, object, oneOf, text } from "./check.ts";
import type { Instance } from "./ec2/machines.ts";
import { makeInstance } from "./make-things.ts";
import type { ScenarioInstance } from "./scenario.ts";
import { instanceCheck } from "./scenario-check.ts";
import type { World } from "./world.ts";

/** A change of the instances. */
export type InstanceChange =
  | { create: ScenarioInstance }
  | {
      change: {
        instance: string;
        state?: Instance["state"];
        role?: string | null;
        tags?: TagChange;
        disableApiTermination?: boolean;
      };
    };

const instanceChange = object({
  create: instanceCheck,
  change: object(
    {
      instance: text(),
      state: oneOf("pending", "running", "shutting-down", "terminated", "stopping", "stopped"),
      role: nullable(text()),
      disableApiTermination: flag,
      tags: tagChange,
    },
    ["instance"],
  ),
});

/** Carries out one change or a list of them. @returns the ids concerned. @throws ControlError */
export function changeInstances(world: World, changes: unknown, now: number): string[] {
  return each(instanceChange, changes, "instances").map((given) => {
    const change = given as InstanceChange;
    if ("create" in change) {
      return put(
        world.instances,
        makeInstance(world, { launchTime: new Date(now).toISOString(), ...change.create }, now),
      );
    }
    const instance = find(world.instances, change.change.instance, "instance");
    const { instance: _, tags, ...rest } = change.change;
    Object.assign(instance, rest);
    // Whatever was under way is over.
    if (rest.state !== undefined) instance.changesAt = null;
    instance.tags = changedTags(instance.tags, tags);
    return instance.id;
  });
}
