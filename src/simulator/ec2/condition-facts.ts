import type { ConditionContext } from "../conditions.ts";
import type { Context } from "../context.ts";
import { own } from "../own.ts";
import type { Tags, World } from "../world.ts";

/** The ARN of a thing such as `volume/vol-…`; snapshots and images have no account in theirs. */
export function arnOfThing({ world }: Pick<Context, "world">, thing: string): string {
  const { partition, region, account } = world.settings;
  return `arn:${partition}:ec2:${region}:${/^(snapshot|image)\//.test(thing) ? "" : account}:${thing}`;
}

/**
 * What an action lets a policy ask of a thing that is there, where that is not all that is known of it (Service
 * Authorization Reference, EC2, September 2026). `tags` stands for `aws:ResourceTag/…`.
 */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  "CreateSnapshot volume": ["tags", "volumeid", "volumesize", "volumetype", "encrypted"],
  "CreateSnapshots volume": ["tags", "volumeid", "volumesize", "volumetype", "encrypted"],
  "CreateVolume snapshot": ["tags", "owner", "parentvolume", "snapshottime", "volumesize"],
  "CreateReplaceRootVolumeTask volume": ["volumeid"],
  "CopySnapshot snapshot": ["owner", "parentvolume", "snapshotid", "snapshottime", "volumesize"],
  DeleteTags: ["tags"],
};

/** The condition keys that an action has of a thing that is there, in lower case. */
export function factsOf(action: string, thing: string, context: Pick<Context, "world">): ConditionContext {
  const [kind = "", id = ""] = thing.split("/");
  const { tags, ...facts } = known(kind, id, context);
  const name = action.replace(/^ec2:/, "");
  const allowed = exceptions[`${name} ${kind}`] ?? exceptions[name];
  const has = (key: string) => allowed === undefined || allowed.includes(key);
  return {
    ...Object.fromEntries(
      Object.entries(facts)
        .filter(([key, value]) => value !== undefined && has(key))
        .map(([key, value]) => [`ec2:${key}`, String(value)]),
    ),
    ...(has("tags") ? tagsAsKeys(tags) : {}),
  };
}

function tagsAsKeys(tags: Tags): ConditionContext {
  return Object.fromEntries(
    Object.entries(tags).flatMap(([key, value]) =>
      ["aws", "ec2"].map((prefix) => [`${prefix}:resourcetag/${key.toLowerCase()}`, value]),
    ),
  );
}

type Facts = { readonly tags: Tags } & Readonly<Record<string, unknown>>;

function known(kind: string, id: string, context: Pick<Context, "world">): Facts {
  const { world } = context;
  if (kind === "snapshot") return snapshotFacts(world, id, context);
  if (kind === "volume") return volumeFacts(world, id, context);
  if (kind === "instance") return { tags: own(world.instances, id)?.tags ?? {}, instanceid: id };
  if (kind === "image") return { tags: own(world.images, id)?.tags ?? {}, imageid: id };
  if (kind === "security-group") return { tags: own(world.securityGroups, id)?.tags ?? {} };
  if (kind === "key-pair")
    return { tags: Object.values(world.keyPairs).find(({ name }) => name === id)?.tags ?? {} };
  return { tags: own(world.rootTasks, id)?.tags ?? {} };
}

function snapshotFacts(world: World, id: string, context: Pick<Context, "world">): Facts {
  const snapshot = own(world.snapshots, id);
  if (snapshot === undefined) return { tags: {}, snapshotid: id };
  return {
    tags: snapshot.tags,
    snapshotid: id,
    owner: snapshot.ownerAlias ?? snapshot.ownerId,
    parentvolume: arnOfThing(context, `volume/${snapshot.volumeId}`),
    snapshottime: new Date(snapshot.startTime).toISOString(),
    volumesize: snapshot.volumeSize,
  };
}

function volumeFacts(world: World, id: string, context: Pick<Context, "world">): Facts {
  const volume = own(world.volumes, id);
  if (volume === undefined) return { tags: {}, volumeid: id };
  const from = volume.snapshotId === "" ? undefined : arnOfThing(context, `snapshot/${volume.snapshotId}`);
  return {
    tags: volume.tags,
    volumeid: id,
    volumesize: volume.size,
    volumetype: volume.type,
    encrypted: volume.encrypted,
    availabilityzone: volume.zone,
    parentsnapshot: from,
  };
}

/** The keys that a request with tags has. */
export function requestedTags(tags: Tags): ConditionContext {
  const keys = Object.keys(tags);
  return {
    ...Object.fromEntries(
      Object.entries(tags).map(([key, value]) => [`aws:requesttag/${key.toLowerCase()}`, value]),
    ),
    ...(keys.length === 0 ? {} : { "aws:tagkeys": keys }),
  };
}
