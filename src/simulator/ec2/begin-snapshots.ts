import { ApiError, commonError } from "../api-error.ts";
import type { Captured } from "../bytes.ts";
import { type Context, faultOf } from "../context.ts";
import type { Fault } from "../faults.ts";
import { newId } from "../ids.ts";
import { findKey } from "../kms/key.ts";
import { isReserved, readTags, refuseTooMany, tagShape } from "../tags.ts";
import type { Snapshot, Tags, World } from "../world.ts";
import { checkSnapshotQuota, checkVolumeLimits } from "./snapshot-limits.ts";
import type { Volume } from "./volume.ts";

/** The parameter in which tags for what is created come. */
export const tagSpecificationShape = [{ ResourceType: "string", Tag: tagShape }] as const;

/** "The description of the snapshot": at most 255 characters. */
const maximumDescription = 255;

/** The tags that a creating call gives to its snapshots. @throws ApiError */
export function requestedTags(
  specifications: readonly {
    ResourceType: string | undefined;
    Tag: { Key: string | undefined; Value: string | undefined }[];
  }[],
): Tags {
  if (specifications.length > 1) {
    throw new ApiError(
      "InvalidParameterValue",
      "Tag specification resource type 'snapshot' is specified more than once.",
    );
  }
  const [only] = specifications;
  if (only === undefined) return {};
  if (only.ResourceType !== "snapshot") {
    const message = `'${only.ResourceType ?? ""}' is not a valid taggable resource type for this operation.`;
    throw new ApiError("InvalidParameterValue", message);
  }
  if (only.Tag.length === 0)
    throw new ApiError("InvalidParameterValue", "Tag specification must have at least one tag");
  return readTags(only.Tag);
}

/** Refuses what is too long, and places that are not simulated. @throws ApiError */
export function checkCommon(input: {
  Description: string | undefined;
  OutpostArn: string | undefined;
  Location: string | undefined;
}): void {
  if ([...(input.Description ?? "")].length > maximumDescription) {
    throw new ApiError(
      "InvalidParameterValue",
      `Value for parameter description is invalid. It has more than ${maximumDescription} characters.`,
    );
  }
  if (input.OutpostArn !== undefined || input.Location === "local") {
    throw new ApiError("UnsupportedOperation", "Snapshots can be created only in the Region of the volume.");
  }
  if (input.Location !== undefined && input.Location !== "regional") {
    throw new ApiError(
      "InvalidParameterValue",
      `Value (${input.Location}) for parameter location is invalid.`,
    );
  }
}

/**
 * The tags of one member: the volume's own when they are copied, and the requested ones, which win (which of the
 * two wins is not documented). Tags of AWS are not copied. @throws ApiError TagLimitExceeded
 */
export function memberTags(volume: Volume, requested: Tags, copied: boolean): Tags {
  const own = copied ? Object.entries(volume.tags).filter(([key]) => !isReserved(key)) : [];
  const tags = { ...Object.fromEntries(own), ...requested };
  refuseTooMany(tags);
  return tags;
}

/**
 * Begins one snapshot of each volume, all at the same instant and all or none.
 * @throws ApiError when a limit of any volume forbids it.
 */
export async function beginSnapshots(
  context: Context,
  members: readonly { volume: Volume; tags: Tags }[],
  description: string,
): Promise<Snapshot[]> {
  const { world, elapsed, bytes } = context;
  checkSnapshotQuota(world, members.length);
  checkVolumeLimits(
    world,
    members.map(({ volume }) => volume),
    elapsed,
  );
  const snapshots = members.map(({ volume, tags }) => newSnapshot(context, volume, tags, description));
  const partial = faultOf(context, "partial");
  const locked = members.find(({ volume }) => !keyIsUsable(world, volume))?.volume;
  if (locked !== undefined) doom(snapshots, { volume: locked.id });
  else if (partial !== undefined) doom(snapshots, partial);
  for (const snapshot of snapshots) world.snapshots[snapshot.id] = snapshot;
  for (const { volume } of members) volume.lastSnapshotAt = elapsed;
  const filed = members.flatMap(({ volume }, index) => {
    const snapshot = snapshots[index];
    return volume.file === null || snapshot === undefined ? [] : [{ source: volume.file, snapshot }];
  });
  try {
    const captured = await bytes.capture(
      filed.map(({ source, snapshot }) => ({ source, snapshot: snapshot.id })),
    );
    for (const [index, { snapshot }] of filed.entries()) keepBytes(snapshot, captured[index]);
  } catch (error) {
    for (const snapshot of snapshots) delete world.snapshots[snapshot.id];
    throw commonError("ec2", "internal", `The volume's file cannot be copied: ${(error as Error).message}`);
  }
  return snapshots;
}

// A bad key shows late: the call "can appear to complete, but eventually fails". Keys that are not simulated are good.
function keyIsUsable(world: World, { kmsKeyId }: Volume): boolean {
  const key = kmsKeyId === null ? undefined : findKey(world.keys, kmsKeyId);
  return key === undefined || key.state === "Enabled";
}

function keepBytes(snapshot: Snapshot, captured: Captured | undefined): void {
  if (captured === undefined) return;
  snapshot.file = captured.file;
  snapshot.fullSizeBytes = captured.bytes;
  snapshot.pointInTime = captured.pointInTime;
}

function newSnapshot(context: Context, volume: Volume, tags: Tags, description: string): Snapshot {
  const { world, now, elapsed } = context;
  const { settle, consistency, account, seed } = world.settings;
  const invisible = faultOf(context, "invisible");
  const hidden = invisible === undefined ? consistency : (invisible.seconds ?? 60) * 1_000;
  return {
    id: newId("snap", seed, ++world.sequence),
    volumeId: volume.id,
    volumeSize: volume.size,
    ownerId: account,
    ownerAlias: null,
    description,
    tags,
    state: "pending",
    stateMessage: null,
    startTime: now,
    completesAt: now + settle.fixed + volume.size * settle.perGiB,
    completionTime: null,
    failsAt: null,
    stoppedAt: null,
    encrypted: volume.encrypted,
    kmsKeyId: volume.kmsKeyId,
    storageTier: "standard",
    fullSizeBytes: volume.writtenBytes,
    tiering: null,
    recycledAt: null,
    lock: null,
    copy: null,
    sharedWith: [],
    deleteWhenSettled: false,
    visibleFrom: elapsed + hidden,
    formerTags: null,
    file: null,
    pointInTime: null,
  };
}

// "If any one snapshot in the multi-volume snapshot set fails, all of the other snapshots enter the error state."
function doom(snapshots: readonly Snapshot[], fault: Pick<Fault, "volume" | "seconds">): void {
  const culprit = snapshots.find((snapshot) => snapshot.volumeId === fault.volume) ?? snapshots[0];
  if (culprit === undefined) return;
  const wait =
    fault.seconds === undefined ? (culprit.completesAt - culprit.startTime) / 2 : fault.seconds * 1_000;
  for (const snapshot of snapshots) snapshot.failsAt = snapshot.startTime + wait;
  culprit.stateMessage = "Given key ID is not accessible";
}
