import { type Check, list, nullable, record, text } from "./check.ts";
import { ControlError } from "./control-error.ts";
import { own } from "./own.ts";
import type { Tags } from "./world.ts";

/** New values of tags; null takes one away. Reserved keys are allowed here: this is how AWS's own tags come about. */
export type TagChange = Record<string, string | null>;

/** The form of a change of tags. */
export const tagChange = record(nullable(text()));

/** The changes of a request, one or a list of them, each with exactly one verb. @throws ControlError */
export function each(check: Check, changes: unknown, path: string): unknown[] {
  const given = Array.isArray(changes) ? changes : [changes];
  refuseFaults(list(check), given, path);
  for (const change of given) {
    if (Object.keys(change as object).length !== 1)
      throw new ControlError(`${path}: each change has exactly one verb`);
  }
  return given;
}

/** Refuses what is not of the form. @throws ControlError */
export function refuseFaults(check: Check, value: unknown, path: string): void {
  const faults = check(value, path);
  if (faults.length > 0) throw new ControlError(faults.join("\n"));
}

/** The thing with this id. @throws ControlError */
export function find<T>(things: Record<string, T>, id: string, word: string): T {
  const thing = own(things, id);
  if (thing === undefined) throw new ControlError(`there is no ${word} ${id}`);
  return thing;
}

/** Adds a new thing. @returns its id. @throws ControlError when the id is taken */
export function put<T extends { id: string }>(things: Record<string, T>, thing: T): string {
  if (things[thing.id] !== undefined) throw new ControlError(`${thing.id} exists already`);
  things[thing.id] = thing;
  return thing.id;
}

/** Tags after a change. */
export function changedTags(tags: Tags, change: TagChange = {}): Tags {
  const merged: Record<string, string | null> = { ...tags, ...change };
  return Object.fromEntries(
    Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}
