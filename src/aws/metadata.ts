import { MetadataService } from "@aws-sdk/ec2-metadata-service";
import { BackupError } from "../core/errors.ts";
import { withDeadline } from "./deadline.ts";
import type { MetadataAccess } from "./user-data.ts";

/** Who the machine says it is. */
export interface Identity {
  readonly instanceId: string;
  readonly account: string;
  readonly region: string;
  readonly zone: string;
  /** `aws`, `aws-cn` or `aws-us-gov`. */
  readonly partition: string;
  /** Devices of instance-store volumes as far as the metadata lists them. */
  readonly instanceStores: readonly string[];
  /** For what else is asked of the metadata. */
  readonly metadata?: MetadataAccess;
}

const doing = "read the instance metadata (IMDSv2)";

/** Reads the identity document and the block-device mapping. Only IMDSv2 is ever asked. */
export async function readIdentity(timeout: number, signal: AbortSignal): Promise<Identity> {
  const { get, access: metadata } = await reader(timeout, signal);
  const [document, partition, instanceStores] = await Promise.all([
    get("latest/dynamic/instance-identity/document"),
    readPartition(get),
    readInstanceStores(get),
  ]);
  const identity = parseDocument(document);
  return {
    ...identity,
    partition: partition ?? partitionOf(identity.region),
    instanceStores,
    metadata,
  };
}

/**
 * Fetches one token for all requests: the service of the SDK would fetch one for each. Its readiness to
 * do without a token is never used, since ours goes with every request.
 */
async function reader(
  timeout: number,
  signal: AbortSignal,
): Promise<{ get: (path: string) => Promise<string>; access: MetadataAccess }> {
  const options = {
    httpOptions: { timeout: Math.min(timeout, 2_000) },
    retries: 3,
    backoff: (failures: number) => 0.2 * 2 ** failures,
  };
  const guarded = async (ask: () => Promise<string>): Promise<string> => {
    try {
      // For all tries of a request together, as with the requests to EC2.
      return await withDeadline(timeout * 4, signal, doing, ask);
    } catch (error) {
      throw metadataFailure(error);
    }
  };
  const tokens = new MetadataService({ ...options, ec2MetadataV1Disabled: true });
  const token = await guarded(() => tokens.fetchMetadataToken());
  const service = new MetadataService({ ...options, disableFetchToken: true, ec2MetadataV1Disabled: false });
  // The SDK tells nobody else what the environment says of the address.
  const { endpoint }: { endpoint: string } = await tokens["config"];
  return {
    get: (path) => guarded(() => service.request(path, { headers: { "x-aws-ec2-metadata-token": token } })),
    access: { endpoint, token },
  };
}

/** Some old or private clouds lack the category. What is no name must not get into the ARN that points carry. */
async function readPartition(get: (path: string) => Promise<string>): Promise<string | undefined> {
  try {
    const name = (await get("latest/meta-data/services/partition")).trim();
    if (!/^[a-z][a-z0-9-]*$/.test(name)) throw somethingElse("the partition is no name", name);
    return name;
  } catch (error) {
    if (error instanceof BackupError && error.kind === "not-found") return undefined;
    throw error;
  }
}

/** The region's name tells the partition where the metadata does not. */
function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

async function readInstanceStores(get: (path: string) => Promise<string>): Promise<string[]> {
  try {
    const names = (await get("latest/meta-data/block-device-mapping/")).split("\n");
    const stores = names.map((name) => name.trim()).filter((name) => /^ephemeral\d+$/.test(name));
    return await Promise.all(
      stores.map(async (name) => (await get(`latest/meta-data/block-device-mapping/${name}`)).trim()),
    );
  } catch (error) {
    if (error instanceof BackupError && error.kind === "not-found") return [];
    throw error;
  }
}

function parseDocument(text: string): Omit<Identity, "partition" | "instanceStores" | "metadata"> {
  const field = (name: string): string => {
    const value = document[name];
    if (typeof value === "string" && value !== "") return value;
    throw new BackupError({
      kind: "unreachable",
      doing,
      found: `the identity document has no ${name}`,
      remedy: "see `curl` of /latest/dynamic/instance-identity/document with a token",
    });
  };
  let document: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) document = parsed as Record<string, unknown>;
  } catch {
    throw somethingElse("the identity document is not JSON", text);
  }
  return {
    instanceId: field("instanceId"),
    account: field("accountId"),
    region: field("region"),
    zone: field("availabilityZone"),
  };
}

function somethingElse(found: string, text: string): BackupError {
  return new BackupError({
    kind: "unreachable",
    doing,
    found: `${found} (it begins ${JSON.stringify(text.slice(0, 40))})`,
    remedy: "something else than EC2 answers at the metadata address; check proxies and routes",
  });
}

/** Explains the ways in which the metadata service stays silent. */
function metadataFailure(error: unknown): BackupError {
  if (error instanceof BackupError && error.kind === "interrupted") return error;
  const text = error instanceof Error ? error.message : String(error);
  const status = Number(/status code (\d{3})/.exec(text)?.[1] ?? Number.NaN);
  // Whoever knows no tokens is no metadata service of version 2.
  if (status === 404 && !/metadata token/.test(text))
    return new BackupError({ kind: "not-found", doing, found: "the metadata has no such category" });
  if (status === 403) {
    return new BackupError({
      kind: "unreachable",
      doing,
      found: "the metadata service refuses (403)",
      remedy:
        "it is switched off for this instance: `aws ec2 modify-instance-metadata-options --http-endpoint enabled`",
    });
  }
  return new BackupError({
    kind: "unreachable",
    doing,
    found: `no usable answer (${text.slice(0, 300)})`,
    remedy:
      "on EC2: in a container raise --http-put-response-hop-limit to 2, and let 169.254.169.254 past firewall and proxy;" +
      " elsewhere there is no instance to back up",
  });
}
