import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { removeSnapshot } from "../settling.ts";
import type { Snapshot, World } from "../world.ts";
import { namedSnapshot } from "./named-snapshot.ts";
import { operation } from "./operation.ts";
import { lockStateOf } from "./snapshot-lock.ts";

/** Deletes one snapshot; one that is pending goes when it has settled. */
export const deleteSnapshot = operation({
  name: "DeleteSnapshot",
  changes: true,
  untimed: true,
  parameters: { SnapshotId: "string", DryRun: "boolean" },
  rate: () => ({ bucket: "DeleteSnapshot", rate: ec2Rates.snapshots }),
  prepare(input, { world, now, elapsed, bytes }) {
    const snapshot = namedSnapshot(input.SnapshotId, { world, elapsed });
    const { id } = snapshot;
    refuseHeld(world, snapshot, now);
    return {
      resource: `arn:${world.settings.partition}:ec2:${world.settings.region}::snapshot/${id}`,
      async commit() {
        if (snapshot.state === "pending") {
          snapshot.deleteWhenSettled = true;
          return { return: true };
        }
        removeSnapshot(world, snapshot, now, elapsed);
        if (world.snapshots[id] === undefined) await bytes.drop(snapshot.file);
        return { return: true };
      },
    };
  },
});

function refuseHeld(world: World, snapshot: Snapshot, now: number): void {
  if (snapshot.ownerId !== world.settings.account) {
    throw new ApiError("AuthFailure", `Not authorized for resource '${snapshot.id}'`, 401);
  }
  // "even if the registered AMI is deprecated or disabled"
  const image = Object.values(world.images).find(
    (each) => each.state !== "deregistered" && Object.values(each.snapshots).includes(snapshot.id),
  );
  if (image !== undefined) {
    throw new ApiError(
      "InvalidSnapshot.InUse",
      `The snapshot ${snapshot.id} is currently in use by ${image.id}`,
    );
  }
  // That a locked snapshot cannot be deleted is documented; the code is not in EC2's list of errors.
  const lock = lockStateOf(snapshot, now);
  if (lock !== undefined && lock !== "expired") {
    throw new ApiError(
      "OperationNotPermitted",
      `The snapshot ${snapshot.id} is locked in ${lock} mode and cannot be deleted.`,
    );
  }
  // Code and sentence as users of EC2 report them.
  if (Object.hasOwn(snapshot.tags, "aws:backup:source-resource")) {
    const message =
      "This snapshot is managed by the AWS Backup service and cannot be deleted via EC2 APIs. If you wish to delete this snapshot, please do so via the Backup console.";
    throw new ApiError("InvalidParameterValue", message);
  }
}
