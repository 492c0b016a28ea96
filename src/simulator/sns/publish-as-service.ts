import { own } from "../own.ts";
import { askPolicy } from "../policy.ts";
import type { World } from "../world.ts";
import { lose, notify } from "./notify.ts";
import { keyFaultFor } from "./topic-key.ts";
import { policyOf } from "./topic-policy.ts";

const service = "cloudwatch.amazonaws.com";

/**
 * Publishes in the name of CloudWatch.
 * @param given `source`: the ARN of the alarm; `at`: simulated milliseconds.
 * @returns what CloudWatch is told when it fails. A message that is lost because of the topic's key is told to it
 *   only when the settings say so; it is always among the deliveries.
 */
export function publishAsService(
  world: World,
  given: { topic: string; subject: string; message: string; source: string; at: number },
): string | undefined {
  const { topic: arn, source } = given;
  const message = { publisher: service, subject: given.subject, text: given.message, at: given.at };
  const topic = own(world.topics, arn);
  if (topic === undefined) {
    lose(world, arn, message, "refused", "there is no such topic");
    return "Topic does not exist";
  }
  const { account } = world.settings;
  const context = { "aws:sourcearn": source, "aws:sourceaccount": account, "aws:sourceowner": account };
  const question = { principal: service, account, action: "SNS:Publish", resource: arn, context };
  if (askPolicy(policyOf(world, topic), question) !== "allow") {
    lose(
      world,
      arn,
      message,
      "refused",
      `the topic's policy does not allow ${service} to publish for ${source}`,
    );
    return `Resource: ${source} is not authorized to perform: SNS:Publish on resource: ${arn}`;
  }
  const fault = keyFaultFor(world, topic, service, source);
  if (fault === undefined) {
    notify(world, topic, message);
    return undefined;
  }
  lose(world, arn, message, "undecryptable", fault.told);
  if (!world.settings.alarms.tellKeyFaults) return undefined;
  return "CloudWatch Alarms does not have authorization to access the SNS topic encryption key.";
}
