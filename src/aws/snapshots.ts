import {
  CreateSnapshotsCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  type Snapshot as Ec2Snapshot,
  type SnapshotInfo,
} from "@aws-sdk/client-ec2";
import type { Tags } from "../core/instance.ts";
import type { Snapshot } from "../core/recovery-point.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { call, tagsOf } from "./discover.ts";
import { awsFailureOfUnrepeatable } from "./failure.ts";
import { listed } from "./listed-tags.ts";
import { pages, unreadable } from "./pages.ts";
import { rehearsed } from "./rehearsed.ts";
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
 * the set; every other kind has not. `answered` is told as soon as EC2's consent is there, before its
 * answer is read: by then the snapshots are `pending`, and what was held still need not be any longer.
 */
export async function createSnapshots(
  connection: Connection,
  request: SetRequest,
  deadline: number,
  answered?: () => void,
): Promise<Snapshot[]> {
  const doing = `create the snapshots of ${request.instanceId}`;
  // Telling the run to stop must not leave the outcome unknown.
  const unstoppable = new AbortController().signal;
  try {
    const answer = await withDeadline(deadline, unstoppable, doing, (abortSignal) =>
      connection.ec2.send(telling(createCommand(request), answered), {
        abortSignal,
        requestTimeout: deadline,
      }),
    );
    if (answer.Snapshots === undefined || answer.Snapshots.length === 0) {
      throw unreadable(doing, "the answer names no snapshot");
    }
    return answer.Snapshots.map((one) => snapshotOf(one, doing));
  } catch (error) {
    throw awsFailureOfUnrepeatable(error, doing);
  }
}

/** Asks EC2 whether it would allow the very request; makes nothing. A refusal is thrown as what it is. */
export async function rehearseSnapshots(
  connection: Connection,
  request: SetRequest,
  deadline: number,
  signal: AbortSignal,
): Promise<void> {
  const doing = `rehearse the snapshots of ${request.instanceId}`;
  await rehearsed(doing, () =>
    withDeadline(deadline, signal, doing, (abortSignal) =>
      connection.ec2.send(createCommand(request, true), { abortSignal, requestTimeout: deadline }),
    ),
  );
}

function telling(command: CreateSnapshotsCommand, answered?: () => void): CreateSnapshotsCommand {
  if (answered === undefined) return command;
  command.middlewareStack.add(
    (next) => async (args) => {
      const output = await next(args);
      if ((output.response as { readonly statusCode?: number }).statusCode === 200) answered();
      return output;
    },
    // Inside of what reads the answer.
    { name: "tellAnswered", step: "deserialize", priority: "low" },
  );
  return command;
}

function createCommand(request: SetRequest, rehearsal = false): CreateSnapshotsCommand {
  return new CreateSnapshotsCommand({
    ...(rehearsal ? { DryRun: true } : {}),
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
        Tags: listed(request.tags),
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
export function literal(value: string): string {
  return value.replace(/[\\*?]/g, "\\$&");
}

/** EC2's snapshot as ours. */
export function snapshotOf(found: Ec2Snapshot | SnapshotInfo, doing: string): Snapshot {
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

/** Deletes one snapshot. Deleting is idempotent: what is gone already is a failure of kind `not-found`. */
export async function deleteSnapshot(
  connection: Connection,
  id: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  await call(connection, `delete ${id}`, signal, (abortSignal) =>
    connection.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }), { abortSignal }),
  );
}
