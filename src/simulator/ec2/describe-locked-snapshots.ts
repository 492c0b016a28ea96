import { applyFilters, type Fields, filterShape } from "../filters.ts";
import type { Snapshot } from "../world.ts";
import { byIds, describeRate, pageOf, pageSize } from "./describing.ts";
import { operation } from "./operation.ts";
import { lockFacts, lockStateOf } from "./snapshot-lock.ts";

/** The lock status of one's own snapshots that are locked; asked for by id, the unlocked are left out. */
export const describeLockedSnapshots = operation({
  name: "DescribeLockedSnapshots",
  changes: false,
  parameters: {
    SnapshotId: ["string"],
    Filter: filterShape,
    MaxResults: "integer",
    NextToken: "string",
    DryRun: "boolean",
  },
  rate: describeRate("DescribeLockedSnapshots"),
  prepare(input, context) {
    const { world, now } = context;
    const ids = { name: "snapshotId", values: input.SnapshotId };
    const maxResults = pageSize(input, ids, { minimum: 5, maximum: 1_000, clamps: false });
    const own = Object.values(world.snapshots).filter((one) => one.ownerId === world.settings.account);
    const named = byIds("snap", input.SnapshotId, own, (snapshot) => snapshot.id);
    const found = applyFilters(named, input.Filter, fieldsAt(now)).filter(
      (snapshot) => snapshot.lock !== null,
    );
    return {
      commit() {
        const keys = { keyOf: (each: Snapshot) => each.id, age: (each: Snapshot) => each.startTime };
        const page = pageOf("DescribeLockedSnapshots", found, input, maxResults, context, keys);
        return {
          snapshotSet: page.things.map((snapshot) => ({
            ownerId: snapshot.ownerId,
            snapshotId: snapshot.id,
            ...lockFacts(snapshot, now),
          })),
          nextToken: page.nextToken,
        };
      },
    };
  },
});

const fieldsAt = (now: number): Fields<Snapshot> => ({
  "lock-state": (snapshot) => [lockStateOf(snapshot, now) ?? "expired"],
});
