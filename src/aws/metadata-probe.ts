import { MetadataService } from "@aws-sdk/ec2-metadata-service";
import { withDeadline } from "./deadline.ts";

/**
 * What the metadata service makes of a request without a token: version 1 gives the answer, version 2 alone
 * refuses it, and from where it cannot be reached there is silence.
 */
export type WithoutToken = "given" | "refused" | "silent";

export async function askWithoutToken(timeout: number, signal: AbortSignal): Promise<WithoutToken> {
  const service = new MetadataService({
    httpOptions: { timeout: Math.min(timeout, 2_000) },
    retries: 0,
    disableFetchToken: true,
    ec2MetadataV1Disabled: false,
  });
  try {
    await withDeadline(timeout, signal, "ask without a token", () =>
      // A body that nobody reads would keep the connection, and us.
      service.request("latest/meta-data/instance-id", { method: "HEAD" }),
    );
    return "given";
  } catch (error) {
    return /status code \d{3}/.test(error instanceof Error ? error.message : "") ? "refused" : "silent";
  }
}
