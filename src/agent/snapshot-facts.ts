import type { Instance } from "../core/instance.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { ObstacleFacts } from "../core/restore-obstacles.ts";
import type { FoundSnapshot } from "../core/restore-ports.ts";
import type { RestoreSession } from "./restore-session.ts";

/** The snapshots of a point, and what decides whether volumes of them can be made here and now. */
export async function snapshotFacts(
  point: RecoveryPoint,
  now: Date,
  { region, account }: Pick<Instance, "region" | "account">,
  keys: RestoreSession["keys"],
): Promise<{ readonly snapshots: readonly FoundSnapshot[]; readonly facts: ObstacleFacts }> {
  const snapshots = point.snapshots as readonly FoundSnapshot[];
  const arns = snapshots.flatMap(({ kmsKey }) => (kmsKey === undefined ? [] : [kmsKey]));
  return { snapshots, facts: { region, account, now, keys: await keys([...new Set(arns)]) } };
}
