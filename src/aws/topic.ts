import {
  CreateTopicCommand,
  ListSubscriptionsByTopicCommand,
  type SNSClient,
  SubscribeCommand,
} from "@aws-sdk/client-sns";
import type { Subscription, TopicService } from "../core/alarm-ports.ts";
import { askAws } from "./ask.ts";
import { listed } from "./listed-tags.ts";
import { pages } from "./pages.ts";
import { topicAttributes } from "./topic-attributes.ts";

/** Topics of SNS. `timeout` is for one request with all its tries, in ms. */
export function snsTopics(client: SNSClient, timeout: number, signal: AbortSignal): TopicService {
  const ask = <T>(doing: string, send: (options: { abortSignal: AbortSignal }) => Promise<T>) =>
    askAws(timeout, signal, doing, (abortSignal) => send({ abortSignal }));
  return {
    async find(arn) {
      const attributes = await topicAttributes(client, arn, timeout, signal);
      if (attributes === undefined) return undefined;
      const { policy, kmsKey } = attributes;
      const doing = `list the subscriptions of ${arn}`;
      const subscriptions: Subscription[] = [];
      for await (const page of pages(doing, (next) => {
        const command = new ListSubscriptionsByTopicCommand({ TopicArn: arn, ...next });
        return ask(doing, (options) => client.send(command, options));
      })) {
        for (const { Protocol = "", Endpoint = "", SubscriptionArn = "" } of page.Subscriptions ?? []) {
          // A subscription that waits has a word in the place of its ARN: "PendingConfirmation", "Deleted".
          subscriptions.push({
            protocol: Protocol,
            endpoint: Endpoint,
            confirmed: SubscriptionArn.startsWith("arn:"),
          });
        }
      }
      return { arn, policy, ...(kmsKey === undefined ? {} : { kmsKey }), subscriptions };
    },
    async create(name, policy, tags) {
      const command = new CreateTopicCommand({
        Name: name,
        Attributes: { Policy: policy },
        Tags: listed(tags),
      });
      const answer = await ask(`make the topic ${name}`, (options) => client.send(command, options));
      return answer.TopicArn ?? "";
    },
    async subscribe(arn, protocol, endpoint) {
      const command = new SubscribeCommand({ TopicArn: arn, Protocol: protocol, Endpoint: endpoint });
      await ask(`subscribe ${endpoint} to ${arn}`, (options) => client.send(command, options));
    },
  };
}
