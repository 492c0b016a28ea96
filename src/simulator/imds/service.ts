import type { IncomingHttpHeaders } from "node:http";
import { issueCredential } from "../access.ts";
import type { Instance } from "../ec2/machines.ts";
import { digest } from "../ids.ts";
import type { World } from "../world.ts";
import { identityDocument, type MetadataTree, metadataOf } from "./metadata.ts";

/** A request to the metadata service. */
export interface ImdsRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Simulated milliseconds since the epoch, and milliseconds on the clock's `elapsed` hand. */
  now: number;
  elapsed: number;
  /** Credentials handed out have expired already. */
  stale: boolean;
}

/** The answer; `silent` when none ever arrives. */
export interface ImdsAnswer {
  status: number;
  body: string | Buffer;
  headers?: Record<string, string>;
  silent?: boolean;
}

const tokenHeader = "x-aws-ec2-metadata-token";
const ttlHeader = "x-aws-ec2-metadata-token-ttl-seconds";
const reasons: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Not Allowed",
};

const no = (status: number): ImdsAnswer => ({ status, body: `${status} - ${reasons[status] ?? "Error"}` });

/** Answers as IMDSv2 does; also as IMDSv1 when the scenario allows it. */
export function answerImds(world: World, request: ImdsRequest): ImdsAnswer {
  const { imds } = world.settings;
  if (!imds.enabled) return no(403);
  if (request.path === "/latest/api/token")
    return request.method === "PUT" ? giveToken(world, request) : no(405);
  if (request.method !== "GET" && request.method !== "HEAD") return no(405);
  const token = request.headers[tokenHeader];
  if (token === undefined ? !imds.v1 : !isValidToken(world, String(token), request.elapsed)) return no(401);
  const instance = world.instances[world.settings.self];
  if (instance === undefined) return no(404);
  // User data is given as it is, and may be no text.
  const bytes = instance.userData === null ? undefined : Buffer.from(instance.userData, "base64");
  const asked = request.path.replace(/\/+$/, "") === "/latest/user-data";
  const body = asked ? bytes : lookUp(world, instance, request);
  return body === undefined ? no(404) : { status: 200, body };
}

function giveToken(world: World, request: ImdsRequest): ImdsAnswer {
  // "PUT requests with an X-Forwarded-For header are rejected": an open proxy must not fetch tokens.
  if (request.headers["x-forwarded-for"] !== undefined) return no(403);
  const ttl = String(request.headers[ttlHeader] ?? "");
  if (!/^\d{1,5}$/.test(ttl) || Number(ttl) < 1 || Number(ttl) > 21_600) return no(400);
  // With a hop limit that is too small the answer is dropped on its way.
  if (world.settings.imds.hopLimitFailure) return { status: 200, body: "", silent: true };
  for (const [token, until] of Object.entries(world.metadataTokens)) {
    if (until <= request.elapsed) delete world.metadataTokens[token];
  }
  const token = Buffer.from(digest(`token/${world.settings.seed}/${++world.sequence}`), "hex").toString(
    "base64",
  );
  world.metadataTokens[token] = request.elapsed + Number(ttl) * 1_000;
  return { status: 200, body: token, headers: { [ttlHeader]: ttl } };
}

function isValidToken(world: World, token: string, elapsed: number): boolean {
  return (world.metadataTokens[token] ?? Number.NEGATIVE_INFINITY) > elapsed;
}

function lookUp(world: World, instance: Instance, request: ImdsRequest): string | undefined {
  const path = request.path.replace(/\/+$/, "");
  if (path === "/latest/dynamic/instance-identity/document") return identityDocument(world, instance);
  const names = segments(path);
  if (names[0] !== "latest" || names[1] !== "meta-data") return undefined;
  const [area, kind, role] = names.slice(2);
  if (area === "iam" && kind === "security-credentials" && role !== undefined) {
    return names.length === 5 && role === instance.role ? credentials(world, instance, request) : undefined;
  }
  let node: string | MetadataTree | undefined = metadataOf(world, instance);
  for (const name of names.slice(2)) {
    node = typeof node === "object" && Object.hasOwn(node, name) ? node[name] : undefined;
  }
  return typeof node === "object" ? listing(node) : node;
}

// Tag keys come percent-encoded; what cannot be decoded names nothing.
function segments(path: string): string[] {
  try {
    return path.split("/").slice(1).map(decodeURIComponent);
  } catch {
    return [];
  }
}

// A name with things below it ends in a slash, but for roles and tags, which are leaves.
function listing(tree: MetadataTree): string {
  return Object.entries(tree)
    .map(([name, child]) => (typeof child === "object" ? `${name}/` : name))
    .sort()
    .join("\n");
}

function credentials(world: World, instance: Instance, request: ImdsRequest): string {
  const lifetime = request.stale ? 0 : world.settings.imds.credentialSeconds * 1_000;
  const { accessKey, credential } = issueCredential(world, instance, request.now, lifetime);
  const { session } = credential;
  if (session === null) throw new Error("issued credentials belong to a session");
  const time = (instant: number) => `${new Date(instant).toISOString().slice(0, 19)}Z`;
  return JSON.stringify(
    {
      Code: "Success",
      LastUpdated: time(session.issued),
      Type: "AWS-HMAC",
      AccessKeyId: accessKey,
      SecretAccessKey: session.secret,
      Token: session.token,
      Expiration: time(session.expires),
    },
    null,
    2,
  );
}
