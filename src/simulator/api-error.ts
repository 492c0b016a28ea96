import type { ServiceName } from "./service-name.ts";

/** An answer that says no, with the code and HTTP status that the real service would give. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  /** The name of the modelled error where the code alone does not tell it, and its further members. */
  readonly model: { shape: string; members?: Readonly<Record<string, unknown>> } | undefined;

  constructor(code: string, message: string, status = 400, model?: ApiError["model"]) {
    super(message);
    this.code = code;
    this.status = status;
    this.model = model;
  }
}

/** Faults that every service can answer, each in its own words. */
export type CommonFault = "throttled" | "denied" | "expired" | "unknown-key" | "internal" | "unavailable";

// EC2: common client and server error codes of its error list. An expired session is answered by EC2 with 400
// RequestExpired "Request has expired." (as SDK users report it), by the other services with 403 ExpiredToken.
const ec2: Record<CommonFault, [code: string, status: number, message: string]> = {
  throttled: ["RequestLimitExceeded", 503, "Request limit exceeded."],
  denied: ["UnauthorizedOperation", 403, "You are not authorized to perform this operation."],
  expired: ["RequestExpired", 400, "Request has expired."],
  "unknown-key": ["AuthFailure", 401, "AWS was not able to validate the provided access credentials"],
  internal: ["InternalError", 500, "An internal error has occurred"],
  unavailable: ["Unavailable", 503, "The service is unavailable. Please try again shortly."],
};

const others: Record<CommonFault, [code: string, status: number, message: string]> = {
  throttled: ["Throttling", 400, "Rate exceeded"],
  denied: ["AccessDenied", 403, "User is not authorized to perform this action"],
  expired: ["ExpiredToken", 403, "The security token included in the request is expired"],
  "unknown-key": ["InvalidClientTokenId", 403, "The security token included in the request is invalid."],
  internal: ["InternalServiceError", 500, "Request processing has failed due to some unknown error."],
  unavailable: ["ServiceUnavailable", 503, "Service is unable to handle request."],
};

// SNS: the errors of its API model; KMS speaks JSON, where codes are names of exceptions.
const sns: Partial<typeof others> = {
  throttled: ["Throttled", 429, "Rate exceeded"],
  denied: ["AuthorizationError", 403, "User is not authorized to perform this action"],
  internal: ["InternalError", 500, "An internal error has occurred"],
};
const kms: Partial<typeof others> = {
  throttled: ["ThrottlingException", 400, "Rate exceeded"],
  denied: ["AccessDeniedException", 400, "User is not authorized to perform this action"],
  expired: ["ExpiredTokenException", 400, "The security token included in the request is expired"],
  "unknown-key": [
    "UnrecognizedClientException",
    400,
    "The security token included in the request is invalid.",
  ],
  internal: ["KMSInternalException", 500, "An internal error has occurred"],
};
// EBS direct APIs: the errors of their API model.
const ebs: Partial<typeof others> = {
  throttled: [
    "RequestThrottledException",
    400,
    "The number of API requests has exceeded the maximum allowed.",
  ],
  denied: ["AccessDeniedException", 403, "User is not authorized to perform this action"],
  expired: ["ExpiredTokenException", 403, "The security token included in the request is expired"],
  "unknown-key": [
    "UnrecognizedClientException",
    403,
    "The security token included in the request is invalid.",
  ],
  internal: ["InternalServerException", 500, "An internal error has occurred"],
};
const wordings: Partial<Record<ServiceName, typeof others>> = {
  ec2,
  sns: { ...others, ...sns },
  kms: { ...others, ...kms },
  ebs: { ...others, ...ebs },
  servicequotas: {
    ...others,
    ...kms,
    throttled: ["TooManyRequestsException", 400, "Due to throttling, the request was denied."],
    internal: ["ServiceException", 500, "Something went wrong."],
  },
  ssm: { ...others, ...kms, internal: ["InternalServerError", 500, "An internal error has occurred"] },
};

/** The service's own wording of a fault that all services share; `message` replaces the standard sentence. */
export function commonError(service: ServiceName, fault: CommonFault, message?: string): ApiError {
  const [code, status, standard] = (wordings[service] ?? others)[fault];
  return new ApiError(code, message ?? standard, status);
}
