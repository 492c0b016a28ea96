import type { Instance } from "./ec2/machines.ts";
import type { Attachment, Volume } from "./ec2/volume.ts";
import type { Snapshot, World } from "./world.ts";

/**
 * Lists of what a world holds, made when they are first asked for and kept until the world changes: a page of a
 * listing must not cost a look at everything. Only calls that change nothing may use it.
 */
export interface WorldIndex {
  /** In the order of their ids, as pages have them. */
  readonly snapshots: readonly Snapshot[];
  readonly volumes: readonly Volume[];
  readonly instances: readonly Instance[];
  /** The volumes of an instance, each with how it is attached. */
  attached(instance: string): readonly { volume: Volume; attachment: Attachment }[];
  /** The snapshots of a volume, and those with a tag, in the order of their ids. */
  snapshotsOf(volume: string): readonly Snapshot[];
  tagged(key: string, value: string): readonly Snapshot[];
  /** Those that other accounts may use. */
  readonly shared: readonly Snapshot[];
  /** Whether any snapshot still shows tags that it had before. */
  readonly formerTags: boolean;
}

const indexes = new WeakMap<World, WorldIndex>();

/** The index of a world as it is now. */
export function indexOf(world: World): WorldIndex {
  let index = indexes.get(world);
  if (index === undefined) {
    index = createIndex(world);
    indexes.set(world, index);
  }
  return index;
}

/** Forgets the index of a world that has changed, or may have. */
export function forgetIndex(world: World): void {
  indexes.delete(world);
}

function createIndex(world: World): WorldIndex {
  const tags = new Map<string, ReadonlyMap<string, readonly Snapshot[]>>();
  const snapshots = lazy(() => inOrder(world.snapshots));
  const volumes = lazy(() => inOrder(world.volumes));
  const instances = lazy(() => inOrder(world.instances));
  const ofVolumes = lazy(() => groups(snapshots(), ({ volumeId }) => [volumeId]));
  const shared = lazy(() => snapshots().filter(({ sharedWith }) => sharedWith.length > 0));
  const formerTags = lazy(() => snapshots().some((each) => each.formerTags !== null));
  const attached = lazy(() => {
    const pairs = volumes().flatMap((volume) =>
      volume.attachments.map((attachment) => ({ volume, attachment })),
    );
    return groups(pairs, ({ attachment }) => [attachment.instance]);
  });
  return {
    get snapshots() {
      return snapshots();
    },
    get volumes() {
      return volumes();
    },
    get instances() {
      return instances();
    },
    get shared() {
      return shared();
    },
    get formerTags() {
      return formerTags();
    },
    attached: (instance) => attached().get(instance) ?? [],
    snapshotsOf: (volume) => ofVolumes().get(volume) ?? [],
    tagged(key, value) {
      const found =
        tags.get(key) ??
        groups(snapshots(), (each) => (Object.hasOwn(each.tags, key) ? [each.tags[key] ?? ""] : []));
      tags.set(key, found);
      return found.get(value) ?? [];
    },
  };
}

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function inOrder<T extends { id: string }>(things: Readonly<Record<string, T>>): T[] {
  return Object.values(things).sort((a, b) => (a.id < b.id ? -1 : 1));
}

function groups<T>(things: readonly T[], namesOf: (thing: T) => readonly string[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const thing of things) {
    for (const name of namesOf(thing)) {
      const group = found.get(name);
      if (group === undefined) found.set(name, [thing]);
      else group.push(thing);
    }
  }
  return found;
}
