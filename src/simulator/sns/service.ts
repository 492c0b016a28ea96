import { ApiError } from "../api-error.ts";
import { snsRates } from "../buckets.ts";
import type { ServiceTable } from "../operations.ts";
import { publish } from "./publish.ts";
import { subscriptionOperations } from "./subscriptions.ts";
import { topicOperations } from "./topics.ts";

/** SNS: topics, subscriptions and what is published. */
export const sns: ServiceTable = {
  service: "sns",
  operations: { ...topicOperations, ...subscriptionOperations, Publish: publish },
  rates: snsRates,
  unknownAction: (action) =>
    new ApiError("InvalidAction", `The action ${action} is not valid for this endpoint.`),
};

/** What anybody who has the link may do, without a signature: the links in messages. */
export const linkActions: readonly string[] = ["ConfirmSubscription", "Unsubscribe"];
