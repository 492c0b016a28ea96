import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { reachableSnapshot } from "../visibility.ts";
import type { Snapshot, World } from "../world.ts";
import { notFound } from "./describing.ts";
import { snapshotId } from "./named-snapshot.ts";
import { sharedSnapshots } from "./share-snapshot.ts";

/** What a request says of the snapshot that is to be copied. */
export interface CopySourceInput {
  readonly SourceRegion?: string | undefined;
  readonly SourceSnapshotId?: string | undefined;
}

/** The place that a snapshot is copied from; the destination where there is no such one. */
export function sourceWorld(
  input: CopySourceInput,
  { world, places }: Pick<Context, "world" | "places">,
): World {
  const { account } = world.settings;
  const place = places.at(account, input.SourceRegion ?? "") ?? world;
  const id = input.SourceSnapshotId ?? "";
  if (place.snapshots[id] !== undefined) return place;
  return sharedSnapshots(places, place).find(({ snapshot }) => snapshot.id === id)?.world ?? place;
}

/** The snapshot to be copied: the caller's own, or one that is shared with him. @throws ApiError when it cannot be copied */
export function copySource(input: CopySourceInput, context: Context): { world: World; snapshot: Snapshot } {
  const { world, places, elapsed } = context;
  const { SourceRegion: region } = input;
  if (region === undefined)
    throw new ApiError("MissingParameter", "The request must contain the parameter sourceRegion");
  const id = snapshotId(input.SourceSnapshotId);
  const { account } = world.settings;
  if (places.at(account, region) === undefined)
    throw new ApiError("InvalidParameterValue", `Value (${region}) for parameter sourceRegion is invalid.`);
  const from = sourceWorld(input, context);
  const snapshot = reachableSnapshot(from, id, elapsed);
  if (snapshot === undefined) throw notFound("snap", id);
  if (from.settings.account === account && snapshot.ownerId !== account)
    throw new ApiError("AuthFailure", `Not authorized for resource '${id}'`, 401);
  if (snapshot.state !== "completed")
    throw new ApiError("IncorrectState", `Snapshot is in invalid state - ${snapshot.state}`);
  // That an archived one cannot be copied is documented; the code is not.
  if (snapshot.storageTier === "archive")
    throw new ApiError("IncorrectState", `The snapshot '${id}' is archived and must be restored first.`);
  return { world: from, snapshot };
}
