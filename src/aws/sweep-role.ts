import { fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { BackupError } from "../core/errors.ts";
import type { SweepRole } from "../core/sweep-ports.ts";
import { type ConnectionOptions, type Credentials, requestConfig } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { awsFailure } from "./failure.ts";

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
      attempt().catch((error: unknown) => {
        throw notTakenOn(error, arn);
      }),
    );
}

/** Two policies decide, and the one in the other account is the one that people forget. */
function notTakenOn(thrown: unknown, arn: string): BackupError {
  const failure = awsFailure(thrown, `take on the role ${arn}`);
  if (failure.code !== "AccessDenied") return failure;
  const { kind, doing, found, code } = failure;
  const remedy =
    "let the trust policy of that role name who asks, and whoever asks take it on (sts:AssumeRole); give the external id that it demands (--external-id)";
  return new BackupError({ kind, doing, found, code, remedy }, { cause: thrown });
}
