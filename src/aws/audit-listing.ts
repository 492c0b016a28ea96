import {
  DescribeSnapshotsCommand,
  type DescribeSnapshotsResult,
  DescribeVolumesCommand,
  type DescribeVolumesResult,
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
import { tagsOf } from "./discover.ts";
import { unreadable } from "./pages.ts";
import { readSnapshots } from "./read-snapshots.ts";
import { snapshotOf } from "./snapshots.ts";
import { type Listing, streamedPages } from "./streamed.ts";
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
  // What broke off is read again, so nothing is counted before its page is whole.
  const listing: Listing<DescribeSnapshotsResult, Seen> = {
    doing,
    set: "snapshotSet",
    parse: readSnapshots,
    command: (next) => new DescribeSnapshotsCommand({ OwnerIds: ["self"], MaxResults: 1000, ...next }),
    read: ({ Snapshots }) => Snapshots?.map((found) => seenOf(found, keep, doing)),
  };
  for await (const page of streamedPages(connection, listing, signal)) {
    for (const { key, encrypted, ours, other } of page.items) {
      count += 1;
      if (!encrypted) unencrypted += 1;
      if (key !== undefined) keys.set(keys.has(key) ? key : fresh(key), (keys.get(key) ?? 0) + 1);
      if (other !== undefined) foreign.push(other);
      if (ours !== undefined) (isCopy(ours) ? copies : own).push(ours);
    }
    asOf ??= page.asOf;
    seen(count);
  }
  if (asOf === undefined) throw unreadable(doing, "the answer has no Date header, so ages cannot be told");
  return { asOf, own, copies, foreign, count, unencrypted, keys };
}

/** What is kept of one snapshot, and what is counted. */
interface Seen {
  readonly key: string | undefined;
  readonly encrypted: boolean;
  readonly ours?: Snapshot;
  readonly other?: ForeignSnapshot;
}

function seenOf(found: Ec2Snapshot, keep: (one: Snapshot) => Snapshot, doing: string): Seen {
  const snapshot = snapshotOf(found, doing);
  const { encrypted, tags } = snapshot;
  const key = found.KmsKeyId;
  if (tags[tagKeys.point] === undefined) return { key, encrypted, other: foreignOf(snapshot, found) };
  return { key, encrypted, ours: keep(snapshot) };
}

function foreignOf(snapshot: Snapshot, found: Ec2Snapshot): ForeignSnapshot {
  const { id, volumeId, state, startTime, volumeSizeGiB, fullSizeBytes, archived, encrypted } = snapshot;
  const description = markIn(found.Description);
  const hint = /\bi-(?:[0-9a-f]{17}|[0-9a-f]{8})\b/.exec(found.Description ?? "")?.[0];
  return {
    id: fresh(id),
    volumeId: fresh(volumeId),
    state,
    startTime,
    sizeGiB: volumeSizeGiB,
    encrypted,
    ...(fullSizeBytes === undefined ? {} : { fullSizeBytes }),
    ...(archived ? { archived } : {}),
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
  const listing: Listing<DescribeVolumesResult, SweepVolume> = {
    doing,
    set: "volumeSet",
    command: (next) => new DescribeVolumesCommand({ MaxResults: 500, ...next }),
    read: ({ Volumes }) => Volumes?.map((one) => volumeOf(one, doing)),
  };
  for await (const { items } of streamedPages(connection, listing, signal)) volumes.push(...items);
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
