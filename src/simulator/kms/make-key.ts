import { uuid } from "../ids.ts";
import type { ScenarioKey } from "../scenario.ts";
import type { World } from "../world.ts";
import type { KmsKey } from "./key.ts";

const day = 86_400_000;

/** The shortest and usual waiting period is 30 days ("The default value is 30 days"). */
const deletionWindow = 30 * day;

/** AWS's own keys, those of the scenario, and a sound one for each key of this account that a volume names. */
export function addKeys(world: World, given: readonly ScenarioKey[], now: number): void {
  for (const service of ["ebs", "sns"]) put(world, managedKey(world, service, now));
  for (const each of given) put(world, makeKey(world, each, now));
  const { partition, region, account } = world.settings;
  const prefix = `arn:${partition}:kms:${region}:${account}:key/`;
  for (const { kmsKeyId } of Object.values(world.volumes)) {
    if (!kmsKeyId?.startsWith(prefix)) continue;
    const id = kmsKeyId.slice(prefix.length);
    if (world.keys[id] === undefined) put(world, makeKey(world, { id }, now));
  }
}

function put(world: World, key: KmsKey): void {
  world.keys[key.id] = key;
}

/** A key as the scenario tells it. */
export function makeKey(world: World, given: ScenarioKey, now: number): KmsKey {
  const { partition, region, account, seed } = world.settings;
  const id = given.id ?? uuid(`key/${seed}/${++world.sequence}`);
  const state = given.state ?? "Enabled";
  return {
    id,
    arn: `arn:${partition}:kms:${region}:${account}:key/${id}`,
    state,
    manager: given.manager ?? "CUSTOMER",
    description: given.description ?? "",
    policy: JSON.stringify(given.policy ?? policyOfIam(partition, account)),
    aliases: given.aliases ?? [],
    createdAt: now - 90 * day,
    deletionAt: deletionOf(state, now),
  };
}

/** When a key that comes into this state now will be gone; null when it will not. */
export function deletionOf(state: KmsKey["state"], now: number): number | null {
  return state === "PendingDeletion" ? now + deletionWindow : null;
}

/** The policy that the console gives to a new key: who may use it is left to IAM. No service is allowed by it. */
function policyOfIam(partition: string, account: string): Record<string, unknown> {
  const root = { AWS: `arn:${partition}:iam::${account}:root` };
  const statement = { Sid: "Enable IAM User Permissions", Effect: "Allow", Principal: root };
  return {
    Version: "2012-10-17",
    Id: "key-default-1",
    Statement: [{ ...statement, Action: "kms:*", Resource: "*" }],
  };
}

// Nobody can change the policy of such a key, and it lets only the service use it, in the name of the account's principals.
function managedKey(world: World, service: string, now: number): KmsKey {
  const { partition, region, account, seed } = world.settings;
  // EBS's own key is used through EC2.
  const user = service === "ebs" ? "ec2" : service;
  const suffix = partition === "aws-cn" ? ".cn" : "";
  const via = { "kms:ViaService": `${user}.${region}.amazonaws.com${suffix}`, "kms:CallerAccount": account };
  const use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant"];
  const read = ["kms:Describe*", "kms:Get*", "kms:List*"];
  const key = makeKey(
    world,
    {
      id: uuid(`managed/${service}/${seed}`),
      manager: "AWS",
      description: `Default key that protects my ${service.toUpperCase()} data when no other key is defined`,
      aliases: [`alias/aws/${service}`],
    },
    now,
  );
  const statements = [
    {
      Effect: "Allow",
      Principal: { AWS: "*" },
      Action: use,
      Resource: "*",
      Condition: { StringEquals: via },
    },
    {
      Effect: "Allow",
      Principal: { AWS: `arn:${partition}:iam::${account}:root` },
      Action: read,
      Resource: "*",
    },
  ];
  return {
    ...key,
    policy: JSON.stringify({ Version: "2012-10-17", Id: `auto-${service}-1`, Statement: statements }),
  };
}
