import {
  CreateSnapshotsCommand,
  DeleteSnapshotCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  type Snapshot as Ec2Snapshot,
  type Filter,
  type SnapshotInfo,
} from "@aws-sdk/client-ec2";
import type { Tags } from "../core/instance.ts";
import type { Snapshot } from "../core/recovery-point.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { call, nextToken, tagsOf, unreadable } from "./discover.ts";
import { awsFailureOfUnrepeatable } from "./failure.ts";
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
  const snapshots: Snapshot[] = [];
  let asOf: Date | undefined;
  let token: string | undefined;
  const seen = new Set<string>();
  do {
    const page = await call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(listCommand(tag, token), { abortSignal }),
    );
    if (page.Snapshots === undefined) throw unreadable(doing, "the answer has no list of snapshots");
    snapshots.push(...page.Snapshots.map((one) => snapshotOf(one, doing)));
    asOf ??= serviceClock(page.$metadata);
    if (asOf === undefined) throw unreadable(doing, "the answer has no Date header, so ages cannot be told");
    token = nextToken(page.NextToken);
    if (token !== undefined && seen.has(token)) throw unreadable(doing, "the same page was given twice");
    if (token !== undefined) seen.add(token);
  } while (token !== undefined);
  return { snapshots, asOf };
}

function listCommand(
  tag: { key: string; value: string },
  token: string | undefined,
): DescribeSnapshotsCommand {
  return new DescribeSnapshotsCommand({
    OwnerIds: ["self"],
    Filters: [{ Name: `tag:${tag.key}`, Values: [literal(tag.value)] }],
    MaxResults: 1000,
    ...(token === undefined ? {} : { NextToken: token }),
  });
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
    let token: string | undefined;
    do {
      const page = await call(connection, doing, signal, (abortSignal) =>
        connection.ec2.send(
          new DescribeImagesCommand({
            Owners: ["self"],
            Filters,
            IncludeDeprecated: true,
            IncludeDisabled: true,
            ...(token === undefined ? {} : { NextToken: token }),
          }),
          { abortSignal },
        ),
      );
      if (page.Images === undefined) throw unreadable(doing, "the answer has no list of images");
      for (const image of page.Images) {
        for (const mapping of image.BlockDeviceMappings ?? []) {
          const id = mapping.Ebs?.SnapshotId;
          if (id !== undefined) holders.set(id, image.ImageId ?? "an image");
        }
      }
      token = nextToken(page.NextToken);
    } while (token !== undefined);
  }
  return holders;
}

/** Deletes one snapshot. Deleting is idempotent: what is gone already is a failure of kind `not-found`. */
export async function deleteSnapshot(connection: Connection, id: string): Promise<void> {
  await call(connection, `delete ${id}`, new AbortController().signal, (abortSignal) =>
    connection.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }), { abortSignal }),
  );
}
