import { ApiError } from "../api-error.ts";
import { requestedTags } from "../ec2/condition-facts.ts";
import { type Operation, operation } from "../operations.ts";
import { own } from "../own.ts";
import { paginate } from "../pagination.ts";
import { readTags, refuseTooMany, tagShape } from "../tags.ts";
import type { World } from "../world.ts";
import type { Topic } from "./topic.ts";
import { checkPolicy, policyOf } from "./topic-policy.ts";

/** What the owner of a topic may set. */
const settable = [
  "Policy",
  "DisplayName",
  "DeliveryPolicy",
  "KmsMasterKeyId",
  "SignatureVersion",
  "TracingConfig",
  "HTTPSuccessFeedbackRoleArn",
  "HTTPFailureFeedbackRoleArn",
];

const wrong = (what: string) => new ApiError("InvalidParameter", `Invalid parameter: ${what}`);

/** The topic of that ARN. @throws ApiError NotFound */
export function topicOf(world: World, arn: string | undefined): Topic {
  if (arn === undefined || !/^arn:[^:]+:sns:[^:]+:\d{12}:[^:]+$/.test(arn)) throw wrong("TopicArn");
  const topic = own(world.topics, arn);
  if (topic === undefined) throw new ApiError("NotFound", "Topic does not exist", 404);
  return topic;
}

const arnOf = ({ TopicArn }: { TopicArn?: string | undefined }) => TopicArn ?? "*";

const taggedArn = ({ ResourceArn }: { ResourceArn?: string | undefined }) => ResourceArn ?? "*";

function tagged(world: World, arn: string | undefined): Topic {
  const topic = own(world.topics, arn ?? "");
  if (topic === undefined) throw new ApiError("ResourceNotFound", "Resource does not exist", 404);
  return topic;
}

/** The actions on topics and their tags. */
export const topicOperations: Readonly<Record<string, Operation>> = {
  CreateTopic: operation({
    shape: { Name: "string", Attributes: "map", Tags: tagShape },
    changes: true,
    needs: ({ Tags: tags }) => (tags.length > 0 ? ["sns:TagResource"] : []),
    resource: ({ Name: name = "" }, { world }) => topicArn(world, name),
    conditions: ({ Tags: tags }) => requestedTags(readTags(tags)),
    run: ({ Name: name = "", Attributes, Tags }, { world }) =>
      createTopic(world, name, Attributes ?? {}, Tags),
  }),
  // "This action is idempotent, so deleting a topic that does not exist does not result in an error."
  DeleteTopic: operation({
    shape: { TopicArn: "string" },
    changes: true,
    resource: arnOf,
    run({ TopicArn: arn = "" }, { world }) {
      delete world.topics[arn];
      for (const each of Object.values(world.subscriptions))
        if (each.topic === arn) delete world.subscriptions[each.arn];
    },
  }),
  ListTopics: operation({
    shape: { NextToken: "string" },
    changes: false,
    run({ NextToken: nextToken }, { world }) {
      const page = pageOf(world, "ListTopics", null, nextToken, Object.values(world.topics));
      return { Topics: page.things.map(({ arn }) => ({ TopicArn: arn })), NextToken: page.nextToken };
    },
  }),
  GetTopicAttributes: operation({
    shape: { TopicArn: "string" },
    changes: false,
    resource: arnOf,
    run: ({ TopicArn: arn }, { world }) => ({ Attributes: attributesOf(world, topicOf(world, arn)) }),
  }),
  SetTopicAttributes: operation({
    shape: { TopicArn: "string", AttributeName: "string", AttributeValue: "string" },
    changes: true,
    resource: arnOf,
    run({ TopicArn: arn, AttributeName: name = "", AttributeValue: value = "" }, { world }) {
      const topic = topicOf(world, arn);
      checkAttribute(name, value);
      if (value === "") delete topic.attributes[name];
      else topic.attributes[name] = value;
    },
  }),
  TagResource: operation({
    shape: { ResourceArn: "string", Tags: tagShape },
    changes: true,
    resource: taggedArn,
    conditions: ({ Tags: tags }) => requestedTags(readTags(tags)),
    run({ ResourceArn: arn, Tags: given }, { world }) {
      const topic = tagged(world, arn);
      const tags = { ...topic.tags, ...readTags(given) };
      refuseTooMany(tags);
      topic.tags = tags;
      return {};
    },
  }),
  UntagResource: operation({
    shape: { ResourceArn: "string", TagKeys: ["string"] },
    changes: true,
    resource: taggedArn,
    conditions: ({ TagKeys: keys }) => ({ "aws:tagkeys": keys }),
    run({ ResourceArn: arn, TagKeys: keys }, { world }) {
      const topic = tagged(world, arn);
      for (const key of keys) delete topic.tags[key];
      return {};
    },
  }),
  ListTagsForResource: operation({
    shape: { ResourceArn: "string" },
    changes: false,
    resource: taggedArn,
    run: ({ ResourceArn: arn }, { world }) => ({
      Tags: Object.entries(tagged(world, arn).tags).map(([Key, Value]) => ({ Key, Value })),
    }),
  }),
};

function topicArn(world: World, name: string): string {
  const { partition, region, account } = world.settings;
  return `arn:${partition}:sns:${region}:${account}:${name}`;
}

// "This action is idempotent, so if the requester already owns a topic with the specified name, that topic's ARN is
// returned without creating a new topic." With other attributes or tags it is refused.
function createTopic(
  world: World,
  name: string,
  attributes: Record<string, string>,
  givenTags: Parameters<typeof readTags>[0],
): { TopicArn: string } {
  if (!/^[A-Za-z0-9_-]{1,256}$/.test(name)) throw wrong("Topic Name");
  for (const [key, value] of Object.entries(attributes)) checkAttribute(key, value);
  const tags = readTags(givenTags);
  const arn = topicArn(world, name);
  const present = own(world.topics, arn);
  if (present === undefined) {
    world.topics[arn] = { arn, name, attributes: { ...attributes }, tags };
    return { TopicArn: arn };
  }
  const now = attributesOf(world, present);
  if (Object.entries(attributes).some(([key, value]) => (now.get(key) ?? "") !== value))
    throw wrong("Attributes Reason: Topic already exists with different attributes");
  const same = Object.entries(tags).every(([key, value]) => own(present.tags, key) === value);
  if (!same) throw wrong("Tags Reason: Topic already exists with different tags");
  return { TopicArn: arn };
}

function checkAttribute(name: string, value: string): void {
  if (!settable.includes(name)) throw wrong("AttributeName");
  if (name === "Policy" && value !== "") checkPolicy(value);
}

function attributesOf(world: World, topic: Topic): Map<string, string> {
  const own = Object.values(world.subscriptions).filter((each) => each.topic === topic.arn);
  const confirmed = own.filter((each) => each.confirmed).length;
  return new Map([
    ["TopicArn", topic.arn],
    ["Owner", world.settings.account],
    ["DisplayName", ""],
    ["SubscriptionsConfirmed", String(confirmed)],
    ["SubscriptionsPending", String(own.length - confirmed)],
    ["SubscriptionsDeleted", "0"],
    ...Object.entries(topic.attributes),
    ["Policy", policyOf(world, topic)],
  ]);
}

/** A page of 100, as all lists of SNS have it. */
export function pageOf<T extends { arn: string }>(
  world: World,
  action: string,
  fingerprint: unknown,
  nextToken: string | undefined,
  things: readonly T[],
): { things: T[]; nextToken: string | undefined } {
  return paginate(things, {
    action,
    fingerprint,
    maxResults: 100,
    nextToken,
    keyOf: ({ arn }) => arn,
    short: world.settings.shortPages,
    invalidToken: "InvalidParameter",
  });
}
