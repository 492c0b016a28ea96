import { fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import type { SweepRole } from "../core/sweep-ports.ts";
import { type ConnectionOptions, type Credentials, requestConfig } from "./connection.ts";
import { withDeadline } from "./deadline.ts";

/**
 * The credentials of a role that is taken on with the own ones. Each try has a deadline, so that STS not answering is
 * a failure like another.
 */
export function credentialsOfRole(
  { arn, externalId }: SweepRole,
  session: string,
  options: ConnectionOptions,
  own: Credentials,
): NonNullable<ConnectionOptions["credentials"]> {
  const attempt = fromTemporaryCredentials({
    masterCredentials: own,
    params: {
      RoleArn: arn,
      RoleSessionName: session,
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
    },
    clientConfig: requestConfig(options),
  });
  return () =>
    withDeadline(options.requestTimeout * 2, new AbortController().signal, `take on the role ${arn}`, () =>
      attempt(),
    );
}
