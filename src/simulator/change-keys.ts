import { each, find, put } from "./changing.ts";
import { anything, list, object, oneOf, record, text } from "./check.ts";
import { type KmsKey, keyStates } from "./kms/key.ts";
import { deletionOf, makeKey } from "./kms/make-key.ts";
import type { ScenarioKey } from "./scenario.ts";
import { keyCheck } from "./scenario-check.ts";
import type { World } from "./world.ts";

/** A change of the KMS keys. */
type KeyChange =
  | { create: ScenarioKey }
  | { change: { key: string; state?: KmsKey["state"]; policy?: object; aliases?: string[] } };

const keyChange = object({
  create: keyCheck,
  change: object(
    { key: text(), state: oneOf(...keyStates), policy: record(anything), aliases: list(text()) },
    ["key"],
  ),
});

/** Carries out one change or a list of them. @returns the ids concerned. @throws ControlError */
export function changeKeys(world: World, changes: unknown, now: number): string[] {
  return each(keyChange, changes, "keys").map((given) => {
    const change = given as KeyChange;
    if ("create" in change) return put(world.keys, makeKey(world, change.create, now));
    const { key: id, state, policy, aliases } = change.change;
    const key = find(world.keys, id.replace(/^arn:.*:key\//, ""), "key");
    if (state !== undefined) Object.assign(key, { state, deletionAt: deletionOf(state, now) });
    if (policy !== undefined) key.policy = JSON.stringify(policy);
    if (aliases !== undefined) key.aliases = aliases;
    return key.id;
  });
}
