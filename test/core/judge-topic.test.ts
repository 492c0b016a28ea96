import { describe, expect, test } from "vitest";
import { type JudgedTopic, judgePlace, judgeTopic } from "../../src/core/judge-topic.ts";

const arn = "arn:aws:sns:eu-central-1:111122223333:backups";
const account = "111122223333";
const place = { partition: "aws", region: "eu-central-1", account };
const service = { Service: "cloudwatch.amazonaws.com" };
const allow = (change: object = {}) => ({
  Effect: "Allow",
  Principal: service,
  Action: "sns:Publish",
  Resource: arn,
  ...change,
});

function judged(statements: readonly object[], change: Partial<JudgedTopic> = {}): string[] {
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  return judgeTopic({ arn, policy, confirmed: 1, pending: 0, ...change }, place).map(({ what }) => what);
}

const source = (value: unknown) => ({ Condition: { ArnLike: { "aws:SourceArn": value } } });

describe("CloudWatch may publish", () => {
  test.each<[string, object[]]>([
    ["by its name", [allow()]],
    ["among others", [allow({ Principal: { Service: ["events.amazonaws.com", service.Service] } })]],
    ["by a wildcard", [allow({ Action: ["sns:Get*", "SNS:*"] })]],
    ["as of this account's alarms", [allow(source(`arn:aws:cloudwatch:eu-central-1:${account}:alarm:*`))]],
    [
      "by the policy that AWS gives a topic",
      [
        allow({
          Principal: { AWS: "*" },
          Condition: { StringEquals: { "AWS:SourceOwner": account } },
        }),
      ],
    ],
    [
      "though all are denied without TLS",
      [
        allow(),
        {
          ...allow(),
          Effect: "Deny",
          Principal: "*",
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    ],
  ])("%s", (_, statements) => {
    expect(judged(statements)).toEqual([]);
  });

  test.each<[string, object[]]>([
    ["where nothing is said", []],
    ["where others may", [allow({ Principal: { Service: "events.amazonaws.com" } })]],
    ["where the account's root may", [allow({ Principal: { AWS: `arn:aws:iam::${account}:root` } })]],
    ["where it may subscribe", [allow({ Action: "sns:Subscribe" })]],
    ["of another account", [allow({ Condition: { StringEquals: { "aws:SourceAccount": "999999999999" } } })]],
    ["as what only EventBridge is", [allow(source("arn:aws:events:eu-central-1:111122223333:rule/x"))]],
    ["of another region", [allow(source("arn:aws:cloudwatch:us-east-1:*"))]],
    [
      "for one alarm of somebody else",
      [allow(source(`arn:aws:cloudwatch:eu-central-1:${account}:alarm:other`))],
    ],
    ["where it is denied", [allow(), { ...allow(), Effect: "Deny" }]],
  ])("not %s", (_, statements) => {
    expect(judged(statements)).toEqual([expect.stringMatching(/CloudWatch/)]);
  });
});

test("the command keeps the statements that are there and adds one", () => {
  const others = allow({ Sid: "others", Principal: { Service: "events.amazonaws.com" } });
  const policy = JSON.stringify({ Statement: [others] });
  const [finding] = judgeTopic({ arn, policy, confirmed: 1, pending: 0 }, place);
  const text = /--attribute-value '(.*)'$/.exec(finding?.command ?? "")?.[1] ?? "";
  const { Statement } = JSON.parse(text) as { Statement: object[] };
  expect(Statement[0]).toEqual(others);
  expect(judged(Statement)).toEqual([]);
});

describe("the key of an encrypted topic", () => {
  const keyPolicy = (...statements: object[]) => JSON.stringify({ Statement: statements });
  const uses = allow({ Action: ["kms:Decrypt", "kms:GenerateDataKey*"], Resource: "*" });

  test.each<[string, Partial<JudgedTopic>, RegExp | undefined]>([
    ["is AWS's own", { kmsKey: "alias/aws/sns" }, /alias\/aws\/sns/],
    ["lets CloudWatch use it", { kmsKey: "alias/x", keyPolicy: keyPolicy(uses) }, undefined],
    ["lets it use all of KMS", { kmsKey: "k", keyPolicy: keyPolicy(allow({ Action: "kms:*" })) }, undefined],
    [
      "lets it only decrypt",
      { kmsKey: "k", keyPolicy: keyPolicy(allow({ Action: "kms:Decrypt" })) },
      /\(kms:GenerateDataKey\*\)/,
    ],
    [
      "lets only the account",
      {
        kmsKey: "k",
        keyPolicy: keyPolicy(allow({ Action: "kms:*", Principal: { AWS: "arn:aws:iam::1:root" } })),
      },
      /kms:Decrypt, kms:GenerateDataKey\*/,
    ],
    ["could not be read", { kmsKey: "k" }, undefined],
  ])("%s", (_, change, what) => {
    expect(judged([allow()], change)).toEqual(what === undefined ? [] : [expect.stringMatching(what)]);
  });
});

describe("who hears of it", () => {
  const who = (change: Partial<JudgedTopic>) => judged([allow()], change);

  test("nobody without a confirmed subscription", () => {
    expect(who({ confirmed: 0 })).toEqual([`the topic ${arn} has no subscription`]);
    const waits = { confirmed: 0, pending: 2, waiting: ["email a@example.com", "email b@example.com"] };
    expect(who(waits)).toEqual([`the topic ${arn} has no subscription that is confirmed (2 waiting)`]);
  });

  test("not those who have not confirmed theirs", () => {
    expect(who({ pending: 1, waiting: ["email two@example.com"] })).toEqual([
      `email two@example.com has not confirmed its subscription to ${arn}`,
    ]);
  });

  test("nobody in another region", () => {
    expect(judgePlace(arn, place)).toEqual([]);
    expect(judgePlace(arn, { ...place, region: "us-east-1" })).toMatchObject([
      { severity: "error", command: "aws sns list-topics --region us-east-1" },
    ]);
  });

  test("a policy that is none lets nobody publish", () => {
    const judgedOf = judgeTopic({ arn, policy: "{", confirmed: 1, pending: 0 }, place);
    expect(judgedOf).toMatchObject([
      { severity: "error", what: expect.stringMatching(/does not let CloudWatch/) },
    ]);
  });
});
