// A small S3 over TLS, for tests: buckets in path style, versions, Object Lock, multipart uploads, policies by access
// key. Its first word names a file of settings; it prints its port and serves until it is killed.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { type Access, accessKeyOf, policyOf } from "./access.ts";
import { bucketRequests } from "./bucket-requests.ts";
import { Refusal } from "./failure.ts";
import { objectRequests } from "./object-requests.ts";
import { partRequests } from "./part-requests.ts";
import { Question } from "./question.ts";
import { Bucket } from "./versions.ts";
import { xml } from "./xml.ts";

interface Settings {
  readonly root: string;
  readonly port: number;
  readonly key: string;
  readonly cert: string;
  /** A line for each request. */
  readonly log: string;
  /** May be replaced by `PUT /_settings`. */
  readonly access: Access;
  /** By how much its clock is ahead of this host's. */
  readonly aheadMs: number;
}

const [, , file = ""] = process.argv;
let settings = JSON.parse(readFileSync(file, "utf8")) as Settings;
mkdirSync(settings.root, { recursive: true });
const buckets = new Map<string, Bucket>();

function bucketOf(name: string): Bucket | undefined {
  const there = name !== "" && existsSync(`${settings.root}/${name}/bucket.json`);
  if (!there) buckets.delete(name);
  else if (!buckets.has(name)) buckets.set(name, Bucket.open(settings.root, name)!);
  return buckets.get(name);
}

function createBucket(question: Question): void {
  question.need("CreateBucket");
  if (question.bucketIsThere)
    throw new Refusal(409, "BucketAlreadyOwnedByYou", "The bucket is yours already");
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(question.bucketName))
    throw new Refusal(400, "InvalidBucketName", "The specified bucket is not valid.");
  const lock = question.header("x-amz-bucket-object-lock-enabled")?.toLowerCase() === "true";
  const about = { created: question.now, versioning: lock ? "Enabled" : "", lock } as const;
  buckets.set(question.bucketName, Bucket.make(settings.root, question.bucketName, about));
  question.empty(200, { location: `/${question.bucketName}` });
}

const subresources = [
  ...["location", "versioning", "object-lock", "versions", "delete", "uploads", "uploadId", "retention"],
  ...[
    "legal-hold",
    "policy",
    "lifecycle",
    "acl",
    "tagging",
    "encryption",
    "cors",
    "notification",
    "replication",
  ],
];

async function answer(question: Question): Promise<void> {
  const { bucketName, key, query, request } = question;
  const asked = `${request.method} ${subresources.find((one) => query.has(one)) ?? ""}`;
  if (bucketName === "") throw new Refusal(501, "NotImplemented", "buckets are not listed here");
  if (key === "" && asked === "PUT ") return createBucket(question);
  const handler = key === "" ? bucketRequests[asked] : (partRequests[asked] ?? objectRequests[asked]);
  if (handler === undefined) throw new Refusal(501, "NotImplemented", `${asked} is not done here`);
  await handler(question);
}

function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  const text = xml("Error", { Code: refusal.code, Message: refusal.message, Resource: request.url ?? "" });
  response.writeHead(refusal.status, {
    "content-type": "application/xml",
    ...(request.method === "HEAD" ? {} : { "content-length": Buffer.byteLength(text) }),
    // What is left of a body is not read any more.
    connection: "close",
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const now = Date.now() + settings.aheadMs;
  const { pathname, searchParams: query } = new URL(request.url ?? "/", "https://localhost");
  const [, first = "", ...rest] = pathname.split("/");
  response.setHeader("date", new Date(now).toUTCString());
  response.setHeader("x-amz-request-id", "0123456789ABCDEF");
  let accessKey = "";
  try {
    if (pathname === "/_settings") {
      let text = "";
      for await (const part of request) text += String(part);
      settings = { ...settings, ...(JSON.parse(text) as Partial<Settings>) };
      response.end();
      return;
    }
    accessKey = accessKeyOf(request.headers, query);
    const bucketName = decodeURIComponent(first);
    await answer(
      new Question({
        ...{ request, response, query, accessKey, now, bucketName },
        key: decodeURIComponent(rest.join("/")),
        policy: policyOf(settings.access, accessKey),
        bucket: bucketOf(bucketName),
      }),
    );
  } catch (error) {
    if (response.headersSent) response.destroy();
    else if (error instanceof Refusal) refuse(request, response, error);
    else if (request.destroyed && !request.complete) response.destroy();
    else
      refuse(request, response, new Refusal(500, "InternalError", (error as Error).stack ?? String(error)));
  } finally {
    const line = { time: new Date(now), accessKey, method: request.method, url: request.url };
    appendFileSync(settings.log, `${JSON.stringify({ ...line, status: response.statusCode })}\n`);
  }
}

const server = https.createServer(
  { key: readFileSync(settings.key), cert: readFileSync(settings.cert) },
  (request, response) => void serve(request, response),
);
// The answer to "Expect: 100-continue" is given when the request may be done.
server.on("checkContinue", (request, response) => void serve(request, response));
server.keepAliveTimeout = 60_000;
server.listen(settings.port, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});
