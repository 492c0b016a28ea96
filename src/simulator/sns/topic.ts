/** A topic. */
export interface Topic {
  arn: string;
  name: string;
  /** As they were set: Policy, KmsMasterKeyId, DisplayName and the like. */
  attributes: Record<string, string>;
  tags: Record<string, string>;
}

/** A subscription, confirmed or not. */
export interface Subscription {
  /** Its ARN once it is confirmed. */
  arn: string;
  topic: string;
  protocol: string;
  endpoint: string;
  /** What confirms it. */
  token: string;
  confirmed: boolean;
  createdAt: number;
}

/**
 * What became of a message: on its way (null), delivered, failed at the endpoint, refused by the topic's policy, lost
 * because its publisher may not use the topic's key, or sent nowhere because nothing outside this machine is ever called.
 */
export type DeliveryOutcome = "delivered" | "failed" | "refused" | "undecryptable" | "not-sent" | null;

/** One message to one subscriber, or to none when it was lost before. AWS shows this to nobody. */
export interface Delivery {
  /** Counts from 1. */
  number: number;
  /** Simulated time, ISO 8601. */
  time: string;
  type: "Notification" | "SubscriptionConfirmation";
  /** Who published: `cloudwatch.amazonaws.com` or the ARN of a principal. */
  publisher: string;
  topic: string;
  subscription: string | null;
  protocol: string | null;
  endpoint: string | null;
  messageId: string;
  subject: string | null;
  message: string;
  /** Of a SubscriptionConfirmation: what confirms it. */
  token: string | null;
  outcome: DeliveryOutcome;
  /** Why it did not arrive. */
  reason: string | null;
}
