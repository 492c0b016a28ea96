import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { reachableSnapshot } from "../visibility.ts";
import type { Snapshot } from "../world.ts";
import { checkId, notFound } from "./describing.ts";

/** The id that a request must have. @throws ApiError where it is absent or malformed. */
export function snapshotId(id: string | undefined): string {
  if (id === undefined)
    throw new ApiError("MissingParameter", "The request must contain the parameter snapshotId");
  checkId("snap", id);
  return id;
}

/** The snapshot that a request names. @throws ApiError where it names none that can be reached. */
export function namedSnapshot(
  given: string | undefined,
  { world, elapsed }: Pick<Context, "world" | "elapsed">,
): Snapshot {
  const id = snapshotId(given);
  const snapshot = reachableSnapshot(world, id, elapsed);
  if (snapshot === undefined) throw notFound("snap", id);
  return snapshot;
}

/** The same, of the caller's own account. */
export function ownSnapshot(
  given: string | undefined,
  context: Pick<Context, "world" | "elapsed">,
): Snapshot {
  const snapshot = namedSnapshot(given, context);
  if (snapshot.ownerId !== context.world.settings.account)
    throw new ApiError("AuthFailure", `Not authorized for resource '${snapshot.id}'`, 401);
  return snapshot;
}
