import {
  DescribeInstancesCommand,
  type DescribeInstancesResult,
  DescribeSnapshotsCommand,
  type DescribeSnapshotsResult,
  DescribeVolumesCommand,
  type DescribeVolumesResult,
  type Instance as Ec2Instance,
  type Filter,
} from "@aws-sdk/client-ec2";
import { inGroups } from "../core/in-groups.ts";
import { instanceArn } from "../core/instance.ts";
import { groupKey, tagKeys } from "../core/point-tags.ts";
import { partitionOf } from "../core/policy-fill.ts";
import type { Snapshot } from "../core/recovery-point.ts";
import { copyKeys } from "../core/restore-copies.ts";
import type { InstanceState, SweepInstance, SweepUnit } from "../core/sweep-ports.ts";
import { neededTags } from "../core/sweep-tags.ts";
import type { Connection } from "./connection.ts";
import { call, tagsOf } from "./discover.ts";
import { maxFilterValues } from "./filter-values.ts";
import { pages, unreadable } from "./pages.ts";
import { readSnapshots } from "./read-snapshots.ts";
import { literal, snapshotOf } from "./snapshots.ts";
import { type Listing, streamedPages } from "./streamed.ts";

/** Told of each page, so that who waits sees that something happens. */
export type PageSeen = (found: number) => void;

/**
 * All snapshots of points in a unit with what a sweep decides by, and EC2's clock at the first page. A hundred thousand
 * of them are to fit into a small process: texts that many share are kept once, and none holds on to its page.
 */
export async function listPoints(
  connection: Connection,
  signal: AbortSignal,
  seen: PageSeen = () => undefined,
): Promise<{ readonly snapshots: readonly Snapshot[]; readonly asOf: Date }> {
  const filters = [{ Name: "tag-key", Values: [tagKeys.point] }];
  const keep = keeper();
  const snapshots: Snapshot[] = [];
  // Not left to the filter alone: what is listed may be removed.
  const asOf = await eachPage(connection, filters, signal, keepPoints(keep), (page) => {
    for (const one of page) snapshots.push(one);
    seen(snapshots.length);
  });
  return { snapshots, asOf };
}

/** Every copy in a Region that tells which Region it is from, with what a sweep decides by. */
export async function listCopies(
  connection: Connection,
  signal: AbortSignal,
): Promise<{ readonly snapshots: readonly Snapshot[]; readonly asOf: Date }> {
  const keep = keeper();
  const snapshots: Snapshot[] = [];
  const filters = [{ Name: "tag-key", Values: [copyKeys.from] }];
  const ours = (one: Snapshot) => (one.tags[copyKeys.from] === undefined ? [] : [keep(one)]);
  const asOf = await eachPage(connection, filters, signal, ours, (page) => void snapshots.push(...page));
  return { snapshots, asOf };
}

function keepPoints(keep: (snapshot: Snapshot) => Snapshot) {
  return (one: Snapshot) => (one.tags[tagKeys.point] === undefined ? [] : [keep(one)]);
}

/** The snapshots of these points as they are now. */
export async function listPointsAgain(
  connection: Connection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly Snapshot[]> {
  const keep = keeper();
  const snapshots: Snapshot[] = [];
  for (const some of inGroups(ids, maxFilterValues)) {
    const filters = [{ Name: `tag:${tagKeys.point}`, Values: some.map(literal) }];
    await eachPage(connection, filters, signal, keepPoints(keep), (page) => void snapshots.push(...page));
  }
  return snapshots;
}

async function eachPage(
  connection: Connection,
  Filters: Filter[],
  signal: AbortSignal,
  keep: (snapshot: Snapshot) => readonly Snapshot[],
  take: (page: readonly Snapshot[]) => void,
): Promise<Date> {
  const doing = "list the snapshots of points";
  let asOf: Date | undefined;
  const listing: Listing<DescribeSnapshotsResult, Snapshot> = {
    doing,
    set: "snapshotSet",
    parse: readSnapshots,
    command: (next) =>
      new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters, MaxResults: 1000, ...next }),
    read: ({ Snapshots }) => Snapshots?.flatMap((one) => keep(snapshotOf(one, doing))),
  };
  for await (const page of streamedPages(connection, listing, signal)) {
    take(page.items);
    asOf ??= page.asOf;
  }
  if (asOf === undefined) throw unreadable(doing, "the answer has no Date header, so ages cannot be told");
  return asOf;
}

/** Makes snapshots small: shared texts, dates and sets of tags once. */
export function keeper(): (snapshot: Snapshot) => Snapshot {
  const texts = new Map<string, string>();
  const dates = new Map<number, Date>();
  const sets = new Map<string, Snapshot["tags"]>();
  const intern = (text: string): string => {
    const known = texts.get(text);
    if (known !== undefined) return known;
    const own = fresh(text);
    texts.set(own, own);
    return own;
  };
  const date = (at: Date): Date => {
    const known = dates.get(at.getTime());
    if (known === undefined) dates.set(at.getTime(), at);
    return known ?? at;
  };
  return (one) => {
    const tags = neededTags(one.tags, intern);
    const point = tags[tagKeys.point] ?? "";
    const before = sets.get(point);
    const shared = before !== undefined && isSame(before, tags) ? before : tags;
    if (before === undefined) sets.set(point, tags);
    return {
      id: fresh(one.id),
      volumeId: intern(one.volumeId),
      state: one.state,
      startTime: date(one.startTime),
      ...(one.stateMessage === undefined ? {} : { stateMessage: intern(one.stateMessage) }),
      volumeSizeGiB: one.volumeSizeGiB,
      ...(one.fullSizeBytes === undefined ? {} : { fullSizeBytes: one.fullSizeBytes }),
      encrypted: one.encrypted,
      archived: one.archived,
      tags: shared,
    };
  };
}

function isSame(one: Snapshot["tags"], other: Snapshot["tags"]): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}

/** A text cut out of a page would keep the whole page in memory. */
export function fresh(text: string): string {
  return Buffer.from(text).toString();
}

const states: readonly InstanceState[] = [
  "pending",
  "running",
  "shutting-down",
  "terminated",
  "stopping",
  "stopped",
];

/** Every instance of a unit in whatever state: who is not among them is gone. */
export async function listInstances(
  connection: Connection,
  { account, region }: SweepUnit,
  signal: AbortSignal,
): Promise<readonly SweepInstance[]> {
  const doing = "list the instances";
  const instances: SweepInstance[] = [];
  const listing: Listing<DescribeInstancesResult, SweepInstance> = {
    doing,
    set: "reservationSet",
    command: (next) => new DescribeInstancesCommand({ MaxResults: 1000, ...next }),
    read: ({ Reservations }) =>
      Reservations?.flatMap((one) => one.Instances ?? []).map((one) =>
        instanceOf(one, account, region, doing),
      ),
  };
  for await (const { items } of streamedPages(connection, listing, signal)) instances.push(...items);
  return instances;
}

export function stateOf(found: Ec2Instance): InstanceState {
  return states.find((state) => state === found.State?.Name) ?? "unknown";
}

function instanceOf(found: Ec2Instance, account: string, region: string, doing: string): SweepInstance {
  const id = found.InstanceId;
  if (id === undefined) throw unreadable(doing, "an instance lacks its id");
  const tags = tagsOf(found.Tags);
  const name = tags["Name"];
  const group = tags[groupKey];
  return {
    id,
    arn: instanceArn({ partition: partitionOf(region), region, account, instanceId: id }),
    account,
    region,
    ...(name === undefined ? {} : { name }),
    state: stateOf(found),
    tags,
    ...(group === undefined ? {} : { group }),
    ...(found.LaunchTime === undefined ? {} : { launched: found.LaunchTime }),
    ...(found.InstanceLifecycle === "spot" ? { lifecycle: "spot" as const } : {}),
    volumes: (found.BlockDeviceMappings ?? []).flatMap((one) => one.Ebs?.VolumeId ?? []),
  };
}

/** The ids of the instances that fit all of EC2's filters. */
export async function listFiltered(
  connection: Connection,
  filters: readonly { readonly name: string; readonly values: readonly string[] }[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const doing = "list the instances that the filters leave";
  const Filters = filters.map(({ name, values }) => ({ Name: name, Values: [...values] }));
  const ids = new Set<string>();
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeInstancesCommand({ Filters, MaxResults: 1000, ...next }), {
        abortSignal,
      }),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Reservations === undefined) throw unreadable(doing, "the answer has no list of reservations");
    for (const one of page.Reservations.flatMap((reservation) => reservation.Instances ?? []))
      if (one.InstanceId !== undefined) ids.add(one.InstanceId);
  }
  return ids;
}

/** The ids of every volume of a unit in whatever state: what is not among them is gone. */
export async function listVolumeIds(
  connection: Connection,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const doing = "list the volumes";
  const ids = new Set<string>();
  const listing: Listing<DescribeVolumesResult, string> = {
    doing,
    set: "volumeSet",
    command: (next) => new DescribeVolumesCommand({ MaxResults: 500, ...next }),
    read: ({ Volumes }) => Volumes?.flatMap(({ VolumeId: id }) => (id === undefined ? [] : [fresh(id)])),
  };
  for await (const { items } of streamedPages(connection, listing, signal))
    for (const id of items) ids.add(id);
  return ids;
}
