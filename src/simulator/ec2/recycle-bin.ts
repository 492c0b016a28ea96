import { ec2Rates } from "../buckets.ts";
import { percentage } from "../settling.ts";
import type { Snapshot, World } from "../world.ts";
import { byIds, describeRate, notFound, pageOf, pageSize } from "./describing.ts";
import { snapshotId } from "./named-snapshot.ts";
import { operation } from "./operation.ts";

const day = 86_400_000;

const inBin = (world: World) =>
  Object.values(world.snapshots).filter(
    (snapshot) => snapshot.state === "recoverable" && snapshot.ownerId === world.settings.account,
  );

/** What is in the Recycle Bin, and until when. */
export const listSnapshotsInRecycleBin = operation({
  name: "ListSnapshotsInRecycleBin",
  changes: false,
  parameters: { SnapshotId: ["string"], MaxResults: "integer", NextToken: "string", DryRun: "boolean" },
  rate: (input) => describeRate("ListSnapshotsInRecycleBin")({ ...input, Filter: [] }),
  prepare(input, context) {
    const { world } = context;
    const listing = { ...input, Filter: [] };
    const ids = { name: "snapshotId", values: input.SnapshotId };
    const maxResults = pageSize(listing, ids, { minimum: 5, maximum: 1_000, clamps: true });
    const found = byIds("snap", input.SnapshotId, inBin(world), (snapshot) => snapshot.id);
    const days = world.settings.recycleBin?.days ?? 7;
    return {
      commit() {
        const keys = { keyOf: (each: Snapshot) => each.id, age: (each: Snapshot) => each.startTime };
        const page = pageOf("ListSnapshotsInRecycleBin", found, listing, maxResults, context, keys);
        return {
          snapshotSet: page.things.map(({ id, volumeId, description, recycledAt }) => ({
            snapshotId: id,
            recycleBinEnterTime: new Date(recycledAt ?? 0),
            recycleBinExitTime: new Date((recycledAt ?? 0) + days * day),
            description,
            volumeId,
          })),
          nextToken: page.nextToken,
        };
      },
    };
  },
});

/** Takes a snapshot out of the Recycle Bin. */
export const restoreSnapshotFromRecycleBin = operation({
  name: "RestoreSnapshotFromRecycleBin",
  changes: true,
  parameters: { SnapshotId: "string", DryRun: "boolean" },
  rate: () => ({ bucket: "RestoreSnapshotFromRecycleBin", rate: ec2Rates.mutating }),
  prepare(input, { world, now }) {
    const id = snapshotId(input.SnapshotId);
    const snapshot = inBin(world).find((each) => each.id === id);
    if (snapshot === undefined) throw notFound("snap", id);
    return {
      resource: `arn:${world.settings.partition}:ec2:${world.settings.region}::snapshot/${id}`,
      commit() {
        snapshot.state = "completed";
        snapshot.recycledAt = null;
        return {
          snapshotId: id,
          description: snapshot.description,
          encrypted: snapshot.encrypted,
          ownerId: snapshot.ownerId,
          progress: `${percentage(snapshot, now)}%`,
          startTime: new Date(snapshot.startTime),
          status: snapshot.state,
          volumeId: snapshot.volumeId,
          volumeSize: snapshot.volumeSize,
        };
      },
    };
  },
});
