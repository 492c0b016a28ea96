import type { IncomingMessage, ServerResponse } from "node:http";
import { allows, type Policy } from "./access.ts";
import { denied, Refusal } from "./failure.ts";
import type { Bucket } from "./versions.ts";
import { type Content, xml } from "./xml.ts";

/** One request, and what it is answered from. */
export class Question {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** Empty for the service itself. */
  readonly bucketName: string;
  /** Empty for a bucket. */
  readonly key: string;
  readonly accessKey: string;
  /** Milliseconds since 1970, by the clock of the service. */
  readonly now: number;
  readonly #policy: Policy;
  readonly #bucket: Bucket | undefined;

  constructor(
    all: Pick<Question, "request" | "response" | "query" | "bucketName" | "key" | "accessKey" | "now"> & {
      readonly policy: Policy;
      readonly bucket: Bucket | undefined;
    },
  ) {
    this.request = all.request;
    this.response = all.response;
    this.query = all.query;
    this.bucketName = all.bucketName;
    this.key = all.key;
    this.accessKey = all.accessKey;
    this.now = all.now;
    this.#policy = all.policy;
    this.#bucket = all.bucket;
  }

  get bucket(): Bucket {
    if (this.#bucket === undefined)
      throw new Refusal(404, "NoSuchBucket", "The specified bucket does not exist");
    return this.#bucket;
  }

  get bucketIsThere(): boolean {
    return this.#bucket !== undefined;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return value === undefined ? undefined : String(value);
  }

  may(action: string, key = this.key): boolean {
    const resource = `arn:aws:s3:::${this.bucketName}${key === "" ? "" : `/${key}`}`;
    return allows(this.#policy, `s3:${action}`, this.bucketName === "" ? "*" : resource);
  }

  /** Refuses the request unless the access key may do that. */
  need(action: string, key = this.key): void {
    if (!this.may(action, key)) throw denied(`${this.accessKey} is not authorized to perform s3:${action}`);
  }

  /** Whether Object Lock's governance may be passed by. */
  get bypass(): boolean {
    return (
      this.header("x-amz-bypass-governance-retention")?.toLowerCase() === "true" &&
      this.may("BypassGovernanceRetention")
    );
  }

  async text(): Promise<string> {
    const parts: Buffer[] = [];
    for await (const part of this.request) parts.push(part as Buffer);
    return Buffer.concat(parts).toString("utf8");
  }

  document(root: string, content: Content): void {
    const text = xml(root, content);
    this.response.writeHead(200, {
      "content-type": "application/xml",
      "content-length": Buffer.byteLength(text),
    });
    this.response.end(text);
  }

  empty(status: number, headers: Readonly<Record<string, string>> = {}): void {
    this.response.writeHead(status, { ...headers, ...(status === 200 ? { "content-length": "0" } : {}) });
    this.response.end();
  }
}
