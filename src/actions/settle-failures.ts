import { BackupError } from "../core/errors.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";

/** Members that are not listed are pending at first; after EC2's time for consistency they are gone. */
export function incomplete(point: RecoveryPoint, doing: string): BackupError {
  const there = point.snapshots.map((one) => one.id).join(", ");
  return new BackupError({
    kind: "refused",
    doing,
    found: `the set lacks snapshots of volumes that it was to hold; there are ${there}`,
    remedy: "what is there is kept for now; run again for a whole point",
    code: "Partial",
  });
}
