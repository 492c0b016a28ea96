import type { Hold, Snapshot } from "./recovery-point.ts";

/** A day as tags say it, by UTC. */
export const dateOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** What a snapshot's own tags say about its removal: only ever "not now", never "now". */
export function holdsOf(snapshot: Snapshot, asOf: Date): Hold[] {
  const holds: Hold[] = [];
  const forever = snapshot.tags["KeepForever"];
  if (forever !== undefined && !/^\s*(no|false)\s*$/i.test(forever)) {
    holds.push({ by: "keep-forever", detail: `${snapshot.id} has the tag KeepForever=${forever}` });
  }
  const until = snapshot.tags["DeleteOn"];
  if (until !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(until) && until > dateOf(asOf.getTime())) {
    holds.push({ by: "delete-on", detail: `${snapshot.id} has the tag DeleteOn=${until}` });
  }
  if (Object.keys(snapshot.tags).some((key) => key.startsWith("aws:backup:"))) {
    holds.push({ by: "aws-backup", detail: `${snapshot.id} is managed by AWS Backup` });
  }
  if (Object.keys(snapshot.tags).some((key) => key.startsWith("aws:dlm:"))) {
    holds.push({ by: "dlm", detail: `${snapshot.id} is managed by Data Lifecycle Manager` });
  }
  return holds;
}
