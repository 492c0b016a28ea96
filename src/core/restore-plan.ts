import type { Instance, Tags, Volume } from "./instance.ts";
import type { RecoveryPoint, Snapshot, VolumeRecipe } from "./recovery-point.ts";
import { planDevices } from "./restore-devices.ts";
import { type AskedShape, askedShape } from "./restore-found.ts";
import { type Obstacle, type ObstacleFacts, obstaclesOf } from "./restore-obstacles.ts";
import type { FoundSnapshot, NewVolume } from "./restore-ports.ts";
import { chosenSnapshots, type Left } from "./restore-selection.ts";
import { shapeOf, type VolumeWish } from "./restore-shape.ts";
import { temporaryTag } from "./temporary-tag.ts";

/** The tags of restored volumes: leftovers are found by them, and nothing without them is ever touched. */
export const restoreTags = {
  /** Which restore made it. */
  restore: "ec2-backup:restore",
  /** The snapshot that it was made of. */
  from: "ec2-backup:restored-from",
  /** The point that the snapshot is a member of. */
  point: "ec2-backup:restored-point",
  /** The volume that the snapshot was taken of. */
  volume: "ec2-backup:restored-volume",
  /** ARN of the instance that the restore was for. */
  instance: "ec2-backup:restored-for",
  /** ISO 8601. All volumes are there and may be in use: from then on only who names the restore undoes it. */
  done: "ec2-backup:restored-at",
  /** In place of {@link done} on a volume for a short use. */
  temporary: temporaryTag,
} as const;

/** What is wanted beside the point. */
export interface RestoreWish extends VolumeWish {
  /** Ids of the volumes that were captured, or the device names that they had; none means all but the root. */
  readonly volumes: readonly string[];
  /** For one volume only. */
  readonly device?: string;
  /** Tells one restore of a point from another; the same words with the same label continue the same restore. */
  readonly label?: string;
}

/** What the plan goes by. */
export interface RestoreGround {
  readonly instance: Instance;
  readonly attached: readonly Volume[];
  /** Device names that others have, such as instance stores. */
  readonly taken: readonly string[];
  /** The members of the point as EC2 shows them now, with what decides whether they can be restored. */
  readonly snapshots: readonly FoundSnapshot[];
  readonly facts: ObstacleFacts;
  /** A digest in hex, 32 characters at least, the same for the same text on every host. */
  readonly digest: (text: string) => string;
}

/** A volume that is to be made, and where it goes. */
export interface PlannedVolume {
  /** The volume that was captured. */
  readonly volume: string;
  readonly root: boolean;
  /** Without its token, which depends on how often it was tried. */
  readonly request: Omit<NewVolume, "clientToken">;
  readonly device: string;
  readonly deviceBecause: string;
  readonly notes: readonly string[];
}

/** What a restore would do. */
export interface RestorePlan {
  /** The same for the same point, instance, label and volumes, if any are named: what is undone by it is what was asked for. */
  readonly id: string;
  readonly point: RecoveryPoint;
  readonly instance: Instance;
  /** What the command says of the new volumes: one that is there already must be so. */
  readonly asked?: AskedShape;
  readonly volumes: readonly PlannedVolume[];
  /** Members of the point that are not restored, with the reason. */
  readonly left: readonly Left[];
  /** Those that block must be gone before anything is done. */
  readonly obstacles: readonly Obstacle[];
  readonly notes: readonly string[];
  /** Device names that other disks of the instance have. */
  readonly taken: readonly string[];
}

/** Plans the volumes of a point. Throws `usage` where the wish cannot be met. */
export function planRestore(point: RecoveryPoint, wish: RestoreWish, ground: RestoreGround): RestorePlan {
  const { instance, attached, facts, digest } = ground;
  const { chosen, left } = chosenSnapshots(point, wish);
  const label = wish.label ?? "";
  const named = wish.volumes.length === 0 ? [] : chosen.map(({ volumeId }) => volumeId).sort();
  const id = `restore-${digest([point.id, instance.arn, label, ...named].join("\n")).slice(0, 16)}`;
  const members = chosen.map((one) => ({
    snapshot: ground.snapshots.find((found) => found.id === one.id) ?? one,
    recipe: point.recipe.find(({ volumeId }) => volumeId === one.volumeId),
  }));
  const earlier = attached.filter(({ tags }) => tags[restoreTags.restore] === id);
  const taken = [
    ...attached.filter((one) => !earlier.includes(one)).map(({ device }) => device),
    ...ground.taken,
  ];
  const recorded = members.map(({ snapshot, recipe }) => {
    const there = earlier.find(({ tags }) => tags[restoreTags.from] === snapshot.id);
    return there?.device ?? wish.device ?? recipe?.device;
  });
  const devices = planDevices(recorded, taken);
  const obstacles = members.flatMap(({ snapshot }) => obstaclesOf(snapshot, facts));
  const full = members.filter((_, index) => devices[index]?.device === undefined);
  return {
    id,
    point,
    instance,
    asked: askedShape(wish),
    volumes: members.map(({ snapshot, recipe }, index) => {
      const planned = devices[index];
      const { request, notes } = requestOf(snapshot, recipe, { id, point, wish, instance });
      return {
        volume: snapshot.volumeId,
        root: recipe?.root === true,
        request,
        device: planned?.device ?? "",
        deviceBecause: planned?.because ?? "",
        notes,
      };
    }),
    left,
    obstacles: [...obstacles, ...full.map(({ snapshot }) => noName(snapshot))],
    notes: notesOf(point, members),
    taken,
  };
}

function requestOf(
  snapshot: Snapshot,
  recipe: VolumeRecipe | undefined,
  { id, point, wish, instance }: Pick<RestorePlan, "id" | "point" | "instance"> & { wish: RestoreWish },
): { request: PlannedVolume["request"]; notes: readonly string[] } {
  const shape = shapeOf(snapshot, recipe, wish);
  const { tags, dropped } = volumeTags(snapshot, {
    [restoreTags.restore]: id,
    [restoreTags.from]: snapshot.id,
    [restoreTags.point]: point.id,
    [restoreTags.volume]: snapshot.volumeId,
    [restoreTags.instance]: instance.arn,
  });
  const request = {
    snapshot: snapshot.id,
    zone: instance.zone,
    ...shape.volume,
    ...(wish.initializeRate === undefined ? {} : { initializeRate: wish.initializeRate }),
    tags,
  };
  const lost = dropped.length === 0 ? [] : [`tags that find no room: ${dropped.join(", ")}`];
  return { request, notes: [...shape.notes, ...lost] };
}

/** Tags that mean something on a snapshot and nothing, or something else, on a volume. */
const ofSnapshots = new Set(["KeepForever", "DeleteOn", "Type"]);
const maxTags = 50;

/** The tags that the volume had, as far as its snapshot carries them, and those of the restore. */
export function volumeTags(snapshot: Snapshot, ours: Tags): { tags: Tags; dropped: readonly string[] } {
  const own = Object.entries(snapshot.tags).filter(
    ([key]) => !key.startsWith("ec2-backup:") && !key.startsWith("aws:") && !ofSnapshots.has(key),
  );
  // The one that is written at the end must find room as well.
  const room = maxTags - Object.keys(ours).length - 1;
  return {
    tags: { ...Object.fromEntries(own.slice(0, room)), ...ours },
    dropped: own.slice(room).map(([key]) => key),
  };
}

function noName({ id, volumeId }: Snapshot): Obstacle {
  return {
    snapshot: id,
    volume: volumeId,
    severity: "blocks",
    found: "this instance has no device name left",
    remedy: "detach a volume, or restore fewer at a time",
  };
}

function notesOf(
  point: RecoveryPoint,
  members: readonly { readonly recipe: VolumeRecipe | undefined }[],
): readonly string[] {
  const root = members.some(({ recipe }) => recipe?.root === true);
  return [
    ...(point.state === "complete"
      ? []
      : [`the point is ${point.state}: what it holds can be restored, but it is no whole`]),
    ...(root
      ? ["a copy of the root volume has its UUIDs and labels: detach it before the instance is rebooted"]
      : []),
    "the next run backs up the new volumes too, unless they carry the tag Backup=no",
  ];
}

/** The same plan for volumes that are to go again. Its label must be one of its own, since it is never continued. */
export function temporarily(plan: RestorePlan, until: Date): RestorePlan {
  const volumes = plan.volumes.map((one) => ({
    ...one,
    request: {
      ...one.request,
      tags: { ...one.request.tags, [restoreTags.temporary]: until.toISOString() },
    },
  }));
  return { ...plan, volumes };
}

/**
 * The token of the n-th attempt to make a volume, from 1. EC2 answers a token that it knows with the volume of then,
 * also where that is deleted since; the next attempt has another token.
 */
export function tokenOf(
  plan: Pick<RestorePlan, "id">,
  { volume, request }: PlannedVolume,
  attempt: number,
  digest: (text: string) => string,
): string {
  return `ec2-backup-${digest([plan.id, volume, request.snapshot, attempt].join("\n")).slice(0, 32)}`;
}
