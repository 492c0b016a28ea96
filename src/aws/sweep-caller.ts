import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { BackupError } from "../core/errors.ts";
import { askAws } from "./ask.ts";
import { type ConnectionOptions, type Credentials, requestConfig } from "./connection.ts";

/** The account of the credentials that a connection has already. No policy is needed to ask. */
export async function callerAccount(
  options: ConnectionOptions,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<string> {
  const doing = "ask STS whose credentials these are";
  const client = new STSClient({ ...requestConfig(options), credentials });
  try {
    const answer = await askAws(options.requestTimeout * 2, signal, doing, (abortSignal) =>
      client.send(new GetCallerIdentityCommand({}), { abortSignal }),
    );
    const account = answer.Account ?? "";
    if (/^\d{12}$/.test(account)) return account;
    throw new BackupError({ kind: "unreachable", doing, found: "the answer names no account" });
  } finally {
    client.destroy();
  }
}
