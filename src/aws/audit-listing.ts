import {
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  type Snapshot as Ec2Snapshot,
  type Volume as Ec2Volume,
} from "@aws-sdk/client-ec2";
import { markIn, marksIn } from "../core/foreign-tools.ts";
import type { Tags } from "../core/instance.ts";
import { tagKeys } from "../core/point-tags.ts";
import type { Snapshot } from "../core/recovery-point.ts";
import { isCopy } from "../core/restore-copies.ts";
import type { ForeignSnapshot, SweepVolume } from "../core/sweep-ports.ts";
import { temporaryTag } from "../core/temporary-tag.ts";
import type { Connection } from "./connection.ts";
import { call, tagsOf } from "./discover.ts";
import { pages, unreadable } from "./pages.ts";
import { serviceClock } from "./service-clock.ts";
import { snapshotOf } from "./snapshots.ts";
import { fresh, keeper, type PageSeen } from "./sweep-listing.ts";

/** All snapshots of an account in a Region, by whose they are, with EC2's clock at the first page. */
export interface AuditedSnapshots {
  readonly asOf: Date;
  /** Members of points that were captured here. */
  readonly own: readonly Snapshot[];
  /** Members of points that were copied here. */
  readonly copies: readonly Snapshot[];
  readonly foreign: readonly ForeignSnapshot[];
  readonly count: number;
  readonly unencrypted: number;
  /** How many snapshots each key encrypts. */
  readonly keys: ReadonlyMap<string, number>;
}

/** Every snapshot once, page by page; of those of others only what tells whose they are is kept. */
export async function listAllSnapshots(
  connection: Connection,
  signal: AbortSignal,
  seen: PageSeen = () => undefined,
): Promise<AuditedSnapshots> {
  const doing = "list all snapshots";
  const keep = keeper();
  const own: Snapshot[] = [];
  const copies: Snapshot[] = [];
  const foreign: ForeignSnapshot[] = [];
  const keys = new Map<string, number>();
  let count = 0;
  let unencrypted = 0;
  let asOf: Date | undefined;
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"], MaxResults: 1000, ...next }), {
        abortSignal,
      }),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Snapshots === undefined) throw unreadable(doing, "the answer has no list of snapshots");
    for (const found of page.Snapshots) {
      const snapshot = snapshotOf(found, doing);
      count += 1;
      if (!snapshot.encrypted) unencrypted += 1;
      const key = found.KmsKeyId;
      if (key !== undefined) keys.set(keys.has(key) ? key : fresh(key), (keys.get(key) ?? 0) + 1);
      if (snapshot.tags[tagKeys.point] === undefined) foreign.push(foreignOf(snapshot, found));
      else (isCopy(snapshot) ? copies : own).push(keep(snapshot));
    }
    asOf ??= serviceClock(page.$metadata);
    seen(count);
  }
  if (asOf === undefined) throw unreadable(doing, "the answer has no Date header, so ages cannot be told");
  return { asOf, own, copies, foreign, count, unencrypted, keys };
}

function foreignOf(snapshot: Snapshot, found: Ec2Snapshot): ForeignSnapshot {
  const { id, volumeId, state, startTime, volumeSizeGiB, encrypted } = snapshot;
  const description = markIn(found.Description);
  const hint = /\bi-(?:[0-9a-f]{17}|[0-9a-f]{8})\b/.exec(found.Description ?? "")?.[0];
  return {
    id: fresh(id),
    volumeId: fresh(volumeId),
    state,
    startTime,
    sizeGiB: volumeSizeGiB,
    encrypted,
    tags: freshTags(marksIn(snapshot.tags)),
    ...(description === undefined ? {} : { description: fresh(description) }),
    ...(hint === undefined ? {} : { instanceHint: fresh(hint) }),
    tagCount: Object.keys(snapshot.tags).filter((key) => !key.startsWith("aws:")).length,
  };
}

function freshTags(tags: Tags): Tags {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [fresh(key), fresh(value)]));
}

/** Every volume in whatever state, with what its tags say of backups. */
export async function listVolumes(
  connection: Connection,
  signal: AbortSignal,
): Promise<readonly SweepVolume[]> {
  const doing = "list the volumes";
  const volumes: SweepVolume[] = [];
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeVolumesCommand({ MaxResults: 500, ...next }), { abortSignal }),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Volumes === undefined) throw unreadable(doing, "the answer has no list of volumes");
    for (const one of page.Volumes) volumes.push(volumeOf(one, doing));
  }
  return volumes;
}

function volumeOf(found: Ec2Volume, doing: string): SweepVolume {
  const id = found.VolumeId;
  if (id === undefined) throw unreadable(doing, "a volume lacks its id");
  const attachedTo = found.Attachments?.[0]?.InstanceId;
  const tags = Object.entries(tagsOf(found.Tags)).filter(
    ([key]) => /^backup$/i.test(key) || key === temporaryTag,
  );
  return {
    id: fresh(id),
    sizeGiB: found.Size ?? 0,
    type: fresh(found.VolumeType ?? ""),
    encrypted: found.Encrypted ?? false,
    ...(found.KmsKeyId === undefined ? {} : { kmsKeyId: fresh(found.KmsKeyId) }),
    tags: freshTags(Object.fromEntries(tags)),
    ...(attachedTo === undefined ? {} : { attachedTo: fresh(attachedTo) }),
    ...(found.CreateTime === undefined ? {} : { createdAt: found.CreateTime }),
  };
}
