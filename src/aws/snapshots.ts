import {
  CreateSnapshotsCommand,
  DeleteSnapshotCommand,
  DescribeImagesCommand,
  DescribeLockedSnapshotsCommand,
  DescribeSnapshotsCommand,
  type Snapshot as Ec2Snapshot,
  type Filter,
  type Image,
  type SnapshotInfo,
} from "@aws-sdk/client-ec2";
import { BackupError } from "../core/errors.ts";
import type { Tags } from "../core/instance.ts";
import type { Snapshot } from "../core/recovery-point.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { call, tagsOf } from "./discover.ts";
import { awsFailureOfUnrepeatable } from "./failure.ts";
import { pages, unreadable } from "./pages.ts";
import { serviceClock } from "./service-clock.ts";

/** One CreateSnapshots request. */
export interface SetRequest {
  readonly instanceId: string;
  readonly description: string;
  readonly excludeRoot: boolean;
  readonly excludeDataVolumeIds: readonly string[];
  readonly copyVolumeTags: boolean;
  readonly tags: Tags;
}

/**
 * Sends CreateSnapshots once, with a hard deadline. A failure of kind `unknown-outcome` may have made
 * the set; every other kind has not.
 */
export async function createSnapshots(
  connection: Connection,
  request: SetRequest,
  deadline: number,
  signal: AbortSignal,
): Promise<Snapshot[]> {
  const doing = `create the snapshots of ${request.instanceId}`;
  try {
    const answer = await withDeadline(deadline, signal, doing, (abortSignal) =>
      connection.ec2.send(createCommand(request), { abortSignal, requestTimeout: deadline }),
    );
    if (answer.Snapshots === undefined || answer.Snapshots.length === 0) {
      throw unreadable(doing, "the answer names no snapshot");
    }
    return answer.Snapshots.map((one) => snapshotOf(one, doing));
  } catch (error) {
    throw awsFailureOfUnrepeatable(error, doing);
  }
}

function createCommand(request: SetRequest): CreateSnapshotsCommand {
  return new CreateSnapshotsCommand({
    Description: request.description,
    InstanceSpecification: {
      InstanceId: request.instanceId,
      ExcludeBootVolume: request.excludeRoot,
      ...(request.excludeDataVolumeIds.length === 0
        ? {}
        : { ExcludeDataVolumeIds: [...request.excludeDataVolumeIds] }),
    },
    ...(request.copyVolumeTags ? { CopyTagsFromSource: "volume" as const } : {}),
    TagSpecifications: [
      {
        ResourceType: "snapshot",
        Tags: Object.entries(request.tags).map(([Key, Value]) => ({ Key, Value })),
      },
    ],
  });
}

/**
 * All own snapshots with the given tag, page by page, and EC2's clock at the first page: the earliest
 * `now` that is true of the whole list.
 */
export async function listSnapshots(
  connection: Connection,
  tag: { readonly key: string; readonly value: string },
  signal: AbortSignal,
): Promise<{ snapshots: Snapshot[]; asOf: Date }> {
  const doing = `list the snapshots with ${tag.key}=${tag.value}`;
  // By id: a listing that gives one twice must not make two of it.
  const snapshots = new Map<string, Snapshot>();
  let asOf: Date | undefined;
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(
        new DescribeSnapshotsCommand({
          OwnerIds: ["self"],
          Filters: [{ Name: `tag:${tag.key}`, Values: [literal(tag.value)] }],
          MaxResults: 1000,
          ...next,
        }),
        { abortSignal },
      ),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Snapshots === undefined) throw unreadable(doing, "the answer has no list of snapshots");
    for (const found of page.Snapshots) {
      const snapshot = snapshotOf(found, doing);
      snapshots.set(snapshot.id, snapshot);
    }
    asOf ??= serviceClock(page.$metadata);
  }
  if (asOf === undefined) throw unreadable(doing, "the answer has no Date header, so ages cannot be told");
  return { snapshots: [...snapshots.values()], asOf };
}

/** In the values of EC2's filters `*` and `?` are wildcards unless a backslash precedes them. */
function literal(value: string): string {
  return value.replace(/[\\*?]/g, "\\$&");
}

function snapshotOf(found: Ec2Snapshot | SnapshotInfo, doing: string): Snapshot {
  const { SnapshotId: id, VolumeId: volumeId, State: state, StartTime: startTime } = found;
  if (id === undefined || volumeId === undefined || state === undefined || startTime === undefined) {
    throw unreadable(doing, `a snapshot lacks its id, volume, state or start time (${id ?? "no id"})`);
  }
  const full = "FullSnapshotSizeInBytes" in found ? found.FullSnapshotSizeInBytes : undefined;
  const completed = "CompletionTime" in found ? found.CompletionTime : undefined;
  const message = "StateMessage" in found ? found.StateMessage : undefined;
  const progress = Number.parseFloat(found.Progress ?? "");
  return {
    id,
    volumeId,
    state,
    startTime,
    ...(completed === undefined ? {} : { completionTime: completed }),
    ...(Number.isNaN(progress) ? {} : { progress }),
    ...(message === undefined || message === "" ? {} : { stateMessage: message }),
    volumeSizeGiB: found.VolumeSize ?? 0,
    ...(full === undefined ? {} : { fullSizeBytes: full }),
    encrypted: found.Encrypted ?? false,
    archived: "StorageTier" in found && found.StorageTier === "archive",
    tags: tagsOf(found.Tags),
  };
}

/** EC2 takes at most this many values in one filter. */
const maxFilterValues = 200;

/** Which images hold which of the snapshots; deprecated and disabled images hold theirs too. */
export async function imagesUsing(
  connection: Connection,
  snapshotIds: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const doing = "look for images that use the snapshots to be removed";
  const holders = new Map<string, string>();
  for (let from = 0; from < snapshotIds.length; from += maxFilterValues) {
    const Filters: Filter[] = [
      { Name: "block-device-mapping.snapshot-id", Values: snapshotIds.slice(from, from + maxFilterValues) },
    ];
    const ask = (next: { NextToken?: string }) =>
      call(connection, doing, signal, (abortSignal) =>
        connection.ec2.send(
          new DescribeImagesCommand({
            Owners: ["self"],
            Filters,
            IncludeDeprecated: true,
            IncludeDisabled: true,
            ...next,
          }),
          { abortSignal },
        ),
      );
    for await (const page of pages(doing, ask)) {
      if (page.Images === undefined) throw unreadable(doing, "the answer has no list of images");
      for (const image of page.Images) noteHolder(image, holders);
    }
  }
  return holders;
}

function noteHolder(image: Image, holders: Map<string, string>): void {
  for (const mapping of image.BlockDeviceMappings ?? []) {
    const id = mapping.Ebs?.SnapshotId;
    if (id !== undefined) holders.set(id, image.ImageId ?? "an image");
  }
}

/**
 * Which of the snapshots are locked, each with its mode; a lock that has expired holds nothing. Many roles
 * may not ask and some partitions do not know the question: then nothing is returned.
 */
export async function locksOf(
  connection: Connection,
  snapshotIds: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | undefined> {
  const doing = "look for locks on the snapshots to be removed";
  const locks = new Map<string, string>();
  try {
    for (let from = 0; from < snapshotIds.length; from += maxFilterValues) {
      const SnapshotIds = snapshotIds.slice(from, from + maxFilterValues);
      const answer = await call(connection, doing, signal, (abortSignal) =>
        connection.ec2.send(new DescribeLockedSnapshotsCommand({ SnapshotIds }), { abortSignal }),
      );
      for (const { SnapshotId: id, LockState: mode } of answer.Snapshots ?? []) {
        if (id !== undefined && mode !== undefined && mode !== "expired") locks.set(id, mode);
      }
    }
    return locks;
  } catch (error) {
    // One of the snapshots may have gone meanwhile; its removal will find that out.
    const unanswered = ["denied", "refused", "not-found"];
    if (error instanceof BackupError && unanswered.includes(error.kind)) return undefined;
    throw error;
  }
}

/** Deletes one snapshot. Deleting is idempotent: what is gone already is a failure of kind `not-found`. */
export async function deleteSnapshot(connection: Connection, id: string): Promise<void> {
  await call(connection, `delete ${id}`, new AbortController().signal, (abortSignal) =>
    connection.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }), { abortSignal }),
  );
}
