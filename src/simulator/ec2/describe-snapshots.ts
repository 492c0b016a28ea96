import { ApiError } from "../api-error.ts";
import { applyFilters, type Fields, filterShape } from "../filters.ts";
import { percentage } from "../settling.ts";
import { visibleSnapshots } from "../visibility.ts";
import type { Snapshot } from "../world.ts";
import { byIds, describeRate, iso, pageOf, pageSize } from "./describing.ts";
import { operation } from "./operation.ts";
import { sharedSnapshots } from "./share-snapshot.ts";
import { describedSnapshot } from "./snapshot-answer.ts";

/** Public snapshots of others are listed too, unless OwnerIds says whose are meant. */
export const describeSnapshots = operation({
  name: "DescribeSnapshots",
  changes: false,
  parameters: {
    SnapshotId: ["string"],
    Owner: ["string"],
    RestorableBy: ["string"],
    Filter: filterShape,
    MaxResults: "integer",
    NextToken: "string",
    DryRun: "boolean",
  },
  rate: describeRate("DescribeSnapshots"),
  prepare(input, context) {
    const { world, places, now, elapsed } = context;
    const ids = { name: "snapshotId", values: input.SnapshotId };
    // 5 to 1,000; more than 1,000 gives 1,000 (docstring of botocore 1.29).
    const maxResults = pageSize(input, ids, { minimum: 5, maximum: 1_000, clamps: true });
    const shared = sharedSnapshots(places, world).map(({ snapshot }) => snapshot);
    const named = byIds(
      "snap",
      input.SnapshotId,
      [...visibleSnapshots(world, elapsed), ...shared],
      (snapshot) => snapshot.id,
    );
    const { account } = world.settings;
    const owned = named.filter((snapshot) => isOwnedBy(snapshot, input.Owner, account));
    const restorable = owned.filter((snapshot) => isRestorableBy(snapshot, input.RestorableBy, account));
    const found = applyFilters(restorable, input.Filter, fieldsAt(now));
    return {
      commit() {
        const keys = { keyOf: (each: Snapshot) => each.id, age: (each: Snapshot) => each.startTime };
        const page = pageOf("DescribeSnapshots", found, input, maxResults, context, keys);
        return {
          snapshotSet: page.things.map((each) => describedSnapshot(each, now)),
          nextToken: page.nextToken,
        };
      },
    };
  },
});

function isOwnedBy(snapshot: Snapshot, owners: readonly string[], account: string): boolean {
  if (owners.length === 0) return true;
  return owners.some((owner) => {
    if (owner !== "self" && owner !== "amazon" && !/^\d{12}$/.test(owner)) {
      throw new ApiError("InvalidUserID.Malformed", `Invalid user id: "${owner}"`);
    }
    return snapshot.ownerId === (owner === "self" ? account : owner) || snapshot.ownerAlias === owner;
  });
}

// "self" are those one owns or may use explicitly, "all" the public ones; an account's own are those it owns.
function isRestorableBy(snapshot: Snapshot, users: readonly string[], account: string): boolean {
  if (users.length === 0) return true;
  const own = snapshot.ownerId === account;
  const mine = own || snapshot.sharedWith.includes(account);
  return users.some((user) => {
    if (user === "all")
      return !own && (snapshot.sharedWith.length === 0 || snapshot.sharedWith.includes("all"));
    return mine && (user === "self" || user === account);
  });
}

const fieldsAt = (now: number): Fields<Snapshot> => ({
  description: (snapshot) => [snapshot.description],
  encrypted: (snapshot) => [String(snapshot.encrypted)],
  "owner-alias": (snapshot) => (snapshot.ownerAlias === null ? [] : [snapshot.ownerAlias]),
  "owner-id": (snapshot) => [snapshot.ownerId],
  progress: (snapshot) => [`${percentage(snapshot, now)}%`],
  "snapshot-id": (snapshot) => [snapshot.id],
  "start-time": (snapshot) => [iso(snapshot.startTime)],
  status: (snapshot) => [snapshot.state],
  "storage-tier": (snapshot) => [snapshot.storageTier],
  "transfer-type": ({ copy }) =>
    copy === null ? [] : [copy.completionMinutes === null ? "standard" : "time-based"],
  "volume-id": (snapshot) => [snapshot.volumeId],
  "volume-size": (snapshot) => [String(snapshot.volumeSize)],
});
