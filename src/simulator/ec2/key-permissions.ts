import type { Context } from "../context.ts";
import { missingPermission, type Permission } from "../identity-policies.ts";
import { findKey } from "../kms/key.ts";
import { own } from "../own.ts";
import type { World } from "../world.ts";

/** The ARN of a key that policies govern; AWS's own lets everybody of the account use it through EC2. */
function governed(world: World, id: string | null): string | undefined {
  if (id === null) return undefined;
  const key = findKey(world.keys, id);
  if (key !== undefined) return key.manager === "CUSTOMER" ? key.arn : undefined;
  return id.includes(":key/") ? id : undefined;
}

function asked(world: World, actions: readonly string[], resource: string | undefined): Permission[] {
  if (resource === undefined) return [];
  const { region, account, partition } = world.settings;
  const suffix = partition === "aws-cn" ? ".cn" : "";
  const context = {
    "kms:viaservice": `ec2.${region}.amazonaws.com${suffix}`,
    "kms:calleraccount": account,
  };
  return actions.map((action) => ({
    action,
    resource,
    context: action === "kms:CreateGrant" ? { ...context, "kms:grantisforawsresource": "true" } : context,
  }));
}

/**
 * What EC2 asks KMS in the name of whoever makes an encrypted volume. Which of them when is not documented; that he
 * must have all of them is ("Requirements for Amazon EBS encryption").
 */
export function makingVolume(world: World, key: string | null, source: string | null): readonly Permission[] {
  const target = governed(world, key);
  return [
    ...asked(world, ["kms:CreateGrant", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptTo"], target),
    ...asked(world, ["kms:Decrypt", "kms:ReEncryptFrom"], governed(world, source)),
  ];
}

/** The same of attaching volumes and of starting instances with them: a grant for the instance. */
export function usingVolumes(
  name: string,
  input: { readonly VolumeId?: unknown; readonly InstanceId?: unknown },
  { world }: Context,
): readonly Permission[] {
  if (name !== "AttachVolume" && name !== "StartInstances") return [];
  const instances = [input.InstanceId].flat();
  const volumes =
    name === "AttachVolume"
      ? [typeof input.VolumeId === "string" ? own(world.volumes, input.VolumeId) : undefined]
      : Object.values(world.volumes).filter(({ attachments }) =>
          attachments.some(({ instance }) => instances.includes(instance)),
        );
  const keys = new Set(volumes.map((volume) => governed(world, volume?.kmsKeyId ?? null)));
  return [...keys].flatMap((key) => asked(world, ["kms:CreateGrant", "kms:Decrypt"], key));
}

/** Whether who makes a volume may not use its key: EC2 then takes the request, and the volume comes to nothing. */
export function mayNotUseKeys(
  { world, principal, asked: note }: Context,
  key: string | null,
  source: string | null,
): boolean {
  const permissions = makingVolume(world, key, source);
  note?.(permissions);
  return missingPermission(world, principal, permissions) !== undefined;
}
