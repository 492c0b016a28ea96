import { authorize, authorizeByPolicies } from "../access.ts";
import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import type { Permission } from "../identity-policies.ts";
import { operation } from "../operations.ts";
import { askPolicy } from "../policy.ts";
import { lose, notify } from "./notify.ts";
import type { Topic } from "./topic.ts";
import { type KeyFault, topicKey } from "./topic-key.ts";
import { policyOf } from "./topic-policy.ts";
import { topicOf } from "./topics.ts";

const wrong = (what: string) => new ApiError("InvalidParameter", `Invalid parameter: ${what}`);

/** "The maximum size is 262,144 bytes" of a message; a subject has "fewer than 100 characters" in words, 100 in fact. */
const limits = { message: 262_144, subject: 100 };

/** Publishes in the name of whoever signed. */
export const publish = operation({
  shape: {
    TopicArn: "string",
    TargetArn: "string",
    PhoneNumber: "string",
    Message: "string",
    Subject: "string",
    MessageStructure: "string",
  },
  changes: true,
  resource: (input) => input.TopicArn ?? input.TargetArn ?? "*",
  run(input, context) {
    const { world, now, principal } = context;
    if (input.PhoneNumber !== undefined) throw wrong("PhoneNumber Reason: text messages are not simulated");
    const text = checkMessage(input.Message, input.MessageStructure);
    const subject = checkSubject(input.Subject);
    const topic = topicOf(world, input.TopicArn ?? input.TargetArn);
    const message = { publisher: principal.arn, subject, text, at: now };
    refuseDenied(context, topic);
    const key = topicKey(world, topic);
    if (key !== undefined) {
      if ("kind" in key) {
        lose(world, topic.arn, message, "undecryptable", key.told);
        throw keyError(key);
      }
      try {
        const actions = ["kms:GenerateDataKey", "kms:Decrypt"];
        authorize(world, "kms", principal, actions, key.arn);
        if (key.manager === "CUSTOMER") authorizeByPolicies(context, "kms", ofKey(context, key.arn, actions));
      } catch (error) {
        throw error instanceof ApiError ? keyError({ kind: "denied", told: error.message }) : error;
      }
    }
    return { MessageId: notify(world, topic, message) };
  },
});

function ofKey({ world }: Context, resource: string, actions: readonly string[]): readonly Permission[] {
  const { region, account } = world.settings;
  const context = { "kms:viaservice": `sns.${region}.amazonaws.com`, "kms:calleraccount": account };
  return actions.map((action) => ({ action, resource, context }));
}

function refuseDenied({ world, principal }: Context, topic: Topic): void {
  const { account } = world.settings;
  const question = {
    principal: principal.arn,
    account,
    action: "SNS:Publish",
    resource: topic.arn,
    context: { "aws:sourceowner": account, "aws:principalarn": principal.arn },
  };
  // Within an account an allow of IAM is enough; only a deny of the policy counts.
  if (askPolicy(policyOf(world, topic), question) !== "deny") return;
  const told = `User: ${principal.arn} is not authorized to perform: SNS:Publish on resource: ${topic.arn} with an explicit deny in a resource-based policy`;
  throw new ApiError("AuthorizationError", told, 403);
}

function keyError({ kind, told }: KeyFault): ApiError {
  const codes = {
    missing: "KMSNotFound",
    disabled: "KMSDisabled",
    state: "KMSInvalidState",
    denied: "KMSAccessDenied",
  };
  return new ApiError(codes[kind], told);
}

function checkMessage(message: string | undefined, structure: string | undefined): string {
  if (message === undefined || message === "") throw wrong("Empty message");
  if (Buffer.byteLength(message) > limits.message) throw wrong("Message too long");
  if (structure === undefined) return message;
  if (structure !== "json") throw wrong("MessageStructure");
  try {
    const { default: text } = JSON.parse(message) as { default?: unknown };
    if (typeof text === "string") return text;
  } catch {
    throw wrong("Message Structure - JSON message body failed to parse");
  }
  throw wrong("Message Structure - No default entry in JSON message body");
}

// "Subjects must be ASCII text that begins with a letter, number, or punctuation mark; must not include line breaks or
// control characters; and must be less than 100 characters long."
function checkSubject(subject: string | undefined): string | null {
  if (subject === undefined) return null;
  if (subject.length > limits.subject || !/^[\x21-\x7e][\x20-\x7e]*$/.test(subject)) throw wrong("Subject");
  return subject;
}
