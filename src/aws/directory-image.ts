import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { BackupError } from "../core/errors.ts";
import { askAws } from "./ask.ts";
import type { Connection } from "./connection.ts";

/** Amazon Linux 2023 with its usual kernel, whose newest AMI a public parameter names in every region. */
const parameterOf = (architecture: string): string =>
  `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`;

/** The newest AMI for `x86_64` or `arm64`. */
export async function newestImage(
  { ec2, requestTimeout }: Connection,
  architecture: string,
  signal: AbortSignal,
): Promise<string> {
  const { region, credentials, requestHandler, customUserAgent } = ec2.config;
  const agent = customUserAgent === undefined ? {} : { customUserAgent };
  const ssm = new SSMClient({ region, credentials, requestHandler, ...agent });
  const name = parameterOf(architecture);
  const doing = "look up the newest Amazon Linux";
  try {
    const { Parameter } = await askAws(requestTimeout * 4, signal, doing, (abortSignal) =>
      ssm.send(new GetParameterCommand({ Name: name }), { abortSignal }),
    );
    const image = Parameter?.Value ?? "";
    if (/^ami-[0-9a-f]+$/.test(image)) return image;
    throw new BackupError({ kind: "unexpected", doing, found: `${name} is ${image || "empty"}` });
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== "ParameterNotFound") throw error;
    throw new BackupError({
      kind: "refused",
      doing,
      found: `this region has no parameter ${name}`,
      remedy: "name an image: EC2_BACKUP_FLAGS_AWS='--image-id ami-…'",
    });
  } finally {
    ssm.destroy();
  }
}
