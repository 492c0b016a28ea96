import { expect, it } from "vitest";
import { judgeTopic } from "../../src/core/judge-topic.ts";
import { readTopicArn, topicArn } from "../../src/core/topic.ts";
import { topicPolicy } from "../../src/core/topic-policy.ts";

const place = { partition: "aws", region: "eu-central-1", account: "111122223333" };
const arn = topicArn(place, "backup");

it("of our own making is good, and lets nobody but the account and CloudWatch in", () => {
  const policy = topicPolicy(place, "backup");
  expect(judgeTopic({ arn, policy, confirmed: 1, pending: 0 }, place)).toEqual([]);
  expect(policy).not.toContain('"*"');
  expect(readTopicArn(arn)).toEqual({ ...place, name: "backup" });
});
