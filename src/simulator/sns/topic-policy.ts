import { ApiError } from "../api-error.ts";
import { statementsOf } from "../policy.ts";
import type { World } from "../world.ts";
import type { Topic } from "./topic.ts";

/** The policy of a topic: the one that was set, else the one that every topic begins with. */
export function policyOf(world: World, topic: Topic): string {
  return topic.attributes.Policy ?? defaultPolicy(world, topic.arn);
}

function defaultPolicy(world: World, arn: string): string {
  const actions = [
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
  ];
  return JSON.stringify({
    Version: "2008-10-17",
    Id: "__default_policy_ID",
    Statement: [
      {
        Sid: "__default_statement_ID",
        Effect: "Allow",
        Principal: { AWS: "*" },
        Action: actions.map((action) => `SNS:${action}`),
        Resource: arn,
        Condition: { StringEquals: { "AWS:SourceOwner": world.settings.account } },
      },
    ],
  });
}

/** Refuses a policy that SNS would refuse. @throws ApiError */
export function checkPolicy(policy: string): void {
  const wrong = (why: string) => new ApiError("InvalidParameter", `Invalid parameter: Policy Error: ${why}`);
  const statements = statementsOf(policy);
  if (statements.length === 0) throw wrong("null");
  for (const { Effect, Principal, Action, NotAction, Resource } of statements) {
    if (Effect !== "Allow" && Effect !== "Deny") throw wrong("Policy statement effect is not valid");
    if (Principal === undefined) throw wrong("Policy statement must contain principals");
    if (Resource === undefined) throw wrong("Policy statement must contain resources");
    const actions = [Action ?? NotAction].flat().map(String);
    if (!actions.every((action) => /^sns:/i.test(action)))
      throw wrong("Policy statement action out of service scope!");
  }
}
