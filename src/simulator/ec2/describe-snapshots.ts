import { ApiError } from "../api-error.ts";
import { type Fields, type Filter, filterOf, filterShape, plainValues } from "../filters.ts";
import { percentage } from "../settling.ts";
import { ghostsOf, reachableSnapshot, seenSnapshot } from "../visibility.ts";
import type { Snapshot, World } from "../world.ts";
import { indexOf } from "../world-index.ts";
import { byIds, describeRate, iso, pageOfSorted, pageSize } from "./describing.ts";
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
    const { account } = world.settings;
    for (const owner of input.Owner) checkOwner(owner);
    const passes = filterOf(input.Filter, fieldsAt(now));
    const shows = (snapshot: Snapshot) =>
      isOwnedBy(snapshot, input.Owner, account) &&
      isRestorableBy(snapshot, input.RestorableBy, account) &&
      passes(snapshot);
    const seen = (snapshot: Snapshot) => {
      const found = seenSnapshot(snapshot, elapsed);
      return found !== undefined && shows(found) ? found : undefined;
    };
    const others = inOrder([
      ...ghostsOf(world, elapsed),
      ...sharedSnapshots(places, world).map(({ snapshot }) => snapshot),
    ]);
    const named =
      input.SnapshotId.length === 0
        ? undefined
        : byIds("snap", input.SnapshotId, reachable(input.SnapshotId, world, others, elapsed), idOf);
    return {
      commit() {
        const keys = { keyOf: idOf, age: (each: Snapshot) => each.startTime };
        const sorted =
          named === undefined ? union([candidates(input.Filter, world), others]) : inOrder(named);
        const page = pageOfSorted("DescribeSnapshots", sorted, seen, input, maxResults, context, keys);
        return {
          snapshotSet: page.things.map((each) => describedSnapshot(each, now)),
          nextToken: page.nextToken,
        };
      },
    };
  },
});

const idOf = ({ id }: Snapshot): string => id;

/** Those with the ids that can be found. */
function reachable(
  ids: readonly string[],
  world: World,
  others: readonly Snapshot[],
  elapsed: number,
): Snapshot[] {
  const own = ids.flatMap((id) => reachableSnapshot(world, id, elapsed) ?? []);
  return [...own, ...others.filter(({ id }) => ids.includes(id))];
}

/** All snapshots that may match the filters, in order: by their volume or a tag where they are asked for by it. */
function candidates(filters: readonly Filter[], world: World): readonly Snapshot[] {
  const index = indexOf(world);
  const volumes = plainValues(filters, "volume-id");
  if (volumes !== undefined) return union(volumes.map((id) => index.snapshotsOf(id)));
  const tag = filters.find(({ Name: name = "" }) => name.startsWith("tag:") && plainValues(filters, name));
  if (tag === undefined || index.formerTags) return index.snapshots;
  const key = (tag.Name ?? "").slice("tag:".length);
  return union([...new Set(tag.Value)].map((value) => index.tagged(key, value)));
}

// Each of the lists is in order, and so are all of them where there is but one.
function union(lists: readonly (readonly Snapshot[])[]): readonly Snapshot[] {
  const [only, ...further] = lists.filter((list) => list.length > 0);
  if (further.length === 0) return only ?? [];
  return inOrder([...new Set(lists.flat())]);
}

const inOrder = (snapshots: Snapshot[]) => snapshots.sort((a, b) => (a.id < b.id ? -1 : 1));

function checkOwner(owner: string): void {
  if (owner !== "self" && owner !== "amazon" && !/^\d{12}$/.test(owner))
    throw new ApiError("InvalidUserID.Malformed", `Invalid user id: "${owner}"`);
}

function isOwnedBy(snapshot: Snapshot, owners: readonly string[], account: string): boolean {
  if (owners.length === 0) return true;
  return owners.some(
    (owner) => snapshot.ownerId === (owner === "self" ? account : owner) || snapshot.ownerAlias === owner,
  );
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
