import type { Context } from "../context.ts";
import type { Permission } from "../identity-policies.ts";
import { own } from "../own.ts";
import type { Tags } from "../world.ts";

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
  readonly SecurityGroupId?: readonly string[];
  readonly SubnetId?: string;
}

type Kind = "volume" | "snapshot" | "instance" | "image" | "replace-root-volume-task";

/** What each action acts on beside what it makes (Service Authorization Reference, EC2, September 2026). */
const acting: Readonly<Record<string, readonly Kind[]>> = {
  AttachVolume: ["volume", "instance"],
  CreateImage: ["instance"],
  CreateReplaceRootVolumeTask: ["instance", "snapshot", "image", "volume"],
  CreateSnapshot: ["volume"],
  CreateSnapshots: ["instance", "volume"],
  CreateVolume: ["snapshot"],
  DeleteSnapshot: ["snapshot"],
  DeleteVolume: ["volume"],
  DeregisterImage: ["image"],
  DescribeInstanceAttribute: ["instance"],
  DetachVolume: ["volume", "instance"],
  ModifyInstanceAttribute: ["instance", "volume"],
  RebootInstances: ["instance"],
  RegisterImage: ["snapshot"],
  RestoreSnapshotFromRecycleBin: ["snapshot"],
  RestoreSnapshotTier: ["snapshot"],
  RunInstances: ["image", "snapshot"],
  StartInstances: ["instance"],
  StopInstances: ["instance"],
  TerminateInstances: ["instance"],
};

/** What each action makes; network interfaces carry no tags here. */
const making: Readonly<Record<string, readonly string[]>> = {
  CreateImage: ["image", "snapshot"],
  CreateReplaceRootVolumeTask: ["replace-root-volume-task", "volume"],
  CreateSnapshot: ["snapshot"],
  CreateSnapshots: ["snapshot"],
  CreateVolume: ["volume"],
  RegisterImage: ["image"],
  RunInstances: ["instance", "volume", "network-interface"],
};

/** The permissions that a request needs, each on each of the things that it concerns. */
export function permissionsOf(name: string, input: Input, context: Context): readonly Permission[] {
  const action = `ec2:${name}`;
  if (name === "CreateTags" || name === "DeleteTags") return tagging(action, input, context);
  const there = (acting[name] ?? []).flatMap((kind) => idsOf(kind, name, input, context));
  const made = making[name] ?? [];
  const permissions = [
    ...there.map((id) => ({ action, resource: arn(context, id), context: existing(context, id) })),
    ...made.map((kind) => ({
      action,
      resource: arn(context, `${kind}/*`),
      context: requested(tagsFor(kind, input)),
    })),
    ...(name === "RunInstances" ? launching(action, input, context) : []),
  ];
  const tagged = made.filter((kind) => Object.keys(tagsFor(kind, input)).length > 0);
  const tags = tagged.map((kind) => ({
    action: "ec2:CreateTags",
    resource: arn(context, `${kind}/*`),
    context: { ...requested(tagsFor(kind, input)), "ec2:createaction": name },
  }));
  return permissions.length === 0
    ? [{ action, resource: "*", context: {} }]
    : [...permissions, ...tags, ...passing(input, context)];
}

function tagging(action: string, input: Input, context: Context): readonly Permission[] {
  const given = Object.fromEntries((input.Tag ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
  return (input.ResourceId ?? []).map((id) => {
    const thing = `${kindOf(id)}/${id}`;
    return {
      action,
      resource: arn(context, thing),
      context: { ...existing(context, thing), ...requested(given) },
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
  };
  return own(kinds, id.replace(/-.*$/s, "")) ?? "unknown";
}

/** The things of a kind that a request names, `volume/vol-…`. */
function idsOf(kind: Kind, name: string, input: Input, { world }: Context): string[] {
  const devices = (input.BlockDeviceMapping ?? []).map(({ Ebs: ebs }) => ebs);
  const named: Readonly<Record<Kind, readonly unknown[]>> = {
    volume: [input.VolumeId, ...devices.map((ebs) => ebs?.VolumeId)],
    snapshot: [input.SnapshotId, ...devices.map((ebs) => ebs?.SnapshotId)],
    instance: [input.InstanceId, input.InstanceSpecification?.InstanceId].flat(),
    image: [input.ImageId],
    "replace-root-volume-task": [],
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

function launching(action: string, input: Input, context: Context): readonly Permission[] {
  const { world } = context;
  const groups = input.SecurityGroupId ?? [];
  return [
    `subnet/${input.SubnetId ?? "default"}`,
    ...(groups.length === 0 ? ["default"] : groups).map((id) => `security-group/${id}`),
    ...(input.KeyName === undefined ? [] : [`key-pair/${input.KeyName}`]),
  ].map((thing) => ({ action, resource: arn({ ...context, world }, thing), context: {} }));
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

/** Snapshots and images have no account in their ARN. */
function arn({ world }: Pick<Context, "world">, thing: string): string {
  const { partition, region, account } = world.settings;
  return `arn:${partition}:ec2:${region}:${/^(snapshot|image)\//.test(thing) ? "" : account}:${thing}`;
}

function existing({ world }: Context, thing: string): Record<string, string> {
  const [kind = "", id = ""] = thing.split("/");
  const all: Readonly<Record<string, Readonly<Record<string, { tags: Tags }>>>> = {
    volume: world.volumes,
    snapshot: world.snapshots,
    instance: world.instances,
    image: world.images,
    "replace-root-volume-task": world.rootTasks,
  };
  const tags = own(own(all, kind) ?? {}, id)?.tags ?? {};
  return Object.fromEntries([
    ...Object.entries(tags).flatMap(([key, value]) =>
      ["aws", "ec2"].map((prefix) => [`${prefix}:resourcetag/${key.toLowerCase()}`, value]),
    ),
    ...(kind === "instance" ? [["ec2:instanceid", id]] : []),
  ]);
}

function requested(tags: Tags): Record<string, string | string[]> {
  const keys = Object.keys(tags);
  return {
    ...Object.fromEntries(
      Object.entries(tags).map(([key, value]) => [`aws:requesttag/${key.toLowerCase()}`, value]),
    ),
    ...(keys.length === 0 ? {} : { "aws:tagkeys": keys }),
  };
}

function tagsFor(kind: string, { TagSpecification: all = [] }: Input): Tags {
  const mine = all.filter(({ ResourceType: type }) => type === kind);
  return Object.fromEntries(
    mine.flatMap(({ Tag: tags }) => tags.map(({ Key = "", Value = "" }) => [Key, Value])),
  );
}
