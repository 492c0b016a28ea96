import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import { withDeadline } from "./deadline.ts";

type Provider = ReturnType<typeof fromNodeProviderChain>;

/**
 * The SDK's chain of credentials, which would wait for ever for an answer of the metadata service that
 * breaks off: each try has a deadline, and a first failure is followed by another try. `more` is for the clients
 * that profiles with a role of their own need.
 */
export function credentialsFor(region: string, requestTimeout: number, more: object = {}): Provider {
  const deadline = Math.min(10_000, requestTimeout);
  const attempt: Provider = () => {
    // A new chain each time: one that hangs would hand out the same hanging promise.
    const chain = fromNodeProviderChain({
      timeout: 2_000,
      maxRetries: 3,
      ec2MetadataV1Disabled: true,
      clientConfig: { region, ...more },
    });
    return withDeadline(deadline, new AbortController().signal, "get credentials", () => chain());
  };
  return () => attempt().catch(() => attempt().catch(noCredentials));
}

/** Named as the SDK names it: whoever asks must see that no request was sent. */
function noCredentials(cause: unknown): never {
  const text = cause instanceof Error ? cause.message : String(cause);
  throw Object.assign(new Error(text, { cause }), { name: "CredentialsProviderError" });
}
