import { ApiError } from "../api-error.ts";
import { digest, uuid } from "../ids.ts";
import { type Operation, operation } from "../operations.ts";
import { own } from "../own.ts";
import type { World } from "../world.ts";
import { askToConfirm } from "./notify.ts";
import type { Subscription } from "./topic.ts";
import { pageOf, topicOf } from "./topics.ts";

/** "Amazon SNS will delete the pending subscription after 48 hours." */
const patience = 48 * 3_600_000;

const wrong = (what: string) => new ApiError("InvalidParameter", `Invalid parameter: ${what}`);

/** What an endpoint of a protocol looks like, and whether its owner must say yes. */
const protocols: Readonly<Record<string, { pattern: RegExp; asks: boolean }>> = {
  http: { pattern: /^http:\/\/[^\s/]+/, asks: true },
  https: { pattern: /^https:\/\/[^\s/]+/, asks: true },
  email: { pattern: /^[^\s@]+@[^\s@]+$/, asks: true },
  "email-json": { pattern: /^[^\s@]+@[^\s@]+$/, asks: true },
  sms: { pattern: /^\+\d{6,15}$/, asks: false },
  sqs: { pattern: /^arn:[^:]+:sqs:/, asks: false },
  lambda: { pattern: /^arn:[^:]+:lambda:/, asks: false },
};

const ofTopic = ({ TopicArn }: { TopicArn?: string | undefined }) => TopicArn ?? "*";

/** The actions on subscriptions. */
export const subscriptionOperations: Readonly<Record<string, Operation>> = {
  Subscribe: operation({
    shape: {
      TopicArn: "string",
      Protocol: "string",
      Endpoint: "string",
      Attributes: "map",
      ReturnSubscriptionArn: "boolean",
    },
    changes: true,
    resource: ofTopic,
    conditions: ({ Protocol: protocol, Endpoint: endpoint }) => ({
      ...(protocol === undefined ? {} : { "sns:protocol": protocol }),
      ...(endpoint === undefined ? {} : { "sns:endpoint": endpoint }),
    }),
    run(input, { world, now }) {
      const topic = topicOf(world, input.TopicArn);
      const { Protocol: protocol = "", Endpoint: endpoint = "" } = input;
      const kind = own(protocols, protocol);
      if (kind === undefined) throw wrong("Does not support this protocol string");
      if (!kind.pattern.test(endpoint)) throw wrong(`${protocol} endpoint`);
      forgetUnconfirmed(world, now);
      const subscription =
        find(world, topic.arn, protocol, endpoint) ??
        add(world, topic.arn, protocol, endpoint, now, !kind.asks);
      if (!subscription.confirmed) askToConfirm(world, subscription, now);
      const told = subscription.confirmed || input.ReturnSubscriptionArn === true;
      return { SubscriptionArn: told ? subscription.arn : "pending confirmation" };
    },
  }),
  ConfirmSubscription: operation({
    shape: { TopicArn: "string", Token: "string", AuthenticateOnUnsubscribe: "string" },
    changes: true,
    resource: ofTopic,
    run({ TopicArn, Token: token }, { world, now }) {
      const topic = topicOf(world, TopicArn);
      forgetUnconfirmed(world, now);
      const subscription = Object.values(world.subscriptions).find(
        (each) => each.topic === topic.arn && each.token === token,
      );
      if (subscription === undefined) throw wrong("Token");
      subscription.confirmed = true;
      return { SubscriptionArn: subscription.arn };
    },
  }),
  Unsubscribe: operation({
    shape: { SubscriptionArn: "string" },
    changes: true,
    resource: ({ SubscriptionArn: arn }) => arn ?? "*",
    run({ SubscriptionArn: arn = "" }, { world }) {
      const subscription = own(world.subscriptions, arn);
      if (!arn.startsWith("arn:"))
        throw wrong("SubscriptionArn Reason: An ARN must have at least 6 elements");
      if (subscription?.confirmed === false)
        throw wrong("This operation is not supported for pending subscriptions");
      delete world.subscriptions[arn];
    },
  }),
  ListSubscriptionsByTopic: operation({
    shape: { TopicArn: "string", NextToken: "string" },
    changes: false,
    resource: ofTopic,
    run({ TopicArn: arn, NextToken: nextToken }, { world, now }) {
      const topic = topicOf(world, arn);
      forgetUnconfirmed(world, now);
      const found = Object.values(world.subscriptions).filter((each) => each.topic === topic.arn);
      const page = pageOf(world, "ListSubscriptionsByTopic", arn, nextToken, found);
      return { Subscriptions: page.things.map((each) => told(world, each)), NextToken: page.nextToken };
    },
  }),
  ListSubscriptions: operation({
    shape: { NextToken: "string" },
    changes: false,
    run({ NextToken: nextToken }, { world, now }) {
      forgetUnconfirmed(world, now);
      const found = Object.values(world.subscriptions);
      const page = pageOf(world, "ListSubscriptions", null, nextToken, found);
      return { Subscriptions: page.things.map((each) => told(world, each)), NextToken: page.nextToken };
    },
  }),
};

function find(world: World, topic: string, protocol: string, endpoint: string): Subscription | undefined {
  return Object.values(world.subscriptions).find(
    (each) => each.topic === topic && each.protocol === protocol && each.endpoint === endpoint,
  );
}

function add(
  world: World,
  topic: string,
  protocol: string,
  endpoint: string,
  now: number,
  confirmed: boolean,
): Subscription {
  const seed = `subscription/${world.settings.seed}/${++world.sequence}`;
  const arn = `${topic}:${uuid(seed)}`;
  const token = `${digest(`token/${seed}`)}${digest(seed)}`;
  const subscription = { arn, topic, protocol, endpoint, token, confirmed, createdAt: now };
  world.subscriptions[arn] = subscription;
  return subscription;
}

function forgetUnconfirmed(world: World, now: number): void {
  for (const each of Object.values(world.subscriptions))
    if (!each.confirmed && each.createdAt + patience <= now) delete world.subscriptions[each.arn];
}

function told(world: World, each: Subscription): Record<string, string> {
  return {
    SubscriptionArn: each.confirmed ? each.arn : "PendingConfirmation",
    Owner: world.settings.account,
    Protocol: each.protocol,
    Endpoint: each.endpoint,
    TopicArn: each.topic,
  };
}
