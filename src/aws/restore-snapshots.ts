import {
  DescribeSnapshotsCommand,
  type Snapshot as Ec2Snapshot,
  ListSnapshotsInRecycleBinCommand,
} from "@aws-sdk/client-ec2";
import { BackupError } from "../core/errors.ts";
import type { FoundSnapshot, SnapshotFinder } from "../core/restore-ports.ts";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";
import { pages, unreadable } from "./pages.ts";
import { serviceClock } from "./service-clock.ts";
import { literal, snapshotOf } from "./snapshots.ts";

/** Snapshots with what decides whether they can be restored. */
export function ec2Snapshots(connection: Connection): SnapshotFinder {
  return {
    byId: (ids, signal) => byId(connection, ids, signal),
    byTag: (key, value, signal) => byTag(connection, key, value, signal),
    inRecycleBin: (ids, signal) => inRecycleBin(connection, ids, signal),
  };
}

/** Those of other accounts are asked for by their ids alone: a filter would look through all that are public. */
async function byId(
  connection: Connection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly FoundSnapshot[]> {
  if (ids.length === 0) return [];
  const doing = `look at ${ids.join(", ")}`;
  try {
    const answer = await call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [...ids] }), { abortSignal }),
    );
    return (answer.Snapshots ?? []).map((one) => foundOf(one, doing));
  } catch (error) {
    if (!(error instanceof BackupError) || !/^InvalidSnapshot/.test(error.code ?? "")) throw error;
    // One that is not there fails the whole request.
    if (ids.length === 1) return [];
    const each = await Promise.all(ids.map((id) => byId(connection, [id], signal)));
    return each.flat();
  }
}

async function byTag(
  connection: Connection,
  key: string,
  value: string,
  signal: AbortSignal,
): Promise<{ readonly snapshots: readonly FoundSnapshot[]; readonly asOf: Date }> {
  const doing = `list the snapshots with ${key}=${value}`;
  const snapshots = new Map<string, FoundSnapshot>();
  let asOf: Date | undefined;
  const Filters = [{ Name: `tag:${key}`, Values: [literal(value)] }];
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(
        new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters, MaxResults: 1000, ...next }),
        { abortSignal },
      ),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Snapshots === undefined) throw unreadable(doing, "the answer has no list of snapshots");
    for (const one of page.Snapshots) {
      const snapshot = foundOf(one, doing);
      if (snapshot.tags[key] === value) snapshots.set(snapshot.id, snapshot);
    }
    asOf ??= serviceClock(page.$metadata);
  }
  if (asOf === undefined) throw unreadable(doing, "the answer has no Date header, so ages cannot be told");
  return { snapshots: [...snapshots.values()], asOf };
}

function foundOf(found: Ec2Snapshot, doing: string): FoundSnapshot {
  const { OwnerId: owner, KmsKeyId: kmsKey, RestoreExpiryTime: restoredUntil } = found;
  return {
    ...snapshotOf(found, doing),
    ...(owner === undefined ? {} : { owner }),
    ...(kmsKey === undefined ? {} : { kmsKey }),
    ...(restoredUntil === undefined ? {} : { restoredUntil }),
  };
}

async function inRecycleBin(
  connection: Connection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  const doing = "look into the Recycle Bin";
  const found = new Set<string>();
  try {
    const ask = (next: { NextToken?: string }) =>
      call(connection, doing, signal, (abortSignal) =>
        connection.ec2.send(new ListSnapshotsInRecycleBinCommand({ SnapshotIds: [...ids], ...next }), {
          abortSignal,
        }),
      );
    for await (const page of pages(doing, ask))
      for (const { SnapshotId: id } of page.Snapshots ?? []) if (id !== undefined) found.add(id);
    return found;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    if (error.kind === "not-found" || /^InvalidSnapshot/.test(error.code ?? "")) return new Set();
    // Many roles may not ask, and some partitions do not know the question.
    if (error.kind === "denied" || error.kind === "refused") return undefined;
    throw error;
  }
}
