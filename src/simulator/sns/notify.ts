import { uuid } from "../ids.ts";
import type { World } from "../world.ts";
import type { Delivery, DeliveryOutcome, Subscription, Topic } from "./topic.ts";

/** A message that a topic has taken. */
export interface Message {
  publisher: string;
  subject: string | null;
  text: string;
  /** Simulated milliseconds. */
  at: number;
}

/** Gives a message to every confirmed subscriber. @returns its id. */
export function notify(world: World, topic: Topic, message: Message): string {
  const messageId = newMessageId(world);
  const subscribers = Object.values(world.subscriptions).filter(
    (each) => each.topic === topic.arn && each.confirmed,
  );
  for (const subscriber of subscribers) record(world, topic.arn, message, messageId, subscriber, null, null);
  return messageId;
}

/** Notes a message that never came into the topic. */
export function lose(
  world: World,
  topic: string,
  message: Message,
  outcome: DeliveryOutcome,
  reason: string,
): void {
  record(world, topic, message, newMessageId(world), null, outcome, reason);
}

/** Asks an endpoint whether it wants to be subscribed. */
export function askToConfirm(world: World, subscription: Subscription, at: number): void {
  const text = `You have chosen to subscribe to the topic ${subscription.topic}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`;
  const message = { publisher: "sns.amazonaws.com", subject: null, text, at };
  const delivery = record(world, subscription.topic, message, newMessageId(world), subscription, null, null);
  delivery.type = "SubscriptionConfirmation";
  delivery.token = subscription.token;
}

function newMessageId(world: World): string {
  return uuid(`message/${world.settings.seed}/${++world.sequence}`);
}

function record(
  world: World,
  topic: string,
  message: Message,
  messageId: string,
  subscription: Subscription | null,
  outcome: DeliveryOutcome,
  reason: string | null,
): Delivery {
  const delivery: Delivery = {
    number: (world.deliveries.at(-1)?.number ?? 0) + 1,
    time: new Date(message.at).toISOString(),
    type: "Notification",
    publisher: message.publisher,
    topic,
    subscription: subscription?.arn ?? null,
    protocol: subscription?.protocol ?? null,
    endpoint: subscription?.endpoint ?? null,
    messageId,
    subject: message.subject,
    message: message.text,
    token: null,
    outcome,
    reason,
  };
  world.deliveries.push(delivery);
  return delivery;
}
