import { DescribeVolumesCommand } from "@aws-sdk/client-ec2";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";

/** How long credentials must still be good when something is about to stand still, in milliseconds. */
const margin = 7 * 60_000;

/**
 * Makes the next request as quick as it can be: credentials that the SDK will not renew meanwhile (it does
 * from five minutes before they expire), the name resolved, the connection open. Costs one small request.
 */
export async function warm(
  connection: Connection,
  volumeIds: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { credentials } = connection.ec2.config;
  const { expiration } = await credentials();
  if (expiration !== undefined && expiration.getTime() - Date.now() < margin)
    await credentials({ forceRefresh: true });
  const [first] = volumeIds;
  await call(connection, "open the connection to EC2", signal, (abortSignal) =>
    connection.ec2.send(new DescribeVolumesCommand({ VolumeIds: first === undefined ? [] : [first] }), {
      abortSignal,
    }),
  );
}
