import { BackupError } from "../core/errors.ts";
import { connect, type Route } from "./connection.ts";

/** Milliseconds for one try. */
const patience = 10_000;

/** Where keys are asked for. */
export interface KeysFrom {
  /** Absent where nothing says one: then only the keys are told. */
  readonly region: string | undefined;
  readonly route: Route | undefined;
}

/**
 * The keys that this process has for AWS, by its environment, its profile or the role of its instance, as variables for
 * a program that reads S3. Throws a BackupError of kind `denied` where there are none.
 */
export async function storeKeys({ region, route }: KeysFrom): Promise<Readonly<Record<string, string>>> {
  // By the client that runs have anyway: beside it the chain of credentials would split what all of them load.
  const options = { region: region ?? "us-east-1", userAgent: [], requestTimeout: patience, route };
  const { credentials } = connect(options).ec2.config;
  try {
    const keys = await credentials();
    return {
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      ...(keys.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: keys.sessionToken }),
      ...(region === undefined ? {} : { AWS_DEFAULT_REGION: region }),
    };
  } catch (error) {
    throw new BackupError(
      {
        kind: "denied",
        doing: "find a login for S3",
        found: error instanceof Error ? error.message : String(error),
        remedy:
          "give the instance a role, set AWS_PROFILE, or name an environmentFile with AWS_ACCESS_KEY_ID",
        code: "NoCredentials",
      },
      { cause: error },
    );
  }
}
