import type { ServiceName } from "./service-name.ts";

/** An answer that says no, with the code and HTTP status that the real service would give. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
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

/** The service's own wording of a fault that all services share; `message` replaces the standard sentence. */
export function commonError(service: ServiceName, fault: CommonFault, message?: string): ApiError {
  const [code, status, standard] = (service === "ec2" ? ec2 : others)[fault];
  return new ApiError(code, message ?? standard, status);
}
