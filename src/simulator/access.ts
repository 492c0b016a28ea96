import type { IncomingHttpHeaders } from "node:http";
import { ApiError, commonError } from "./api-error.ts";
import type { Context } from "./context.ts";
import type { Instance } from "./ec2/machines.ts";
import { missingPermission, type Permission } from "./identity-policies.ts";
import { digest } from "./ids.ts";
import { own } from "./own.ts";
import type { Places } from "./places.ts";
import { type ServiceName, signingNames } from "./service-name.ts";
import { accountIn } from "./sts/role.ts";
import { matchesPattern } from "./wildcards.ts";
import type { Credential, World } from "./world.ts";

/** What a SigV4 Authorization header says of itself. */
export interface Signature {
  accessKey: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
}

/** Reads the header; undefined when it is not there or not of its form. */
export function readSignature(header: string | undefined): Signature | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request,\s*SignedHeaders=([a-z0-9;_-]+),\s*Signature=[0-9a-f]{64}$/.exec(
      header ?? "",
    );
  if (match === null) return undefined;
  const [, accessKey = "", date = "", region = "", service = "", signedHeaders = ""] = match;
  return { accessKey, date, region, service, signedHeaders: signedHeaders.split(";") };
}

/** Which simulated service a request is signed for. */
export function serviceOf(signature: Signature | undefined): ServiceName | undefined {
  return signature === undefined ? undefined : own(signingNames, signature.service);
}

/**
 * Who signed a request. The signature's arithmetic is not verified; its structure, its scope, the key, the session
 * token and the expiry are. The signing time counts only when the scenario says so: a client's clock does not jump
 * with the simulated one.
 * @param now simulated milliseconds since the epoch.
 * @throws ApiError
 */
export function authenticate(
  places: Places,
  service: ServiceName,
  signature: Signature,
  headers: IncomingHttpHeaders,
  now: number,
): { principal: Credential; world: World } {
  const signedAt = String(headers["x-amz-date"] ?? "");
  if (
    !/^\d{8}T\d{6}Z$/.test(signedAt) ||
    !signedAt.startsWith(signature.date) ||
    !signature.signedHeaders.includes("host")
  ) {
    throw new ApiError("IncompleteSignature", "The request signature does not conform to AWS standards.");
  }
  // STS has a global endpoint, which signs for us-east-1.
  if (!places.hasRegion(signature.region) && service !== "sts") {
    const message = `Credential should be scoped to a valid region, not '${signature.region}'.`;
    throw service === "ec2"
      ? commonError(service, "unknown-key", message)
      : new ApiError("SignatureDoesNotMatch", message, 403);
  }
  const principal = places.credential(signature.accessKey);
  if (principal === undefined) throw commonError(service, "unknown-key");
  const { session } = principal;
  if (session !== null && session.token !== headers["x-amz-security-token"])
    throw commonError(service, "unknown-key");
  if (session !== null && session.expires <= now) throw commonError(service, "expired");
  const world = placeFor(places, service, accountIn(principal.arn), signature.region);
  if (world.settings.checkSignatureTime) checkSigningTime(service, signedAt, now);
  return { principal, world };
}

/** The account's place in a Region. A Region that it has not opted into does not know its credentials. @throws ApiError */
function placeFor(places: Places, service: ServiceName, account: string, region: string): World {
  const world = places.at(account, region);
  if (world !== undefined) return world;
  if (service !== "sts") throw commonError(service, "unknown-key");
  const regions = places.regionsOf(account);
  if (regions !== undefined && !regions.includes(region) && region !== "us-east-1")
    throw new ApiError(
      "RegionDisabledException",
      `STS is not activated in this region for account:${account}. Your account administrator can activate STS in this region using the IAM Console.`,
      403,
    );
  return places.anyOf(account);
}

function checkSigningTime(service: ServiceName, signedAt: string, now: number): void {
  const iso = signedAt.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const behind = now - Date.parse(iso);
  if (Math.abs(behind) <= 5 * 60_000) return;
  // The codes that SDKs take for a sign of a wrong clock; which one EC2 sends for a clock that is ahead is unverified.
  if (service === "ec2") throw commonError(service, behind > 0 ? "expired" : "unknown-key");
  const text = behind > 0 ? "Signature expired" : "Signature not yet current";
  throw new ApiError(
    "SignatureDoesNotMatch",
    `${text}: ${signedAt} is not within five minutes of the server's time`,
    403,
  );
}

/**
 * Temporary credentials for the role of an instance. The same ones are handed out until a quarter of their life, at most five
 * minutes, is left ("new credentials available at least five minutes before the expiration of the old ones").
 */
export function issueCredential(
  world: World,
  instance: Instance,
  now: number,
  lifetime: number,
): { accessKey: string; credential: Credential } {
  const current = Object.entries(world.credentials).find(
    ([, { session }]) =>
      session?.instance === instance.id && session.expires - now > Math.min(300_000, lifetime / 4),
  );
  if (current && lifetime > 0) return { accessKey: current[0], credential: current[1] };
  const { partition, account, region, seed } = world.settings;
  const random = digest(`credential/${seed}/${++world.sequence}`);
  const accessKey = `ASIA${random.slice(0, 16).toUpperCase()}`;
  const role = instance.role ?? "none";
  const credential: Credential = {
    arn: `arn:${partition}:sts::${account}:assumed-role/${role}/${instance.id}`,
    userId: `AROA${digest(role).slice(0, 17).toUpperCase()}:${instance.id}`,
    session: {
      secret: digest(`secret/${random}`).slice(0, 40),
      token: Buffer.from(digest(`token/${random}`).repeat(4)).toString("base64"),
      instance: instance.id,
      source: `arn:${partition}:ec2:${region}:${account}:instance/${instance.id}`,
      issued: now,
      expires: now + lifetime,
    },
  };
  world.credentials[accessKey] = credential;
  return { accessKey, credential };
}

/**
 * Refuses what a deny rule forbids.
 * @param actions IAM actions such as `ec2:CreateTags`: the called one first, then those it implies.
 * @throws ApiError with the service's own words.
 */
export function authorize(
  world: World,
  service: ServiceName,
  credential: Credential,
  actions: readonly string[],
  resource: string,
): void {
  for (const [index, action] of actions.entries()) {
    const denied = world.settings.deny.some(
      (rule) =>
        matchesPattern(rule.action, action) &&
        matchesPattern(rule.principal ?? "*", credential.arn) &&
        !(rule.standalone === true && index > 0),
    );
    if (denied) throw commonError(service, "denied", refusal(service, credential.arn, action, resource));
  }
}

/** Refuses what the caller's identity policies do not allow. @throws ApiError with the service's own words. */
export function authorizeByPolicies(
  { world, principal, asked }: Pick<Context, "world" | "principal" | "asked">,
  service: ServiceName,
  permissions: readonly Permission[],
): void {
  asked?.(permissions);
  const missing = missingPermission(world, principal, permissions);
  if (missing !== undefined)
    throw commonError(service, "denied", refusal(service, principal.arn, missing.action, missing.resource));
}

/** The sentence with which AWS refuses. */
export function refusal(service: ServiceName, principal: string, action: string, resource: string): string {
  const name = action.slice(action.indexOf(":") + 1);
  const reason = `is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
  if (service !== "ec2") return `User: ${principal} ${reason}`;
  const encoded = Buffer.from(digest(`${principal}/${name}/${resource}`)).toString("base64url");
  return `You are not authorized to perform this operation. User: ${principal} ${reason}. Encoded authorization failure message: ${encoded}`;
}
