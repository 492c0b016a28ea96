import { BackupError, type ErrorKind } from "../core/errors.ts";
import { proxyFailed, remedyOnTheWay } from "../core/proxy-failure.ts";
import { SingleAttemptFailure } from "./single-attempt.ts";

/** What an error of the SDK carries, as far as it is one. */
interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly syscall?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const throttled = new Set([
  "RequestLimitExceeded",
  "RequestThrottledException",
  "EC2ThrottledException",
  "Throttling",
  "ThrottlingException",
  "ThrottledException",
  "TooManyRequestsException",
  "SnapshotCreationPerVolumeRateExceeded",
  "ConcurrentSnapshotLimitExceeded",
  "PendingSnapshotLimitExceeded",
]);

const denied = new Set([
  "UnauthorizedOperation",
  "AccessDenied",
  "AccessDeniedException",
  "AuthFailure",
  "ExpiredToken",
  "ExpiredTokenException",
  "RequestExpired",
  "InvalidClientTokenId",
  "UnrecognizedClientException",
  "SignatureDoesNotMatch",
  "InvalidSignatureException",
  "IncompleteSignature",
  "OptInRequired",
  "InvalidAccessKeyId",
]);

/** Failures that happen before a request leaves the machine: it cannot have taken effect. */
const neverSent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  proxyFailed,
]);

/** Turns whatever the SDK threw into an error of ours. */
export function awsFailure(thrown: unknown, doing: string): BackupError {
  if (thrown instanceof BackupError) return thrown;
  const error = (thrown instanceof SingleAttemptFailure ? thrown.failure : thrown) as SdkError;
  const name = error.name ?? "Error";
  const status = error.$metadata?.httpStatusCode;
  const kind = kindOf(error, name, status);
  const remedy = remedyOnTheWay(error.code) ?? remedyOf(kind, name);
  return new BackupError(
    {
      kind,
      doing,
      found: foundOf(error, name, status),
      code: error.code ?? name,
      ...(remedy === undefined ? {} : { remedy }),
    },
    { cause: error },
  );
}

/** The same for a request that is not idempotent: what may have taken effect is of unknown outcome. */
export function awsFailureOfUnrepeatable(thrown: unknown, doing: string): BackupError {
  const failure = awsFailure(thrown, doing);
  const error = (thrown instanceof SingleAttemptFailure ? thrown.failure : thrown) as SdkError;
  if (wasNeverSent(error) || isCredentialFault(error) || failure.kind === "configuration") return failure;
  if (failure.kind !== "unreachable" && isNamedByAws(error.name ?? "")) return failure;
  return new BackupError({ ...facts(failure), kind: "unknown-outcome" }, { cause: error });
}

/** Without a connection there is no request; the SDK (@smithy/node-http-handler) has no code for that. */
function wasNeverSent({ code = "", syscall, message = "" }: SdkError): boolean {
  if (neverSent.has(code) || (code === "ETIMEDOUT" && syscall === "connect")) return true;
  return message.includes("did not establish a connection");
}

/** AWS names its refusals. What has no such name, such as a 408 or a 403 of a proxy, decides nothing. */
function isNamedByAws(name: string): boolean {
  if (throttled.has(name) || denied.has(name) || name === "ValidationException") return true;
  return /^[A-Z][A-Za-z]+(\.[A-Za-z]+)*$/.test(name) && !/^Unknown|Error$|Exception$/.test(name);
}

function facts(error: BackupError): { doing: string; found: string; code?: string; remedy?: string } {
  const { doing, found, code, remedy } = error;
  return {
    doing,
    found,
    ...(code === undefined ? {} : { code }),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function kindOf(error: SdkError, name: string, status: number | undefined): ErrorKind {
  if (throttled.has(name)) return "throttled";
  if (denied.has(name) || status === 401 || status === 403) return "denied";
  if (isCredentialFault(error))
    return /status code 404|\b404\b/.test(error.message ?? "") ? "denied" : "unreachable";
  if (/\.NotFound$/.test(name)) return "not-found";
  if (status !== undefined && status >= 400 && status < 500) return "refused";
  return "unreachable";
}

function isCredentialFault(error: SdkError): boolean {
  return error.name === "CredentialsProviderError" || error.name === "InstanceMetadataV1FallbackError";
}

function foundOf(error: SdkError, name: string, status: number | undefined): string {
  const message = (error.message ?? "")
    .replace(/\s+/g, " ")
    // A kilobyte that says nothing to people, and nothing that the sentence before it does not say.
    .replace(/ ?Encoded authorization failure message: ?\S*/, "")
    .slice(0, 500);
  if (status !== undefined && status >= 400) return `AWS answered ${name} (${status}): ${message}`;
  if (status !== undefined) return `AWS's answer cannot be read (${name}: ${message})`;
  if (error.code === proxyFailed) return message;
  return `no answer (${error.code ?? name}: ${message})`;
}

function remedyOf(kind: ErrorKind, name: string): string | undefined {
  switch (kind) {
    case "denied":
      return /Expired/.test(name)
        ? "the credentials have expired: get new ones; those of a role are renewed unless the host's clock is wrong"
        : "allow the action to whoever asks (policies/): for runs to the instance's role, for sweeps to one of its own, for restores to a person or a rescue host";
    case "unreachable":
      return name === "CredentialsProviderError"
        ? "give the instance a role (an instance profile), and check the metadata service"
        : "check the network, the endpoint, the proxy and the metadata service";
    case "throttled":
      return "it passes: try again later; a run does so by itself, and runs are spread with splay";
    default:
      return undefined;
  }
}
