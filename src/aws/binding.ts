import { DescribeInstancesCommand, DescribeSnapshotsCommand } from "@aws-sdk/client-ec2";
import { BackupError } from "../core/errors.ts";
import type { Tags } from "../core/instance.ts";
import { tagKeys } from "../core/point-tags.ts";
import type { Connection } from "./connection.ts";
import { call, tagsOf } from "./discover.ts";

/** Pages that are looked at for something that is not one's own: an account may have very many snapshots. */
const pagesSeen = 5;

/** The id of another instance of this account and Region; absent where there is none, or nobody may ask. */
export async function anotherInstance(
  connection: Connection,
  own: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const doing = "look for another instance";
  try {
    let next: { NextToken?: string } = {};
    for (let page = 0; page < pagesSeen; page += 1) {
      const asked = next;
      const answer = await call(connection, doing, signal, (abortSignal) =>
        connection.ec2.send(new DescribeInstancesCommand({ MaxResults: 100, ...asked }), { abortSignal }),
      );
      const all = (answer.Reservations ?? []).flatMap(({ Instances = [] }) => Instances);
      const other = all.find(
        ({ InstanceId: id, State: state }) => id !== undefined && id !== own && state?.Name !== "terminated",
      );
      if (other !== undefined) return other.InstanceId;
      if (answer.NextToken === undefined) return undefined;
      next = { NextToken: answer.NextToken };
    }
    return undefined;
  } catch (error) {
    if (error instanceof BackupError && error.kind === "denied") return undefined;
    throw error;
  }
}

/** A snapshot of this account that is not of this instance's points. */
export interface ForeignSnapshot {
  readonly id: string;
  readonly tags: Tags;
  /** The ARN that its point is of; absent for one that is of no point. */
  readonly instance?: string;
}

/** At most one of another instance's points, and one of no point. */
export async function foreignSnapshots(
  connection: Connection,
  ownArn: string,
  signal: AbortSignal,
): Promise<readonly ForeignSnapshot[]> {
  const found = new Map<boolean, ForeignSnapshot>();
  let next: { NextToken?: string } = {};
  for (let page = 0; page < pagesSeen && found.size < 2; page += 1) {
    const asked = next;
    const answer = await call(connection, "look for snapshots of others", signal, (abortSignal) =>
      connection.ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"], MaxResults: 1_000, ...asked }), {
        abortSignal,
      }),
    );
    for (const { SnapshotId: id, Tags, State: state } of answer.Snapshots ?? []) {
      const tags = tagsOf(Tags);
      const instance = tags[tagKeys.instance];
      if (id === undefined || instance === ownArn || state !== "completed") continue;
      if (!found.has(instance !== undefined))
        found.set(instance !== undefined, { id, tags, ...(instance === undefined ? {} : { instance }) });
    }
    if (answer.NextToken === undefined) break;
    next = { NextToken: answer.NextToken };
  }
  return [...found.values()];
}
