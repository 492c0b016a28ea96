import { digest } from "./ids.ts";
import type { Delivery } from "./sns/topic.ts";
import type { World } from "./world.ts";

/** Sends what SNS has taken to those who subscribed. */
export interface Outbox {
  /** Sends all that waits, one after the other; calls while it works are answered by the same work. */
  send(): Promise<void>;
  /** Cuts off what is under way, and sends no more. */
  close(): void;
}

/** How often an endpoint is tried ("3 retries without delay"), and how long each time: SNS waits 15 seconds. */
const attempts = 4;
const patience = 15_000;

/**
 * @param now the places and the simulator's address of this moment: both may change with a reset.
 * @param done called after each message.
 */
export function createOutbox(
  now: () => { places: { all: readonly World[] }; url: string },
  done: () => void,
): Outbox {
  const closing = new AbortController();
  let working: Promise<void> | undefined;
  const work = async () => {
    for (;;) {
      const { places, url } = now();
      const waits = ({ deliveries }: World) => deliveries.find((delivery) => delivery.outcome === null);
      const world = places.all.find((each) => waits(each) !== undefined);
      const next = world && waits(world);
      if (world === undefined || next === undefined || closing.signal.aborted) return;
      const { outcome, reason } = await deliver(world, next, url, closing.signal);
      if (closing.signal.aborted) return;
      Object.assign(next, { outcome, reason });
      done();
    }
  };
  return {
    send() {
      working ??= work().finally(() => {
        working = undefined;
      });
      return working;
    },
    close: () => closing.abort(),
  };
}

type Result = Pick<Delivery, "outcome" | "reason">;

async function deliver(world: World, delivery: Delivery, url: string, signal: AbortSignal): Promise<Result> {
  const { protocol, endpoint } = delivery;
  if (protocol === "email" || protocol === "email-json" || protocol === "sms")
    return { outcome: "delivered", reason: `nothing is sent; a real ${protocol} would be` };
  if (protocol !== "http" || endpoint === null || !isLoopback(endpoint))
    return { outcome: "not-sent", reason: "only HTTP endpoints on the loopback interface are called" };
  let reason = "";
  for (let attempt = 0; attempt < attempts && !signal.aborted; attempt += 1) {
    try {
      const response = await fetch(endpoint, {
        method: "POST",
        headers: headersOf(delivery),
        body: bodyOf(world, delivery, url),
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
      });
      await response.arrayBuffer();
      if (response.ok) return { outcome: "delivered", reason: null };
      reason = `the endpoint answered ${response.status}`;
    } catch (error) {
      const { message, cause } = error as Error;
      reason = `the endpoint cannot be reached: ${cause instanceof Error ? cause.message : message}`;
    }
  }
  return { outcome: "failed", reason };
}

function isLoopback(endpoint: string): boolean {
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : "";
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

function headersOf(delivery: Delivery): Record<string, string> {
  const { type, messageId, topic, subscription } = delivery;
  return {
    "content-type": "text/plain; charset=UTF-8",
    "user-agent": "Amazon Simple Notification Service Agent",
    "x-amz-sns-message-type": type,
    "x-amz-sns-message-id": messageId,
    "x-amz-sns-topic-arn": topic,
    ...(type === "Notification" && subscription !== null
      ? { "x-amz-sns-subscription-arn": subscription }
      : {}),
  };
}

/** The JSON that SNS posts. The signature is of the right form only, and its certificate does not exist. */
function bodyOf(world: World, delivery: Delivery, url: string): string {
  const { type, messageId, topic, subscription, subject, message, time, token } = delivery;
  const link = (action: string, parameters: Record<string, string>) =>
    `${url}/?${new URLSearchParams({ Action: action, ...parameters })}`;
  const links =
    type === "SubscriptionConfirmation"
      ? {
          Token: token,
          SubscribeURL: link("ConfirmSubscription", { TopicArn: topic, Token: token ?? "" }),
        }
      : { UnsubscribeURL: link("Unsubscribe", { SubscriptionArn: subscription ?? "" }) };
  return JSON.stringify({
    Type: type,
    MessageId: messageId,
    TopicArn: topic,
    ...(subject === null ? {} : { Subject: subject }),
    Message: message,
    Timestamp: time,
    SignatureVersion: "1",
    Signature: Buffer.from(digest(`signature/${messageId}`).repeat(8), "hex").toString("base64"),
    SigningCertURL: `https://sns.${world.settings.region}.amazonaws.com/SimpleNotificationService-${digest("certificate").slice(0, 32)}.pem`,
    ...links,
  });
}
