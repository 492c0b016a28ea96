import type { OpenUnit } from "../aws/sweep-units.ts";
import { usualQuota } from "../core/audit-order.ts";
import type { SnapshotQuota } from "../core/audit-ports.ts";
import { BackupError, failureOf } from "../core/errors.ts";

/** What the order says, else what AWS says of the account in the Region; where it says nothing, its default. */
export async function quotaOf(
  wished: number | undefined,
  { connecting, connection }: OpenUnit,
  signal: AbortSignal,
): Promise<SnapshotQuota> {
  if (wished !== undefined) return { limit: wished, from: "option" };
  try {
    const { snapshotQuota } = await import("../aws/service-quotas.ts");
    const limit = await snapshotQuota(connecting, connection.ec2.config.credentials, signal);
    return { limit, from: "account" };
  } catch (error) {
    if (error instanceof BackupError && error.kind === "interrupted") throw error;
    const unread = failureOf(error, "read how many snapshots the Region may hold");
    return { limit: usualQuota, from: "default", unread };
  }
}
