import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { applyFilters, type Fields, filterShape } from "../filters.ts";
import { tagSet } from "../tags.ts";
import { visibleSnapshots } from "../visibility.ts";
import type { Snapshot } from "../world.ts";
import type { XmlValue } from "../xml.ts";
import { describeRate, pageOf, pageSize } from "./describing.ts";
import { namedSnapshot } from "./named-snapshot.ts";
import { operation } from "./operation.ts";

/** "Minimum value of 1, maximum of 180" (docs of RestoreSnapshotTier). */
const maximumDays = 180;
const day = 86_400_000;

/** In which tier snapshots are, and how far a restoration from the archive is. */
export const describeSnapshotTierStatus = operation({
  name: "DescribeSnapshotTierStatus",
  changes: false,
  parameters: { Filter: filterShape, MaxResults: "integer", NextToken: "string", DryRun: "boolean" },
  rate: describeRate("DescribeSnapshotTierStatus"),
  prepare(input, context) {
    const { world, elapsed, now } = context;
    const maxResults = pageSize(
      input,
      { name: "snapshotId", values: [] },
      { minimum: 5, maximum: 1_000, clamps: true },
    );
    const mine = visibleSnapshots(world, elapsed).filter((each) => each.ownerId === world.settings.account);
    const found = applyFilters(mine, input.Filter, fields);
    return {
      commit() {
        const keys = { keyOf: (each: Snapshot) => each.id, age: (each: Snapshot) => each.startTime };
        const page = pageOf("DescribeSnapshotTierStatus", found, input, maxResults, context, keys);
        return {
          snapshotTierStatusSet: page.things.map((each) => tierOf(each, now)),
          nextToken: page.nextToken,
        };
      },
    };
  },
});

function tierOf(snapshot: Snapshot, now: number): XmlValue {
  const { tiering } = snapshot;
  const kind = tiering?.days === null ? "permanent" : "temporary";
  const whole = (tiering?.readyAt ?? 0) - (tiering?.asked ?? 0);
  const done =
    tiering === null || whole <= 0 ? 100 : Math.min(100, Math.floor(((now - tiering.asked) / whole) * 100));
  const last =
    tiering !== null
      ? `${kind}-restore-${tiering.readyAt <= now ? "completed" : "in-progress"}`
      : snapshot.storageTier === "archive"
        ? "archival-completed"
        : undefined;
  return {
    snapshotId: snapshot.id,
    volumeId: snapshot.volumeId,
    status: snapshot.state,
    ownerId: snapshot.ownerId,
    tagSet: tagSet(snapshot.tags),
    storageTier: snapshot.storageTier,
    ...(last === undefined ? {} : { lastTieringOperationStatus: last, lastTieringProgress: done }),
    ...(tiering === null ? {} : { lastTieringStartTime: new Date(tiering.asked) }),
    ...(tiering === null || tiering.until === null || tiering.readyAt > now
      ? {}
      : { restoreExpiryTime: new Date(tiering.until) }),
  };
}

const fields: Fields<Snapshot> = {
  "snapshot-id": (snapshot) => [snapshot.id],
  "volume-id": (snapshot) => [snapshot.volumeId],
  "last-tiering-operation": () => [],
};

/** Asks for a snapshot from the archive, for some days or for good; it takes up to three days. */
export const restoreSnapshotTier = operation({
  name: "RestoreSnapshotTier",
  changes: true,
  parameters: {
    SnapshotId: "string",
    TemporaryRestoreDays: "integer",
    PermanentRestore: "boolean",
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "RestoreSnapshotTier", rate: ec2Rates.mutating }),
  prepare(input, { world, now, elapsed }) {
    const snapshot = namedSnapshot(input.SnapshotId, { world, elapsed });
    const { id } = snapshot;
    const days = daysOf(input);
    if (snapshot.storageTier !== "archive" || snapshot.tiering !== null)
      throw new ApiError("IncorrectState", `The snapshot '${id}' is not in the archive tier.`);
    return {
      resource: `arn:${world.settings.partition}:ec2:${world.settings.region}::snapshot/${id}`,
      commit() {
        const readyAt = now + world.settings.times.restoreTier;
        snapshot.tiering = { asked: now, readyAt, days, until: days === null ? null : readyAt + days * day };
        return {
          snapshotId: id,
          restoreStartTime: new Date(now),
          ...(days === null ? {} : { restoreDuration: days }),
          isPermanentRestore: days === null,
        };
      },
    };
  },
});

/** @returns for how many days; null: for good. */
function daysOf(input: {
  TemporaryRestoreDays: number | undefined;
  PermanentRestore: boolean | undefined;
}): number | null {
  const { TemporaryRestoreDays: days, PermanentRestore: permanent = false } = input;
  if (permanent === (days !== undefined)) {
    const message = "Either TemporaryRestoreDays or PermanentRestore must be specified, but not both.";
    throw new ApiError("InvalidParameterCombination", message);
  }
  if (days !== undefined && (days < 1 || days > maximumDays)) {
    const message = `Value (${days}) for parameter temporaryRestoreDays is invalid. Expecting a value from 1 to ${maximumDays}.`;
    throw new ApiError("InvalidParameterValue", message);
  }
  return days ?? null;
}
