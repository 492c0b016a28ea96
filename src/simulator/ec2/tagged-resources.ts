import { ApiError } from "../api-error.ts";
import { reachableSnapshot } from "../visibility.ts";
import type { Tags, World } from "../world.ts";
import { checkId, notFound } from "./describing.ts";

/** A thing that carries tags. */
export interface Tagged {
  id: string;
  tags: Tags;
}

const kinds = [
  { prefix: "snap", type: "snapshot" },
  { prefix: "vol", type: "volume" },
  { prefix: "i", type: "instance" },
  { prefix: "ami", type: "image" },
  { prefix: "replacevol", type: "replace-root-volume-task" },
  { prefix: "sg", type: "security-group" },
  { prefix: "key", type: "key-pair" },
] as const;

/** The resource type that an id's prefix tells; undefined for what is not simulated. */
export function resourceType(id: string): string | undefined {
  return kinds.find(({ prefix }) => id.startsWith(`${prefix}-`))?.type;
}

/** The thing with this id. @throws ApiError InvalidID, ...Malformed or ...NotFound */
export function findTagged(world: World, id: string, elapsed: number): Tagged {
  const kind = kinds.find(({ prefix }) => id.startsWith(`${prefix}-`));
  if (kind === undefined) throw new ApiError("InvalidID", `The ID '${id}' is not valid`);
  checkId(kind.prefix, id);
  const thing = lookUp(world, kind.prefix, id, elapsed);
  if (thing === undefined) throw notFound(kind.prefix, id);
  return thing;
}

function lookUp(
  world: World,
  prefix: (typeof kinds)[number]["prefix"],
  id: string,
  elapsed: number,
): Tagged | undefined {
  switch (prefix) {
    case "snap":
      return reachableSnapshot(world, id, elapsed);
    case "vol":
      return world.volumes[id];
    case "i":
      return world.instances[id];
    case "ami":
      return world.images[id];
    case "replacevol":
      return world.rootTasks[id];
    case "sg":
      return world.securityGroups[id];
    case "key":
      return world.keyPairs[id];
  }
}

/** Gives a thing its new tags; Describe calls may go on showing a snapshot's old ones for a while. */
export function retag(world: World, thing: Tagged, tags: Tags, elapsed: number): void {
  const snapshot = world.snapshots[thing.id];
  const delay = world.settings.consistency;
  if (snapshot !== undefined && delay > 0) {
    const shown =
      snapshot.formerTags !== null && snapshot.formerTags.until > elapsed
        ? snapshot.formerTags.tags
        : snapshot.tags;
    snapshot.formerTags = { tags: shown, until: elapsed + delay };
  }
  thing.tags = tags;
}
