import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { missingPermission } from "../identity-policies.ts";
import { defaultKey, findKey, type KmsKey } from "../kms/key.ts";
import { placeOfArn } from "../places.ts";
import { askPolicy } from "../policy.ts";
import { accountIn, principalArn } from "../sts/role.ts";
import type { Snapshot, World } from "../world.ts";
import { makingVolume } from "./key-permissions.ts";

/**
 * The key of a copy; null where it is not encrypted. Without one that is named it is the destination's default key: the
 * source's is of another Region. @throws ApiError
 */
export function keyOfCopy(
  world: World,
  source: Snapshot,
  given: { Encrypted: boolean | undefined; KmsKeyId: string | undefined },
): string | null {
  const { byDefault } = world.settings.ebsEncryption;
  if (given.Encrypted === false && (source.encrypted || given.KmsKeyId !== undefined))
    throw new ApiError(
      "InvalidParameterValue",
      "Value (false) for parameter encrypted is invalid. The copy of an encrypted snapshot is encrypted.",
    );
  const encrypted = byDefault || source.encrypted || given.Encrypted === true;
  if (given.KmsKeyId !== undefined && !encrypted) {
    const message = "The parameter KmsKeyId requires the parameter Encrypted to be set.";
    throw new ApiError("InvalidParameterDependency", message);
  }
  if (!encrypted) return null;
  const named = given.KmsKeyId ?? defaultKey(world);
  return findKey(world.keys, named)?.arn ?? named;
}

/**
 * Whether a copy will fail for its keys: the new one is unknown, disabled or not granted, or the source's cannot be used.
 * EC2 takes the request all the same ("authenticates the KMS key asynchronously").
 */
export function keysFail(
  context: Context,
  key: string | null,
  source: { world: World; snapshot: Snapshot },
): boolean {
  const { world, principal, asked } = context;
  const old = source.snapshot.kmsKeyId;
  const permissions = [...makingVolume(world, key, null), ...makingVolume(source.world, null, old)];
  asked?.(permissions);
  if (missingPermission(world, principal, permissions) !== undefined) return true;
  const former = old === null ? undefined : keyFor(source.world, old, context);
  if (key !== null && !isGranted(keyFor(world, key, context), context)) return true;
  // A key of a scenario's snapshot that is not simulated is good.
  return former !== undefined && !isGranted(former, context);
}

function keyFor(world: World, name: string, { places }: Context): KmsKey | undefined {
  const owner = name.startsWith("arn:") ? placeOfArn(places, name) : world;
  const sameRegion = owner?.settings.region === world.settings.region;
  return owner === undefined || !sameRegion ? undefined : findKey(owner.keys, name);
}

/** Whether a key is there, is enabled, and its own policy lets the caller use it, or leaves it to IAM in his account. */
function isGranted(key: KmsKey | undefined, { principal, world }: Context): boolean {
  if (key === undefined || key.state !== "Enabled") return false;
  const account = accountIn(principal.arn);
  const { region, partition } = world.settings;
  const question = {
    principal: principalArn(principal),
    account,
    action: "kms:CreateGrant",
    resource: key.arn,
    context: {
      "kms:viaservice": `ec2.${key.arn.split(":")[3] ?? region}.amazonaws.com${partition === "aws-cn" ? ".cn" : ""}`,
      "kms:calleraccount": account,
      "kms:grantisforawsresource": "true",
    },
  };
  return askPolicy(key.policy, question) === "allow";
}
