import { DescribeLockedSnapshotsCommand, type Filter, type Image } from "@aws-sdk/client-ec2";
import { BackupError } from "../core/errors.ts";
import { inGroups } from "../core/in-groups.ts";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";
import { maxFilterValues } from "./filter-values.ts";
import { ownImages } from "./own-images.ts";
import { pages } from "./pages.ts";

/** Which images hold which of the snapshots. */
export async function imagesUsing(
  connection: Connection,
  snapshotIds: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const doing = "look for images that use the snapshots to be removed";
  const holders = new Map<string, string>();
  for (const Values of inGroups(snapshotIds, maxFilterValues)) {
    const Filters: Filter[] = [{ Name: "block-device-mapping.snapshot-id", Values }];
    for await (const image of ownImages(connection, doing, Filters, signal)) noteHolder(image, holders);
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
 * Which of the snapshots are locked, each with its mode and its end, where that is known; a lock that has expired holds nothing. Many roles
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
    for (const SnapshotIds of inGroups(snapshotIds, maxFilterValues)) {
      const ask = (next: { NextToken?: string }) =>
        call(connection, doing, signal, (abortSignal) =>
          connection.ec2.send(new DescribeLockedSnapshotsCommand({ SnapshotIds, ...next }), { abortSignal }),
        );
      for await (const answer of pages(doing, ask)) {
        for (const { SnapshotId: id, LockState: mode, LockExpiresOn: end } of answer.Snapshots ?? []) {
          if (id === undefined || mode === undefined || mode === "expired") continue;
          locks.set(id, end === undefined ? mode : `${mode} until ${end.toISOString().slice(0, 10)}`);
        }
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
