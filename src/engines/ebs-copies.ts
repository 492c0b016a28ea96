import type { Connection } from "../aws/connection.ts";
import { copiesRunning, copySnapshot, rehearseCopy } from "../aws/copy-snapshots.ts";
import type { Keys } from "../aws/key-state.ts";
import { listSnapshots } from "../aws/snapshots.ts";
import { copiesThere, pointsThere } from "../core/copies-there.ts";
import type { CopyRegion } from "../core/copy-ports.ts";
import { BackupError, type Failure } from "../core/errors.ts";
import { tagKeys } from "../core/point-tags.ts";
import { ebsEngine } from "./ebs.ts";

/** Copies of EBS snapshots in the Region of a connection. `keys`: what knows its KMS; asked only for keys that are named. */
export function ebsCopies(connection: Connection, keys: () => Promise<Keys>): CopyRegion {
  const { withHolds, remove } = ebsEngine(connection, "");
  return {
    engine: {
      async find(pointId, signal) {
        const tag = { key: tagKeys.point, value: pointId };
        const { snapshots, asOf } = await listSnapshots(connection, tag, signal);
        return pointsThere(copiesThere(snapshots, asOf), asOf).find(({ id }) => id === pointId);
      },
      withHolds,
      remove,
    },
    async list(series, signal) {
      const { snapshots, asOf } = await listSnapshots(
        connection,
        { key: tagKeys.series, value: series },
        signal,
      );
      // Not left to the filter alone: what is listed may be removed.
      return { snapshots: snapshots.filter(({ tags }) => tags[tagKeys.series] === series), asOf };
    },
    running: (signal) => copiesRunning(connection, signal),
    keyTrouble: async (key, signal) => keyTrouble(await keys(), key, signal),
    copy: (request) => copySnapshot(connection, request),
    rehearse: (request, signal) => rehearseCopy(connection, request, signal),
  };
}

/** A wrong key fails the copy only minutes later, so it is looked at before, where that is allowed. */
async function keyTrouble(keys: Keys, key: string, signal: AbortSignal): Promise<Failure | undefined> {
  const doing = `use the key ${key}`;
  const remedy = "name a key of that Region that is enabled and that the role may use, in copy.kmsKeyId";
  try {
    const { state, deletion } = await keys.state(key, signal);
    if (state === "Enabled" || state === "unknown") return undefined;
    const until = deletion === undefined ? "" : ` on ${deletion.toISOString().slice(0, 10)}`;
    return { kind: "refused", doing, found: `it is ${state}${until}`, remedy, code: "KeyState" };
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind === "interrupted") throw error;
    // Who may not ask finds out by the copy; KMS says of a key that is not there what its API calls NotFoundException.
    if (error.code !== "NotFoundException" && error.kind !== "not-found") return undefined;
    return { kind: "not-found", doing, found: "there is no such key", remedy, code: "KeyState" };
  }
}
