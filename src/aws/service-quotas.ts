import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { askAws } from "./ask.ts";
import { type ConnectionOptions, type Credentials, clientConfig } from "./connection.ts";
import { unreadable } from "./pages.ts";

/** Snapshots per Region, of Amazon EBS. */
const snapshotsPerRegion = "L-309BACF6";

/** How many snapshots the account may have in the Region. Loaded by audits only. Throws BackupError. */
export async function snapshotQuota(
  options: ConnectionOptions,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<number> {
  const doing = "read how many snapshots the Region may hold";
  // Where the service is out of reach nothing else is to wait long for it.
  const client = new ServiceQuotasClient({ ...clientConfig(options), credentials, maxAttempts: 2 });
  const command = new GetServiceQuotaCommand({ ServiceCode: "ebs", QuotaCode: snapshotsPerRegion });
  const { Quota } = await askAws(options.requestTimeout, signal, doing, (abortSignal) =>
    client.send(command, { abortSignal }),
  );
  const value = Quota?.Value;
  if (value === undefined || !(value > 0)) throw unreadable(doing, "the answer has no number");
  return value;
}
