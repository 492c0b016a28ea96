import type { Instance } from "./ec2/machines.ts";
import type { Volume } from "./ec2/volume.ts";
import { newId, uuid } from "./ids.ts";
import { defaultKey } from "./kms/key.ts";
import { makeInstance, makeSnapshot, makeVolume } from "./make-things.ts";
import { randomStream } from "./random.ts";
import type { Generate } from "./scenario-generate.ts";
import { type Placeholders, placeholders, templateOf } from "./template.ts";
import type { Tags, World } from "./world.ts";

const GIB = 1_073_741_824;
const hour = 3_600_000;
const devices = "fghijklmnop";

/** What generating goes by. */
interface Tools {
  world: World;
  given: Generate;
  now: number;
  random(): number;
  chance(share: number | undefined): boolean;
  /** A whole number with that mean. */
  whole(mean: number): number;
  id(prefix: string): string;
  tags: Record<"instance" | "volume" | "snapshot", (facts: Partial<Placeholders>) => Tags>;
}

/** Fills a world with as many things as are asked for; the same seed, the same things. */
export function generate(world: World, given: Generate, now: number): void {
  const random = randomStream(given.seed ?? world.settings.seed);
  const tools: Tools = {
    world,
    given,
    now,
    random,
    chance: (share) => random() < (share ?? 0),
    whole: (mean) => Math.floor(mean) + (random() < mean % 1 ? 1 : 0),
    id: (prefix) => newId(prefix, world.settings.seed, ++world.sequence),
    tags: {
      instance: templateOf(given.tags?.instance ?? {}),
      volume: templateOf(given.tags?.volume ?? {}),
      snapshot: templateOf(given.tags?.snapshot ?? {}),
    },
  };
  for (let number = 0; number < given.instances; number += 1) generateInstance(tools, number);
  for (let number = 0; number < (given.unattached ?? 0); number += 1) {
    const volume = makeVolume(world, { id: tools.id("vol"), size: 8 + Math.floor(random() * 92) }, now);
    world.volumes[volume.id] = volume;
  }
}

function generateInstance(tools: Tools, number: number): void {
  const { world, given, chance } = tools;
  const groups = Math.max(1, Math.floor(given.instances / 20));
  const group = chance(given.groups) ? `group-${number % groups}` : "";
  const facts = { ...placeholders(world, tools.id("i"), number), group };
  const instance = makeInstance(
    world,
    {
      id: facts.instance,
      name: facts.name,
      state: chance(given.stopped) ? "stopped" : "running",
      lifecycle: chance(given.spot) ? "spot" : null,
      tags: {
        ...tools.tags.instance(facts),
        ...(group === "" ? {} : { "aws:autoscaling:groupName": group }),
      },
    },
    tools.now,
  );
  const count = Math.max(1, tools.whole(given.volumesPer ?? 2.4));
  const volumes = Array.from({ length: count }, (_, index) => generateVolume(tools, instance, facts, index));
  // Of one that is gone only the snapshots are left.
  if (!chance(given.gone)) place(world, instance, volumes);
  generateCaptures(tools, facts, volumes);
}

function generateVolume(tools: Tools, instance: Instance, facts: Placeholders, index: number): Volume {
  const { world, given, random } = tools;
  const device = index === 0 ? instance.rootDeviceName : `/dev/sd${devices[(index - 1) % devices.length]}`;
  const encrypted = tools.chance(given.encrypted);
  return makeVolume(
    world,
    {
      id: tools.id("vol"),
      size: 8 + Math.floor(random() * 92),
      tags: tools.tags.volume({ ...facts, device }),
      attachments: [{ instance: instance.id, device, deleteOnTermination: index === 0 }],
      ...(encrypted ? { kmsKeyId: defaultKey(world) } : {}),
    },
    tools.now,
  );
}

function generateCaptures(tools: Tools, facts: Placeholders, volumes: readonly Volume[]): void {
  const { world, given, now } = tools;
  const every = (given.everyHours ?? 24) * hour;
  const captures = tools.whole(given.snapshotsPerVolume ?? 8);
  const untagged = tools.chance(given.untagged);
  const newest = now - Math.floor(tools.random() * every);
  const ids = volumes.map((each) => each.id).join(" ");
  for (let index = 0; index < captures; index += 1) {
    const startTime = newest - index * every;
    const captured = new Date(startTime).toISOString();
    const point = uuid(`point/${facts.instance}/${startTime}`);
    const tags = untagged ? {} : tools.tags.snapshot({ ...facts, volumes: ids, captured, point });
    for (const volume of volumes) capture(world, volume, tools.id("snap"), captured, tags, now);
  }
}

function place(world: World, instance: Instance, volumes: readonly Volume[]): void {
  world.instances[instance.id] = instance;
  for (const volume of volumes) {
    world.volumes[volume.id] = volume;
    for (const { device } of volume.attachments) instance.launchDevices.push(device);
  }
}

// The tags are shared by the members of a set: changes put new ones in their place.
function capture(world: World, volume: Volume, id: string, startTime: string, tags: Tags, now: number): void {
  const snapshot = makeSnapshot(
    world,
    {
      id,
      volumeId: volume.id,
      volumeSize: volume.size,
      startTime,
      encrypted: volume.encrypted,
      fullSizeBytes: (volume.size * GIB) / 4,
      ...(volume.kmsKeyId === null ? {} : { kmsKeyId: volume.kmsKeyId }),
      state: Date.parse(startTime) + world.settings.settle.fixed > now ? "pending" : "completed",
    },
    now,
  );
  snapshot.tags = tags;
  world.snapshots[id] = snapshot;
}
