import { ApiError } from "../api-error.ts";
import { kmsRates } from "../buckets.ts";
import type { Context } from "../context.ts";
import { operation, type ServiceTable } from "../operations.ts";
import { paginate } from "../pagination.ts";
import { placeOfArn } from "../places.ts";
import { askPolicy } from "../policy.ts";
import { accountIn } from "../sts/role.ts";
import { findKey, type KmsKey } from "./key.ts";

const idShape = { KeyId: "string" } as const;

/** KMS, as far as the state of keys can be read. */
export const kms: ServiceTable = {
  service: "kms",
  operations: {
    DescribeKey: operation({
      shape: idShape,
      changes: false,
      resource: ({ KeyId: id }, context) => arnOrAll(context, id),
      run: ({ KeyId: id }, context) => ({
        KeyMetadata: metadata(permitted(context, keyOf(context, id), "kms:DescribeKey")),
      }),
    }),
    GetKeyPolicy: operation({
      shape: { ...idShape, PolicyName: "string" },
      changes: false,
      resource: ({ KeyId: id }, context) => arnOrAll(context, id),
      run({ KeyId: id, PolicyName: name = "default" }, context) {
        if (/(^|:)alias\//.test(id ?? "")) throw new ApiError("InvalidArnException", `Invalid keyId ${id}`);
        const key = permitted(context, keyOf(context, id), "kms:GetKeyPolicy");
        if (name !== "default") throw notFound("No such policy exists");
        return { Policy: key.policy, PolicyName: name };
      },
    }),
    ListAliases: operation({
      shape: { ...idShape, Limit: "integer", Marker: "string" },
      changes: false,
      run: listAliases,
    }),
  },
  rates: kmsRates,
  unknownAction: (action) => new ApiError("UnknownOperationException", `Unknown operation ${action}`),
};

const notFound = (message: string) => new ApiError("NotFoundException", message);

const arnOrAll = (context: Context, id: string | undefined) => keyNamed(context, id ?? "")?.arn ?? "*";

/** The key with that name; with an ARN also one that another account has in the Region. */
function keyNamed({ world, places }: Context, id: string): KmsKey | undefined {
  const owner = id.startsWith("arn:") ? placeOfArn(places, id) : world;
  return owner?.settings.region === world.settings.region ? findKey(owner.keys, id) : undefined;
}

function keyOf(context: Context, id: string | undefined): KmsKey {
  const { world } = context;
  if (id === undefined || id === "")
    throw new ApiError("ValidationException", "1 validation error detected: Value null at 'keyId'");
  const key = keyNamed(context, id);
  if (key !== undefined) return key;
  const { partition, region, account } = world.settings;
  const prefix = `arn:${partition}:kms:${region}:${account}:`;
  const full = id.startsWith("arn:") ? id : `${prefix}${id.startsWith("alias/") ? "" : "key/"}${id}`;
  throw notFound(full.includes(":alias/") ? `Alias ${full} is not found.` : `Key '${full}' does not exist`);
}

/** "IAM policies by themselves are not sufficient to allow access to a KMS key": its own policy must let IAM decide, or the caller. */
function permitted({ world, principal }: Context, key: KmsKey, action: string): KmsKey {
  const { account } = world.settings;
  const question = { principal: principal.arn, account, action, resource: key.arn, context: {} };
  if (askPolicy(key.policy, question) === "allow") return key;
  const told = `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${key.arn} because no resource-based policy allows the ${action} action`;
  throw new ApiError("AccessDeniedException", told);
}

function metadata(key: KmsKey): Record<string, unknown> {
  return {
    AWSAccountId: accountIn(key.arn),
    KeyId: key.id,
    Arn: key.arn,
    CreationDate: new Date(key.createdAt),
    Enabled: key.state === "Enabled",
    Description: key.description,
    KeyUsage: "ENCRYPT_DECRYPT",
    KeyState: key.state,
    ...(key.deletionAt === null ? {} : { DeletionDate: new Date(key.deletionAt) }),
    Origin: key.state === "PendingImport" ? "EXTERNAL" : "AWS_KMS",
    KeyManager: key.manager,
    CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
    KeySpec: "SYMMETRIC_DEFAULT",
    EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
    MultiRegion: key.id.startsWith("mrk-"),
  };
}

function listAliases(
  {
    KeyId: id,
    Limit: limit = 50,
    Marker: marker,
  }: { KeyId?: string | undefined; Limit?: number | undefined; Marker?: string | undefined },
  context: Context,
): Record<string, unknown> {
  const { world } = context;
  if (limit < 1 || limit > 100)
    throw new ApiError("ValidationException", `Value '${limit}' at 'limit' failed`);
  const keys = id === undefined ? Object.values(world.keys) : [keyOf(context, id)];
  const aliases = keys.flatMap((key) => key.aliases.map((name) => ({ name, key })));
  const page = paginate(aliases, {
    action: "ListAliases",
    fingerprint: id ?? null,
    maxResults: limit,
    nextToken: marker,
    keyOf: ({ name }) => name,
    short: world.settings.shortPages,
    invalidToken: "InvalidMarkerException",
  });
  return {
    Aliases: page.things.map(({ name, key }) => ({
      AliasName: name,
      AliasArn: key.arn.replace(/key\/.*$/, name),
      TargetKeyId: key.id,
      CreationDate: new Date(key.createdAt),
      LastUpdatedDate: new Date(key.createdAt),
    })),
    Truncated: page.nextToken !== undefined,
    ...(page.nextToken === undefined ? {} : { NextMarker: page.nextToken }),
  };
}
