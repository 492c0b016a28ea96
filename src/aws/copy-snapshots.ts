import { CopySnapshotCommand, DescribeSnapshotsCommand } from "@aws-sdk/client-ec2";
import type { CopyRequest } from "../core/copy-ports.ts";
import { isCopy } from "../core/restore-copies.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { call } from "./discover.ts";
import { awsFailureOfUnrepeatable } from "./failure.ts";
import { listed } from "./listed-tags.ts";
import { pages, unreadable } from "./pages.ts";
import { rehearsed } from "./rehearsed.ts";
import { snapshotOf } from "./snapshots.ts";

/**
 * Sends CopySnapshot once, to the Region of the connection. A failure of kind `unknown-outcome` may have begun the
 * copy; every other kind has not.
 */
export async function copySnapshot(
  { ec2, requestTimeout }: Connection,
  request: CopyRequest,
): Promise<string> {
  const doing = `copy ${request.source} from ${request.from}`;
  // Telling the run to stop must not leave the outcome unknown.
  const unstoppable = new AbortController().signal;
  try {
    const { SnapshotId: id } = await withDeadline(requestTimeout, unstoppable, doing, (abortSignal) =>
      ec2.send(commandOf(request), { abortSignal }),
    );
    if (id === undefined) throw unreadable(doing, "the answer names no snapshot");
    return id;
  } catch (error) {
    throw awsFailureOfUnrepeatable(error, doing);
  }
}

/** Asks EC2 whether it would allow the very request; makes nothing. A refusal is thrown as what it is. */
export async function rehearseCopy(
  { ec2, requestTimeout }: Connection,
  request: CopyRequest,
  signal: AbortSignal,
): Promise<void> {
  const doing = `rehearse a copy of ${request.source} from ${request.from}`;
  await rehearsed(doing, () =>
    withDeadline(requestTimeout * 4, signal, doing, (abortSignal) =>
      ec2.send(commandOf(request, true), { abortSignal }),
    ),
  );
}

function commandOf(request: CopyRequest, rehearsal = false): CopySnapshotCommand {
  const { source, from, description, tags, kmsKeyId, completeWithin } = request;
  return new CopySnapshotCommand({
    ...(rehearsal ? { DryRun: true } : {}),
    SourceRegion: from,
    SourceSnapshotId: source,
    Description: description,
    ...(kmsKeyId === undefined ? {} : { Encrypted: true, KmsKeyId: kmsKeyId }),
    ...(completeWithin === undefined ? {} : { CompletionDurationMinutes: completeWithin }),
    TagSpecifications: [{ ResourceType: "snapshot", Tags: listed(tags) }],
  });
}

/** How many copies of this account are under way in the Region of the connection. */
export async function copiesRunning(connection: Connection, signal: AbortSignal): Promise<number> {
  const doing = "count the copies that are under way";
  let count = 0;
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(
        new DescribeSnapshotsCommand({
          OwnerIds: ["self"],
          Filters: [{ Name: "status", Values: ["pending"] }],
          MaxResults: 1000,
          ...next,
        }),
        { abortSignal },
      ),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Snapshots === undefined) throw unreadable(doing, "the answer has no list of snapshots");
    count += page.Snapshots.filter((one) => isCopy(snapshotOf(one, doing))).length;
  }
  return count;
}
