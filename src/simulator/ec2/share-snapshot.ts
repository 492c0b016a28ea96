import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import type { Context } from "../context.ts";
import { findKey } from "../kms/key.ts";
import type { Places } from "../places.ts";
import type { Snapshot, World } from "../world.ts";
import { indexOf } from "../world-index.ts";
import { ownSnapshot } from "./named-snapshot.ts";
import { operation } from "./operation.ts";

const accounts = [{ UserId: "string", Group: "string" }] as const;

/** Who may copy a snapshot and make volumes of it. */
export const modifySnapshotAttribute = operation({
  name: "ModifySnapshotAttribute",
  changes: true,
  parameters: {
    SnapshotId: "string",
    Attribute: "string",
    OperationType: "string",
    UserId: ["string"],
    UserGroup: ["string"],
    CreateVolumePermission: { Add: accounts, Remove: accounts },
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "ModifySnapshotAttribute", rate: ec2Rates.snapshots }),
  prepare(input, context) {
    const snapshot = ownSnapshot(input.SnapshotId, context);
    const { Add: add = [], Remove: remove = [] } = input.CreateVolumePermission ?? {};
    const named = [...input.UserId, ...input.UserGroup];
    const added = [...usersOf(add), ...(input.OperationType === "add" ? named : [])];
    const removed = new Set([...usersOf(remove), ...(input.OperationType === "remove" ? named : [])]);
    if (added.length > 0) checkShareable(context.world, snapshot, added);
    return {
      resource: arnOf(context, snapshot.id),
      commit() {
        const all = new Set([...snapshot.sharedWith, ...added]);
        snapshot.sharedWith = [...all].filter((each) => !removed.has(each));
        return { return: true };
      },
    };
  },
});

function usersOf(entries: readonly { UserId: string | undefined; Group: string | undefined }[]): string[] {
  return entries.map(({ UserId: user, Group: group }) => user ?? group ?? "");
}

// "You can't share snapshots that are encrypted with the default AWS managed key", nor make encrypted ones public.
function checkShareable(world: World, { kmsKeyId, encrypted }: Snapshot, users: readonly string[]): void {
  const key = kmsKeyId === null ? undefined : findKey(world.keys, kmsKeyId);
  if (key?.manager === "AWS")
    throw new ApiError("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared");
  if (encrypted && users.includes("all"))
    throw new ApiError("OperationNotPermitted", "Encrypted snapshots cannot be made public");
}

/** Snapshots of the Region that other accounts share with the one of this place. */
export function sharedSnapshots(places: Places, { settings }: World): { world: World; snapshot: Snapshot }[] {
  const others = places.all.filter(
    ({ settings: other }) => other.region === settings.region && other.account !== settings.account,
  );
  return others.flatMap((world) =>
    indexOf(world)
      .shared.filter(({ sharedWith }) => sharedWith.includes(settings.account) || sharedWith.includes("all"))
      .map((snapshot) => ({ world, snapshot })),
  );
}

function arnOf({ world: { settings } }: Context, id: string): string {
  return `arn:${settings.partition}:ec2:${settings.region}::snapshot/${id}`;
}
