import { CreateSnapshotCommand, DescribeVolumesCommand } from "@aws-sdk/client-ec2";
import type { Tags } from "../core/instance.ts";
import type { Snapshot } from "../core/recovery-point.ts";
import type { LooseVolume } from "../core/sweep-volumes.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { call, tagsOf } from "./discover.ts";
import { awsFailureOfUnrepeatable } from "./failure.ts";
import { listed } from "./listed-tags.ts";
import { pages, unreadable } from "./pages.ts";
import { snapshotOf } from "./snapshots.ts";

/** Every volume that no instance has, with what a snapshot of it is to remember. */
export async function listLooseVolumes(
  connection: Connection,
  signal: AbortSignal,
): Promise<readonly LooseVolume[]> {
  const doing = "list the volumes that no instance has";
  const volumes: LooseVolume[] = [];
  const Filters = [{ Name: "status", Values: ["available"] }];
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeVolumesCommand({ Filters, MaxResults: 500, ...next }), { abortSignal }),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Volumes === undefined) throw unreadable(doing, "the answer has no list of volumes");
    for (const one of page.Volumes) {
      if (one.VolumeId === undefined) throw unreadable(doing, "a volume lacks its id");
      volumes.push({
        id: one.VolumeId,
        sizeGiB: one.Size ?? 0,
        type: one.VolumeType ?? "standard",
        ...(one.Iops === undefined ? {} : { iops: one.Iops }),
        ...(one.Throughput === undefined ? {} : { throughput: one.Throughput }),
        tags: tagsOf(one.Tags),
      });
    }
  }
  return volumes;
}

/**
 * Sends CreateSnapshot once, with a hard deadline: it takes no token. A failure of kind `unknown-outcome` may have made
 * the snapshot; every other kind has not.
 */
export async function createSnapshot(
  { ec2, requestTimeout }: Connection,
  {
    volume,
    description,
    tags,
  }: { readonly volume: string; readonly description: string; readonly tags: Tags },
): Promise<Snapshot> {
  const doing = `create a snapshot of ${volume}`;
  // Telling the sweep to stop must not leave the outcome unknown.
  const unstoppable = new AbortController().signal;
  const command = new CreateSnapshotCommand({
    VolumeId: volume,
    Description: description,
    TagSpecifications: [{ ResourceType: "snapshot", Tags: listed(tags) }],
  });
  try {
    const answer = await withDeadline(requestTimeout, unstoppable, doing, (abortSignal) =>
      ec2.send(command, { abortSignal }),
    );
    return snapshotOf(answer, doing);
  } catch (error) {
    throw awsFailureOfUnrepeatable(error, doing);
  }
}
