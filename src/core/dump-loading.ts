import { type DumpRestoreWords, dumpRestoreWords } from "./dump-restore-words.ts";
import type { RecoveryPoint } from "./recovery-point.ts";

/** How the dump of a point is loaded again from the file that it was restored to; absent where the point is no dump. */
export function dumpLoading(point: RecoveryPoint, file: string): DumpRestoreWords | undefined {
  if (point.stored?.content !== "dump") return undefined;
  const { tags = {} } = point.snapshots[0] ?? {};
  const [kind, format, database, collection] = ["kind", "format", "database", "collection"].map(
    (key) => tags[`ec2-backup:${key}`],
  );
  return dumpRestoreWords({ kind, format, database, collection }, file);
}
