import { changedTags, each, find, put, type TagChange, tagChange } from "./changing.ts";
import { flag, nullable, number, object, oneOf, text } from "./check.ts";
import type { Instance } from "./ec2/machines.ts";
import { makeInstance } from "./make-things.ts";
import type { ScenarioInstance } from "./scenario.ts";
import { instanceCheck } from "./scenario-check.ts";
import type { World } from "./world.ts";

/** A change of the instances. */
type InstanceChange =
  | { create: ScenarioInstance }
  | {
      change: {
        instance: string;
        state?: Instance["state"];
        role?: string | null;
        tags?: TagChange;
        disableApiTermination?: boolean;
        disableApiStop?: boolean;
        /** Interrupts a spot instance so many seconds from now; default 120, as AWS's notice has it. null: it goes on. */
        interruption?: { action?: "terminate" | "stop" | "hibernate"; seconds?: number } | null;
        /**
         * The state that its Auto Scaling group brings it to. One that is to be `Terminated` is so after the time that a
         * lifecycle hook has: an hour, or so many seconds. null: it stays.
         */
        target?: { state: string; seconds?: number } | null;
      };
    };

const targetStates = [
  ...(["Detached", "InService", "Standby", "Terminated"] as const),
  ...(["Warmed:Hibernated", "Warmed:Running", "Warmed:Stopped", "Warmed:Terminated"] as const),
];

const instanceChange = object({
  create: instanceCheck,
  change: object(
    {
      instance: text(),
      state: oneOf("pending", "running", "shutting-down", "terminated", "stopping", "stopped"),
      role: nullable(text()),
      disableApiTermination: flag,
      disableApiStop: flag,
      interruption: nullable(
        object({ action: oneOf("terminate", "stop", "hibernate"), seconds: number({ min: 0 }) }),
      ),
      target: nullable(object({ state: oneOf(...targetStates), seconds: number({ min: 0 }) }, ["state"])),
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
    const { instance: _, tags, interruption, target, ...rest } = change.change;
    if (interruption !== undefined) instance.interruption = interruptionOf(interruption, now);
    if (target !== undefined) instance.target = targetOf(target, now);
    Object.assign(instance, rest);
    // Whatever was under way is over.
    if (rest.state !== undefined) instance.changesAt = null;
    instance.tags = changedTags(instance.tags, tags);
    return instance.id;
  });
}

type Change = Extract<InstanceChange, { change: unknown }>["change"];

function interruptionOf(given: Change["interruption"], now: number): Instance["interruption"] {
  if (given === null || given === undefined) return null;
  return { action: given.action ?? "terminate", at: now + (given.seconds ?? 120) * 1_000 };
}

function targetOf(given: Change["target"], now: number): Instance["target"] {
  if (given === null || given === undefined) return null;
  const { state, seconds = 3_600 } = given;
  return { state, at: state === "Terminated" ? now + seconds * 1_000 : null };
}
