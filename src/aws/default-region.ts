import { EC2Client } from "@aws-sdk/client-ec2";
import { BackupError } from "../core/errors.ts";

const shape = /^[a-z]{2}(-[a-z]+)+-\d$/;

/** The region that is named, or that the SDK's standard environment and profiles name. */
export async function regionFor(named: string | undefined): Promise<string> {
  const doing = "choose a region";
  const remedy = "name one by --region or AWS_REGION, such as eu-central-1";
  let region = named;
  if (region === undefined) {
    const client = new EC2Client({});
    region = await client.config.region().catch(() => undefined);
    client.destroy();
  }
  if (region === undefined)
    throw new BackupError({
      kind: "usage",
      doing,
      found: "none is named, and this is no EC2 instance",
      remedy,
    });
  if (!shape.test(region))
    throw new BackupError({ kind: "usage", doing, found: `${region} is no region`, remedy });
  return region;
}

/** Names the region where nobody answers: of one that does not exist there is not even an address. */
export function unknownRegion(error: unknown, region: string): unknown {
  if (!(error instanceof BackupError)) return error;
  // So EC2 answers in regions that the account has not enabled, too.
  if (error.code === "AuthFailure")
    return new BackupError({
      kind: error.kind,
      doing: error.doing,
      found: error.found,
      remedy: `see that ${region} is a region that the account has enabled, and that the credentials are good`,
    });
  if (!["ENOTFOUND", "EAI_AGAIN"].includes(error.code ?? "")) return error;
  return new BackupError({
    kind: "usage",
    doing: error.doing,
    found: `the region ${region} has no address: ${error.found}`,
    remedy: "see that there is such a region, and that names are resolved here",
  });
}
