import type { ConditionContext } from "../conditions.ts";
import type { Context } from "../context.ts";
import type { Permission } from "../identity-policies.ts";
import { own } from "../own.ts";
import type { Tags } from "../world.ts";
import { acting, type Kind, making } from "./acting.ts";
import { arnOfThing, factsOf, requestedTags } from "./condition-facts.ts";
import { sourceWorld } from "./copy-source.ts";
import { usingVolumes } from "./key-permissions.ts";
import { lockKeys } from "./lock-permissions.ts";

/**
 * What is read of a request to tell what it acts on. Every action has some of it: parameters of one name have one
 * meaning in all of EC2.
 */
interface Input {
  readonly InstanceId?: unknown;
  readonly VolumeId?: unknown;
  readonly SnapshotId?: unknown;
  readonly ImageId?: unknown;
  readonly InstanceSpecification?: {
    readonly InstanceId?: string;
    readonly ExcludeDataVolumeId?: readonly string[];
  };
  readonly ResourceId?: readonly string[];
  readonly Tag?: readonly { readonly Key: string | undefined; readonly Value?: string | undefined }[];
  readonly TagSpecification?: readonly {
    readonly ResourceType: string | undefined;
    readonly Tag: readonly { readonly Key: string | undefined; readonly Value: string | undefined }[];
  }[];
  readonly BlockDeviceMapping?: readonly {
    readonly Ebs?: { readonly SnapshotId?: string | undefined; readonly VolumeId?: string | undefined };
  }[];
  readonly IamInstanceProfile?: { readonly Arn?: string | undefined; readonly Name?: string | undefined };
  readonly KeyName?: string;
  readonly KeyPairId?: string;
  readonly GroupId?: unknown;
  readonly VpcId?: unknown;
  readonly SecurityGroupId?: readonly string[];
  readonly SubnetId?: string;
  readonly AvailabilityZone?: string;
  readonly SourceSnapshotId?: string;
  readonly SourceRegion?: string;
  readonly LockDuration?: unknown;
  readonly CoolOffPeriod?: unknown;
  readonly CreateVolumePermission?: Readonly<
    Partial<Record<"Add" | "Remove", readonly { readonly UserId?: string; readonly Group?: string }[]>>
  >;
}

/** The permissions that a request needs, each on each of the things that it concerns. */
export function permissionsOf(name: string, input: Input, context: Context): readonly Permission[] {
  const action = `ec2:${name}`;
  if (name === "CreateTags" || name === "DeleteTags") return tagging(action, input, context);
  const there = (acting[name] ?? []).flatMap((kind) => idsOf(kind, name, input, context));
  const made = making[name] ?? [];
  const origins = originsOf(name, there, input, context);
  const place = name === "CopySnapshot" ? { world: sourceWorld(input, context) } : context;
  const permissions = [
    ...there.map((id) => ({
      action,
      resource: arnOfThing(place, id),
      context: { ...factsOf(action, id, place), ...wished(name, input) },
    })),
    ...made.flatMap((kind) =>
      origins(kind).map((origin) => ({
        action,
        resource: arnOfThing(context, `${kind}/*`),
        context: { ...requestedTags(tagsFor(kind, input)), ...origin },
      })),
    ),
    ...(name === "RunInstances" ? launching(action, input, context) : []),
  ];
  const tagged = made.filter((kind) => Object.keys(tagsFor(kind, input)).length > 0);
  const tags = tagged.flatMap((kind) =>
    origins(kind).map((origin) => ({
      action: "ec2:CreateTags",
      resource: arnOfThing(context, `${kind}/*`),
      context: { ...requestedTags(tagsFor(kind, input)), ...origin, "ec2:createaction": name },
    })),
  );
  return permissions.length === 0
    ? [{ action, resource: "*", context: {} }]
    : [...permissions, ...tags, ...passing(input, context), ...usingVolumes(name, input, context)];
}

/** What a policy may ask of things that are made: of which volume a snapshot is, of which snapshot a volume. */
function originsOf(name: string, there: readonly string[], input: Input, context: Context) {
  const from = (kind: Kind, key: string) =>
    there.filter((id) => id.startsWith(`${kind}/`)).map((id) => ({ [key]: arnOfThing(context, id) }));
  return (kind: string): readonly ConditionContext[] => {
    const found =
      kind === "snapshot" && /^CreateSnapshots?$/.test(name)
        ? from("volume", "ec2:parentvolume")
        : kind === "volume" && name === "CreateVolume"
          ? from("snapshot", "ec2:parentsnapshot").map((one) => ({ ...one, ...placed(input) }))
          : [];
    return found.length > 0 ? found : [kind === "volume" && name === "CreateVolume" ? placed(input) : {}];
  };
}

const placed = ({ AvailabilityZone: zone }: Input): ConditionContext =>
  zone === undefined ? {} : { "ec2:availabilityzone": zone };

/** What the request wants of a thing, where policies may ask for that. */
function wished(name: string, input: Input): ConditionContext {
  if (name !== "ModifySnapshotAttribute") return lockKeys(input);
  const { CreateVolumePermission: sharing } = input;
  const keys = (["Add", "Remove"] as const).flatMap((way) =>
    (sharing?.[way] ?? []).flatMap(({ UserId: user, Group: group }) => [
      ...(user === undefined ? [] : [[`ec2:${way.toLowerCase()}/userid`, user]]),
      ...(group === undefined ? [] : [[`ec2:${way.toLowerCase()}/group`, group]]),
    ]),
  );
  return Object.fromEntries(keys);
}

function tagging(action: string, input: Input, context: Context): readonly Permission[] {
  const given = Object.fromEntries((input.Tag ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
  return (input.ResourceId ?? []).map((id) => {
    const key = own(context.world.keyPairs, id);
    const thing = `${kindOf(id)}/${key?.name ?? id}`;
    return {
      action,
      resource: arnOfThing(context, thing),
      context: { ...factsOf(action, thing, context), ...requestedTags(given) },
    };
  });
}

function kindOf(id: string): string {
  const kinds: Readonly<Record<string, Kind>> = {
    vol: "volume",
    snap: "snapshot",
    i: "instance",
    ami: "image",
    replacevol: "replace-root-volume-task",
    sg: "security-group",
    key: "key-pair",
  };
  return own(kinds, id.replace(/-.*$/s, "")) ?? "unknown";
}

/** The things of a kind that a request names, `volume/vol-…`. */
function idsOf(kind: Kind, name: string, input: Input, { world }: Context): string[] {
  const devices = (input.BlockDeviceMapping ?? []).map(({ Ebs: ebs }) => ebs);
  const named: Readonly<Record<Kind, readonly unknown[]>> = {
    volume: [input.VolumeId, ...devices.map((ebs) => ebs?.VolumeId)],
    snapshot: [input.SnapshotId, input.SourceSnapshotId, ...devices.map((ebs) => ebs?.SnapshotId)],
    instance: [input.InstanceId, input.InstanceSpecification?.InstanceId].flat(),
    image: [input.ImageId],
    "replace-root-volume-task": [],
    "security-group": [input.GroupId],
    // A policy knows a key pair by its name.
    "key-pair": [keyNameOf(world, input)],
    vpc: [input.VpcId],
  };
  const ids = named[kind].filter((one): one is string => typeof one === "string");
  const image = typeof input.ImageId === "string" ? own(world.images, input.ImageId) : undefined;
  if (kind === "snapshot" && name === "RunInstances") ids.push(...Object.values(image?.snapshots ?? {}));
  if (kind === "instance" && name === "DetachVolume" && ids.length === 0) {
    const volume = typeof input.VolumeId === "string" ? own(world.volumes, input.VolumeId) : undefined;
    ids.push(...(volume?.attachments ?? []).map(({ instance }) => instance));
  }
  if (kind === "volume" && name === "CreateSnapshots") {
    const { InstanceId: instance, ExcludeDataVolumeId: excluded = [] } = input.InstanceSpecification ?? {};
    const attached = Object.values(world.volumes).filter((one) =>
      one.attachments.some((each) => each.instance === instance),
    );
    ids.push(...attached.map(({ id }) => id).filter((id) => !excluded.includes(id)));
  }
  return [...new Set(ids)].map((id) => `${kind}/${id}`);
}

function keyNameOf(world: Context["world"], { KeyName, KeyPairId }: Input): string | undefined {
  return (
    KeyName ?? (KeyPairId === undefined ? undefined : (own(world.keyPairs, KeyPairId)?.name ?? KeyPairId))
  );
}

function launching(action: string, input: Input, context: Context): readonly Permission[] {
  const groups = input.SecurityGroupId ?? [];
  return [
    `subnet/${input.SubnetId ?? "default"}`,
    ...(groups.length === 0 ? ["default"] : groups).map((id) => `security-group/${id}`),
    ...(input.KeyName === undefined ? [] : [`key-pair/${input.KeyName}`]),
  ].map((thing) => ({
    action,
    resource: arnOfThing(context, thing),
    context: factsOf(action, thing, context),
  }));
}

function passing({ IamInstanceProfile: profile }: Input, { world }: Context): readonly Permission[] {
  const name = profile?.Name ?? profile?.Arn?.split("/").at(-1);
  if (name === undefined) return [];
  const { partition, account } = world.settings;
  // A profile and its role have one name here.
  return [
    {
      action: "iam:PassRole",
      resource: `arn:${partition}:iam::${account}:role/${name}`,
      context: { "iam:passedtoservice": "ec2.amazonaws.com" },
    },
  ];
}

function tagsFor(kind: string, { TagSpecification: all = [] }: Input): Tags {
  const mine = all.filter(({ ResourceType: type }) => type === kind);
  return Object.fromEntries(
    mine.flatMap(({ Tag: tags }) => tags.map(({ Key = "", Value = "" }) => [Key, Value])),
  );
}
