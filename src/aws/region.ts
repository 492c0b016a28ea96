import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";

/** The Region of the environment or of the profile; nothing where none is named. Asks no metadata service. */
export async function configuredRegion(): Promise<string | undefined> {
  try {
    return await new CloudWatchClient({}).config.region();
  } catch {
    return undefined;
  }
}
