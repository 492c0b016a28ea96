import { uuid } from "../ids.ts";
import { percentage } from "../settling.ts";
import { tagSet } from "../tags.ts";
import type { Snapshot } from "../world.ts";
import { escapeXml, WrittenXml, type XmlValue } from "../xml.ts";
import { iso } from "./describing.ts";

/** A snapshot as DescribeSnapshots answers it. Size and completion time exist only once it is complete. */
export function describedSnapshot(snapshot: Snapshot, now: number): WrittenXml {
  const { id, volumeId, startTime, ownerId, description, volumeSize, encrypted, state } = snapshot;
  const { stateMessage, ownerAlias, kmsKeyId, storageTier, completionTime, fullSizeBytes, tags } = snapshot;
  // Why it will fail is not told before it does.
  const foretold = snapshot.failsAt !== null && state === "pending";
  let text = `<snapshotId>${id}</snapshotId><volumeId>${volumeId}</volumeId><startTime>${iso(startTime)}</startTime>`;
  text += `<ownerId>${ownerId}</ownerId><description>${escapeXml(description)}</description>`;
  text += `<volumeSize>${volumeSize}</volumeSize><encrypted>${encrypted}</encrypted><tagSet>`;
  for (const key of Object.keys(tags))
    text += `<item><key>${escapeXml(key)}</key><value>${escapeXml(tags[key] ?? "")}</value></item>`;
  text += `</tagSet><status>${state}</status><progress>${percentage(snapshot, now)}%</progress>`;
  if (stateMessage !== null && !foretold) text += `<statusMessage>${escapeXml(stateMessage)}</statusMessage>`;
  if (ownerAlias !== null) text += `<ownerAlias>${escapeXml(ownerAlias)}</ownerAlias>`;
  if (kmsKeyId !== null) text += `<kmsKeyId>${escapeXml(kmsKeyId)}</kmsKeyId>`;
  if (encrypted) text += `<dataEncryptionKeyId>${dataKeyOf(snapshot)}</dataEncryptionKeyId>`;
  text += `${copyFacts(snapshot)}<storageTier>${storageTier}</storageTier>`;
  if (state !== "completed") return new WrittenXml(text);
  if (completionTime !== null) text += `<completionTime>${iso(completionTime)}</completionTime>`;
  return new WrittenXml(`${text}<fullSnapshotSizeInBytes>${fullSizeBytes}</fullSnapshotSizeInBytes>`);
}

// "If snapshots share the same data encryption key identifier, they belong to the same volume/snapshot lineage."
function dataKeyOf({ volumeId, kmsKeyId, copy }: Snapshot): string {
  return copy === null ? `${volumeId}-key` : uuid(`data-key/${copy.lineage}/${kmsKeyId}`);
}

function copyFacts({ copy }: Snapshot): string {
  if (copy === null) return "";
  const { completionMinutes: minutes } = copy;
  return minutes === null
    ? "<transferType>standard</transferType>"
    : `<transferType>time-based</transferType><completionDurationMinutes>${minutes}</completionDurationMinutes>`;
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
