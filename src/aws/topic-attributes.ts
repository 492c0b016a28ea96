import { GetTopicAttributesCommand, SNSClient } from "@aws-sdk/client-sns";
import { BackupError } from "../core/errors.ts";
import { askAws } from "./ask.ts";
import { type ConnectionOptions, type Credentials, clientConfig } from "./connection.ts";

/** SNS, reached with the credentials that are already there. */
export function connectSns(options: ConnectionOptions, credentials: Credentials): SNSClient {
  return new SNSClient({ ...clientConfig(options), credentials });
}

/** What SNS tells of a topic, as far as it is judged. */
export interface TopicAttributes {
  readonly policy: string;
  readonly kmsKey?: string;
  readonly confirmed: number;
  readonly pending: number;
}

/** Reads a topic; absent if there is none. `timeout` is for the request with all its tries, in ms. */
export async function topicAttributes(
  client: SNSClient,
  arn: string,
  timeout: number,
  signal: AbortSignal,
): Promise<TopicAttributes | undefined> {
  const command = new GetTopicAttributesCommand({ TopicArn: arn });
  try {
    const { Attributes: found = {} } = await askAws(timeout, signal, `look at ${arn}`, (abortSignal) =>
      client.send(command, { abortSignal }),
    );
    const kmsKey = found["KmsMasterKeyId"];
    return {
      policy: found["Policy"] ?? "",
      ...(kmsKey === undefined || kmsKey === "" ? {} : { kmsKey }),
      confirmed: Number(found["SubscriptionsConfirmed"] ?? 0),
      pending: Number(found["SubscriptionsPending"] ?? 0),
    };
  } catch (error) {
    if (error instanceof BackupError && /^NotFound/.test(error.code ?? "")) return undefined;
    throw error;
  }
}
