/** A request that is refused: the status and the code that S3 answers with. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const denied = (why: string) => new Refusal(403, "AccessDenied", `Access Denied: ${why}`);
export const invalid = (why: string) => new Refusal(400, "InvalidArgument", why);
export const malformed = (why: string) => new Refusal(400, "MalformedXML", why);
