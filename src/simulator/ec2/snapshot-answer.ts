import { uuid } from "../ids.ts";
import { percentage } from "../settling.ts";
import { tagSet } from "../tags.ts";
import type { Snapshot } from "../world.ts";
import type { XmlValue } from "../xml.ts";

/** A snapshot as DescribeSnapshots answers it. Size and completion time exist only once it is complete. */
export function describedSnapshot(snapshot: Snapshot, now: number): XmlValue {
  const completed = snapshot.state === "completed";
  return {
    ...common(snapshot),
    status: snapshot.state,
    progress: `${percentage(snapshot, now)}%`,
    // Why it will fail is not told before it does.
    ...(snapshot.stateMessage === null || (snapshot.failsAt !== null && snapshot.state === "pending")
      ? {}
      : { statusMessage: snapshot.stateMessage }),
    ...(snapshot.ownerAlias === null ? {} : { ownerAlias: snapshot.ownerAlias }),
    ...(snapshot.kmsKeyId === null ? {} : { kmsKeyId: snapshot.kmsKeyId }),
    ...(snapshot.encrypted ? { dataEncryptionKeyId: dataKeyOf(snapshot) } : {}),
    ...copyFacts(snapshot),
    storageTier: snapshot.storageTier,
    ...(completed && snapshot.completionTime !== null
      ? { completionTime: new Date(snapshot.completionTime) }
      : {}),
    ...(completed ? { fullSnapshotSizeInBytes: snapshot.fullSizeBytes } : {}),
  };
}

// "If snapshots share the same data encryption key identifier, they belong to the same volume/snapshot lineage."
function dataKeyOf({ volumeId, kmsKeyId, copy }: Snapshot): string {
  return copy === null ? `${volumeId}-key` : uuid(`data-key/${copy.lineage}/${kmsKeyId}`);
}

function copyFacts({ copy }: Snapshot): { [name: string]: XmlValue } {
  if (copy === null) return {};
  const { completionMinutes: minutes } = copy;
  return minutes === null
    ? { transferType: "standard" }
    : { transferType: "time-based", completionDurationMinutes: minutes };
}

/** A snapshot as CreateSnapshot (`status`) and CreateSnapshots (`state`) answer it: always pending, without progress. */
export function createdSnapshot(
  snapshot: Snapshot,
  stateName: "status" | "state",
): { [name: string]: XmlValue } {
  return { ...common(snapshot), [stateName]: "pending", progress: "" };
}

function common(snapshot: Snapshot): { [name: string]: XmlValue } {
  return {
    snapshotId: snapshot.id,
    volumeId: snapshot.volumeId,
    startTime: new Date(snapshot.startTime),
    ownerId: snapshot.ownerId,
    description: snapshot.description,
    volumeSize: snapshot.volumeSize,
    encrypted: snapshot.encrypted,
    tagSet: tagSet(snapshot.tags),
  };
}
