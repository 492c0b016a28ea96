import { findKey, type KmsKey } from "../kms/key.ts";
import { askPolicy } from "../policy.ts";
import type { World } from "../world.ts";
import type { Topic } from "./topic.ts";

/** Why a topic's key cannot be used: there is none of that name, its state, or its policy. */
export type KeyFault = { kind: "missing" | "disabled" | "state" | "denied"; told: string };

/** The key of an encrypted topic, or why it is out of reach; undefined for a topic that is not encrypted. */
export function topicKey(world: World, topic: Topic): KmsKey | KeyFault | undefined {
  const name = topic.attributes.KmsMasterKeyId;
  if (name === undefined || name === "") return undefined;
  const key = findKey(world.keys, name);
  if (key === undefined) return { kind: "missing", told: `Key ${name} does not exist` };
  if (key.state === "Disabled") return { kind: "disabled", told: `${key.arn} is disabled.` };
  if (key.state !== "Enabled") return { kind: "state", told: `${key.arn} is in the state ${key.state}` };
  return key;
}

/**
 * Why a service cannot publish to an encrypted topic: the key's policy must let it use kms:Decrypt and
 * kms:GenerateDataKey*, which that of alias/aws/sns never does. Undefined: it can.
 */
export function keyFaultFor(
  world: World,
  topic: Topic,
  service: string,
  source: string,
): KeyFault | undefined {
  const key = topicKey(world, topic);
  if (key === undefined || "kind" in key) return key;
  const { account } = world.settings;
  const context = { "aws:sourcearn": source, "aws:sourceaccount": account };
  for (const action of ["kms:GenerateDataKey", "kms:Decrypt"]) {
    const question = { principal: service, account, action, resource: key.arn, context };
    if (askPolicy(key.policy, question) !== "allow")
      return {
        kind: "denied",
        told: `the policy of ${key.aliases[0] ?? key.arn} does not allow ${service} ${action}`,
      };
  }
  return undefined;
}
