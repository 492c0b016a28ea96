import { DescribeSnapshotsCommand, DescribeVolumesCommand } from "@aws-sdk/client-ec2";
import type { Marked } from "../core/foreign-snapshots.ts";
import { inGroups } from "../core/in-groups.ts";
import type { Connection } from "./connection.ts";
import { call, tagsOf } from "./discover.ts";
import { maxFilterValues } from "./filter-values.ts";
import { pages } from "./pages.ts";
import { serviceClock } from "./service-clock.ts";

/** The KMS keys of the given volumes; one that is not encrypted has none. */
export async function keysOfVolumes(
  connection: Connection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const doing = "read the keys of the volumes";
  const answer = await call(connection, doing, signal, (abortSignal) =>
    connection.ec2.send(new DescribeVolumesCommand({ VolumeIds: [...ids] }), { abortSignal }),
  );
  return new Map(
    (answer.Volumes ?? []).flatMap((volume) => {
      const { VolumeId: id, KmsKeyId: key } = volume;
      return id === undefined || key === undefined ? [] : [[id, key] as const];
    }),
  );
}

/** All snapshots of the account that were made of the given volumes, whoever made them, and EC2's clock. */
export async function snapshotsOfVolumes(
  connection: Connection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly snapshots: readonly Marked[]; readonly asOf: Date | undefined }> {
  const doing = "list the snapshots of the volumes";
  const snapshots: Marked[] = [];
  let asOf: Date | undefined;
  for (const Values of inGroups(ids, maxFilterValues)) {
    const Filters = [{ Name: "volume-id", Values }];
    const ask = (next: { NextToken?: string }) =>
      call(connection, doing, signal, (abortSignal) =>
        connection.ec2.send(
          new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters, MaxResults: 1000, ...next }),
          { abortSignal },
        ),
      );
    for await (const page of pages(doing, ask)) {
      asOf ??= serviceClock(page.$metadata);
      for (const { VolumeId: volumeId, StartTime: startTime, Tags } of page.Snapshots ?? [])
        if (volumeId !== undefined && startTime !== undefined)
          snapshots.push({ volumeId, startTime, tags: tagsOf(Tags) });
    }
  }
  return { snapshots, asOf };
}
