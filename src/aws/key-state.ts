import { DescribeKeyCommand, GetKeyPolicyCommand, KMSClient } from "@aws-sdk/client-kms";
import { askAws } from "./ask.ts";
import { type ConnectionOptions, type Credentials, clientConfig } from "./connection.ts";

/** What KMS tells of a key. */
interface KeyState {
  readonly state: string;
  readonly deletion?: Date;
}

/** Reads keys. Loaded by doctor only. */
export interface Keys {
  state(arn: string, signal: AbortSignal): Promise<KeyState>;
  /** The default policy, JSON, of a key that an id, an ARN or an alias names. */
  policy(key: string, signal: AbortSignal): Promise<string>;
}

/** The credentials are those that are already there. */
export function keysOf(options: ConnectionOptions, credentials: Credentials): Keys {
  const client = new KMSClient({ ...clientConfig(options), credentials });
  const timeout = options.requestTimeout * 4;
  const describe = async (key: string, signal: AbortSignal) => {
    const command = new DescribeKeyCommand({ KeyId: key });
    const { KeyMetadata } = await askAws(timeout, signal, `read the state of the key ${key}`, (abortSignal) =>
      client.send(command, { abortSignal }),
    );
    return KeyMetadata;
  };
  return {
    async state(arn, signal) {
      const found = await describe(arn, signal);
      const deletion = found?.DeletionDate;
      return { state: found?.KeyState ?? "unknown", ...(deletion === undefined ? {} : { deletion }) };
    },
    async policy(key, signal) {
      // (API reference, GetKeyPolicy: "Specify the key ID or key ARN of the KMS key", and no alias.)
      const KeyId = /(^|:)alias\//.test(key) ? (await describe(key, signal))?.Arn : key;
      const command = new GetKeyPolicyCommand({ KeyId, PolicyName: "default" });
      const { Policy } = await askAws(timeout, signal, `read the policy of the key ${key}`, (abortSignal) =>
        client.send(command, { abortSignal }),
      );
      return Policy ?? "";
    },
  };
}
