import { changedTags, each, find, put, type TagChange, tagChange } from "./changing.ts";
import { flag, list, object, oneOf, text } from "./check.ts";
import type { Image } from "./ec2/machines.ts";
import { makeImage } from "./make-things.ts";
import type { ScenarioImage } from "./scenario.ts";
import { imageCheck } from "./scenario-check.ts";
import type { World } from "./world.ts";

/** A change of the images, as their owner or somebody else of the account makes it. */
type ImageChange =
  | { create: ScenarioImage }
  | {
      change: {
        image: string;
        state?: Image["state"];
        tags?: TagChange;
        deregistrationProtection?: boolean;
        /** Accounts that may launch it. */
        sharedWith?: string[];
      };
    };

const imageChange = object({
  create: imageCheck,
  change: object(
    {
      image: text(),
      state: oneOf("pending", "available", "failed", "disabled", "deregistered"),
      tags: tagChange,
      deregistrationProtection: flag,
      sharedWith: list(text()),
    },
    ["image"],
  ),
});

/** Carries out one change or a list of them. @returns the ids concerned. @throws ControlError */
export function changeImages(world: World, changes: unknown, now: number): string[] {
  return each(imageChange, changes, "images").map((given) => {
    const one = given as ImageChange;
    if ("create" in one) return put(world.images, makeImage(world, one.create, now));
    const { image: id, tags, ...rest } = one.change;
    const image = find(world.images, id, "image");
    Object.assign(image, rest);
    if (rest.state === "failed") image.stateReason = "The image could not be made";
    image.tags = changedTags(image.tags, tags);
    return id;
  });
}
