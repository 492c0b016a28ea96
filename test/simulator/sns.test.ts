import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DescribeAlarmHistoryCommand,
  DisableAlarmActionsCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
import {
  ConfirmSubscriptionCommand,
  CreateTopicCommand,
  DeleteTopicCommand,
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  ListSubscriptionsCommand,
  ListTagsForResourceCommand,
  ListTopicsCommand,
  PublishCommand,
  type PublishCommandInput,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
  TagResourceCommand,
  UnsubscribeCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-sns";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { keys, refusal, type Simulation, simulate } from "./simulate.ts";
import { subscriber } from "./subscriber.ts";

const account = "111122223333";
const arn = `arn:aws:sns:eu-central-1:${account}:backup`;
const alarmArn = `arn:aws:cloudwatch:eu-central-1:${account}:alarm:errors`;

const create = async ({ sns }: Simulation, Attributes?: Record<string, string>) =>
  (
    await sns.send(
      new CreateTopicCommand({ Name: "backup", ...(Attributes === undefined ? {} : { Attributes }) }),
    )
  ).TopicArn;

const subscribe = ({ sns }: Simulation, Protocol: string, Endpoint: string, ReturnSubscriptionArn = false) =>
  sns.send(new SubscribeCommand({ TopicArn: arn, Protocol, Endpoint, ReturnSubscriptionArn }));

const listed = async ({ sns }: Simulation) =>
  (await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: arn }))).Subscriptions ?? [];

const publish = ({ sns }: Simulation, change: Partial<PublishCommandInput> = {}) =>
  sns.send(new PublishCommand({ TopicArn: arn, Message: "a backup failed", ...change }));

const set = ({ sns }: Simulation, AttributeName: string, AttributeValue: string) =>
  sns.send(new SetTopicAttributesCommand({ TopicArn: arn, AttributeName, AttributeValue }));

/** An alarm that rings for missing data, with the topic for all of its states. */
const putAlarm = ({ cloudwatch }: Simulation, actions = [arn]) =>
  cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: "errors",
      AlarmDescription: "any error",
      Namespace: "Backup",
      MetricName: "Errors",
      Dimensions: [{ Name: "Server", Value: "i-1" }],
      Statistic: "Maximum",
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: "GreaterThanThreshold",
      TreatMissingData: "breaching",
      AlarmActions: actions,
      OKActions: actions,
      InsufficientDataActions: actions,
    }),
  );

const fine = ({ cloudwatch }: Simulation) =>
  cloudwatch.send(
    new PutMetricDataCommand({
      Namespace: "Backup",
      MetricData: [{ MetricName: "Errors", Value: 0, Dimensions: [{ Name: "Server", Value: "i-1" }] }],
    }),
  );

async function actions({ cloudwatch }: Simulation): Promise<string[]> {
  const { AlarmHistoryItems = [] } = await cloudwatch.send(
    new DescribeAlarmHistoryCommand({ AlarmName: "errors", HistoryItemType: "Action" }),
  );
  return AlarmHistoryItems.map((item) => item.HistorySummary ?? "");
}

describe("topics", () => {
  test("are made once, told, tagged and deleted", async () => {
    const simulation = await simulate();
    const { sns } = simulation;
    const Tags = [{ Key: "a", Value: "b" }];
    const made = await sns.send(new CreateTopicCommand({ Name: "backup", Tags }));
    expect(made.TopicArn).toBe(arn);
    expect(await create(simulation)).toBe(arn);
    expect((await sns.send(new ListTopicsCommand({}))).Topics).toEqual([{ TopicArn: arn }]);
    await sns.send(new TagResourceCommand({ ResourceArn: arn, Tags: [{ Key: "c", Value: "<&>" }] }));
    await sns.send(new UntagResourceCommand({ ResourceArn: arn, TagKeys: ["a"] }));
    const tags = await sns.send(new ListTagsForResourceCommand({ ResourceArn: arn }));
    expect(tags.Tags).toEqual([{ Key: "c", Value: "<&>" }]);
    await sns.send(new DeleteTopicCommand({ TopicArn: arn }));
    await sns.send(new DeleteTopicCommand({ TopicArn: arn }));
    expect((await sns.send(new ListTopicsCommand({}))).Topics).toEqual([]);
    const gone = sns.send(new GetTopicAttributesCommand({ TopicArn: arn }));
    expect(await refusal(gone)).toMatchObject({ code: "NotFoundException", status: 404 });
  });

  test("begin with a policy for their account, and take another one", async () => {
    const simulation = await simulate();
    await create(simulation);
    const attributes = async () =>
      (await simulation.sns.send(new GetTopicAttributesCommand({ TopicArn: arn }))).Attributes ?? {};
    const first = await attributes();
    expect(first).toMatchObject({ Owner: account, SubscriptionsPending: "0", TopicArn: arn });
    expect(JSON.parse(first.Policy ?? "")).toMatchObject({ Id: "__default_policy_ID" });
    const policy = JSON.stringify({
      Statement: [{ Effect: "Allow", Principal: "*", Action: "SNS:Publish", Resource: arn }],
    });
    await set(simulation, "Policy", policy);
    await set(simulation, "KmsMasterKeyId", "alias/aws/sns");
    expect(await attributes()).toMatchObject({ Policy: policy, KmsMasterKeyId: "alias/aws/sns" });
  });

  test.each([
    ["Policy", "{"],
    ["Policy", '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}'],
    ["Policy", '{"Statement":[{"Effect":"Maybe","Principal":"*","Action":"sns:Publish","Resource":"*"}]}'],
    ["Colour", "red"],
  ])("refuse %s = %s", async (name, value) => {
    const simulation = await simulate();
    await create(simulation);
    expect(await refusal(set(simulation, name, value))).toMatchObject({ code: "InvalidParameterException" });
  });

  test("refuse a bad name, and other attributes or tags for one that is there", async () => {
    const simulation = await simulate();
    await create(simulation);
    const { sns } = simulation;
    for (const input of [
      { Name: "a b" },
      { Name: "backup", Attributes: { DisplayName: "x" } },
      { Name: "backup", Tags: [{ Key: "a", Value: "b" }] },
    ])
      expect(await refusal(sns.send(new CreateTopicCommand(input)))).toMatchObject({
        code: "InvalidParameterException",
      });
  });
});

describe("subscriptions", () => {
  test("of an HTTP endpoint are asked for, confirmed by its link, and get what is published", async () => {
    const simulation = await simulate();
    await create(simulation);
    const inbox = await subscriber();
    expect((await subscribe(simulation, "http", inbox.url)).SubscriptionArn).toBe("pending confirmation");
    await simulation.control.deliveries();
    expect(inbox.posted).toHaveLength(1);
    expect(inbox.posted[0]?.headers).toMatchObject({
      "x-amz-sns-message-type": "SubscriptionConfirmation",
      "x-amz-sns-topic-arn": arn,
      "content-type": "text/plain; charset=UTF-8",
    });
    const [subscription] = await listed(simulation);
    expect(subscription).toMatchObject({ Protocol: "http", Endpoint: inbox.url, Owner: account });
    expect(subscription?.SubscriptionArn).toMatch(new RegExp(`^${arn}:[0-9a-f-]{36}$`));

    const { MessageId } = await publish(simulation, { Subject: "backup failed" });
    await simulation.control.deliveries();
    expect(inbox.posted[1]?.headers).toMatchObject({
      "x-amz-sns-message-type": "Notification",
      "x-amz-sns-message-id": MessageId,
      "x-amz-sns-subscription-arn": subscription?.SubscriptionArn,
    });
    expect(inbox.posted[1]?.body).toEqual({
      Type: "Notification",
      MessageId,
      TopicArn: arn,
      Subject: "backup failed",
      Message: "a backup failed",
      Timestamp: "2026-03-01T02:00:00.000Z",
      SignatureVersion: "1",
      Signature: expect.stringMatching(/^[\w+/]{342}==$/),
      SigningCertURL: expect.stringMatching(/^https:\/\/sns\.eu-central-1\.amazonaws\.com\/.*\.pem$/),
      UnsubscribeURL: expect.stringContaining("Action=Unsubscribe"),
    });
    await fetch(inbox.posted[1]?.body.UnsubscribeURL ?? "");
    expect(await listed(simulation)).toEqual([]);
  });

  test("are pending until they are confirmed, with the right token, within two days", async () => {
    const simulation = await simulate();
    const { sns, control } = simulation;
    await create(simulation);
    await subscribe(simulation, "email", "ops@example.com");
    const pending = { SubscriptionArn: "PendingConfirmation", Endpoint: "ops@example.com" };
    expect(await listed(simulation)).toMatchObject([pending]);
    await publish(simulation);
    const [asked, ...rest] = await control.deliveries();
    expect([asked?.type, rest]).toEqual(["SubscriptionConfirmation", []]);
    const confirm = (Token: string) => sns.send(new ConfirmSubscriptionCommand({ TopicArn: arn, Token }));
    expect(await refusal(confirm("wrong"))).toMatchObject({ code: "InvalidParameterException" });
    const { SubscriptionArn } = await confirm(asked?.token ?? "");
    expect(await listed(simulation)).toMatchObject([{ ...pending, SubscriptionArn }]);
    await publish(simulation);
    expect((await control.deliveries(1)).map(({ protocol, outcome }) => [protocol, outcome])).toEqual([
      ["email", "delivered"],
    ]);
    await subscribe(simulation, "email", "late@example.com");
    await control.clock({ advance: "48h" });
    expect(await listed(simulation)).toHaveLength(1);
    await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
    expect((await sns.send(new ListSubscriptionsCommand({}))).Subscriptions).toEqual([]);
  });

  test("of a telephone need no confirmation; the control surface can give the others theirs", async () => {
    const simulation = await simulate();
    await create(simulation);
    expect((await subscribe(simulation, "sms", "+491701234567")).SubscriptionArn).toMatch(/^arn:/);
    expect((await subscribe(simulation, "email", "a@example.com", true)).SubscriptionArn).toMatch(/^arn:/);
    await simulation.control.confirm("a@example.com");
    expect((await listed(simulation)).map((each) => each.SubscriptionArn?.slice(0, 3))).toEqual([
      "arn",
      "arn",
    ]);
    await expect(simulation.control.confirm("b@example.com")).rejects.toThrow("no subscription");
  });

  test.each([
    ["pigeon", "loft"],
    ["http", "https://example.com"],
    ["email", "nobody"],
    ["sms", "call me"],
  ])("refuse %s to %s", async (protocol, endpoint) => {
    const simulation = await simulate();
    await create(simulation);
    expect(await refusal(subscribe(simulation, protocol, endpoint))).toMatchObject({
      code: "InvalidParameterException",
      status: 400,
    });
  });

  test("outside this machine are never called, and a failing one is tried four times", async () => {
    const simulation = await simulate();
    await create(simulation);
    const failing = await subscriber(false, 500);
    await subscribe(simulation, "http", "http://192.0.2.1/inbox");
    await subscribe(simulation, "http", failing.url);
    const deliveries = await simulation.control.deliveries();
    expect(deliveries.map(({ outcome }) => outcome)).toEqual(["not-sent", "failed"]);
    expect(deliveries[1]?.reason).toBe("the endpoint answered 500");
    expect(failing.posted).toHaveLength(4);
  });
});

describe("Publish refuses", () => {
  test.each<[string, Partial<PublishCommandInput>]>([
    ["an empty message", { Message: "" }],
    ["more than 256 KiB", { Message: "ä".repeat(131_073) }],
    ["a subject of 101 characters", { Subject: "s".repeat(101) }],
    ["a subject in two lines", { Subject: "a\nb" }],
    ["a subject beyond ASCII", { Subject: "Sicherung überfällig" }],
    ["a subject that begins with a space", { Subject: " a" }],
    ["JSON without a default", { Message: "{}", MessageStructure: "json" }],
  ])("%s", async (_, change) => {
    const simulation = await simulate();
    await create(simulation);
    expect(await refusal(publish(simulation, change))).toMatchObject({ code: "InvalidParameterException" });
  });

  test("nothing at the limits", async () => {
    const simulation = await simulate();
    await create(simulation);
    await publish(simulation, { Message: "ä".repeat(131_072), Subject: "s".repeat(100) });
  });

  test("an unknown topic, a denied principal, and one that the topic's policy denies", async () => {
    const simulation = await simulate({ deny: [{ action: "sns:Publish", principal: "*:user/other" }] });
    expect(await refusal(publish(simulation))).toMatchObject({ code: "NotFoundException", status: 404 });
    await create(simulation);
    await publish(simulation);
    await simulation.control.settings({ deny: [{ action: "sns:Publish" }] });
    expect(await refusal(publish(simulation))).toMatchObject({
      code: "AuthorizationErrorException",
      status: 403,
      message: expect.stringContaining(`sns:Publish on resource: ${arn}`),
    });
    await simulation.control.settings({ deny: [] });
    const Principal = { AWS: `arn:aws:iam::${account}:user/tester` };
    const statement = { Effect: "Deny", Principal, Action: "SNS:Publish", Resource: arn };
    await set(simulation, "Policy", JSON.stringify({ Statement: [statement] }));
    expect(await refusal(publish(simulation))).toMatchObject({ code: "AuthorizationErrorException" });
  });

  test("a topic whose key is not usable", async () => {
    const simulation = await simulate({ keys: [{ id: "1", aliases: ["alias/backup"] }] });
    await create(simulation, { KmsMasterKeyId: "alias/backup" });
    await publish(simulation);
    const states = { Disabled: "KMSDisabledException", PendingDeletion: "KMSInvalidStateException" };
    for (const [state, code] of Object.entries(states)) {
      await simulation.control.keys({ change: { key: "1", state } });
      expect(await refusal(publish(simulation))).toMatchObject({ code });
    }
    await simulation.control.keys({ change: { key: "1", state: "Enabled" } });
    await simulation.control.settings({ deny: [{ action: "kms:GenerateDataKey" }] });
    expect(await refusal(publish(simulation))).toMatchObject({ code: "KMSAccessDeniedException" });
    await set(simulation, "KmsMasterKeyId", "alias/nothing");
    expect(await refusal(publish(simulation))).toMatchObject({ code: "KMSNotFoundException" });
  });
});

describe("alarms", () => {
  test("send ALARM and OK to a subscriber, in order, when the clock leaps", async () => {
    const simulation = await simulate();
    await create(simulation);
    const inbox = await subscriber();
    await subscribe(simulation, "http", inbox.url);
    await simulation.control.deliveries();
    await putAlarm(simulation);
    await fine(simulation);
    await simulation.control.clock({ advance: "1h" });
    await fine(simulation);
    await simulation.control.clock({ advance: "1h" });
    expect(inbox.alarms()).toEqual([
      "errors: INSUFFICIENT_DATA -> OK",
      "errors: OK -> ALARM",
      "errors: ALARM -> OK",
      "errors: OK -> ALARM",
    ]);
    const { body } = inbox.posted[2] ?? expect.fail("no ALARM");
    expect(body.Subject).toBe('ALARM: "errors" in EU (Frankfurt)');
    expect(body.Timestamp).toBe("2026-03-01T02:04:00.000Z");
    expect(JSON.parse(body.Message ?? "")).toEqual({
      AlarmName: "errors",
      AlarmDescription: "any error",
      AWSAccountId: account,
      AlarmConfigurationUpdatedTimestamp: "2026-03-01T02:00:00.000+0000",
      NewStateValue: "ALARM",
      NewStateReason:
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [Breaching].",
      StateChangeTime: "2026-03-01T02:04:00.000+0000",
      Region: "EU (Frankfurt)",
      AlarmArn: alarmArn,
      OldStateValue: "OK",
      OKActions: [arn],
      AlarmActions: [arn],
      InsufficientDataActions: [arn],
      Trigger: {
        MetricName: "Errors",
        Namespace: "Backup",
        StatisticType: "Statistic",
        Statistic: "MAXIMUM",
        Unit: null,
        Dimensions: [{ value: "i-1", name: "Server" }],
        Period: 60,
        EvaluationPeriods: 1,
        ComparisonOperator: "GreaterThanThreshold",
        Threshold: 0,
        TreatMissingData: "breaching",
        EvaluateLowSampleCountPercentile: "",
      },
    });
    expect(await actions(simulation)).toEqual(Array(4).fill(`Successfully executed action ${arn}`));
  });

  test("send in the order of time, whatever the order in which alarms were made", async () => {
    const simulation = await simulate();
    await create(simulation);
    await subscribe(simulation, "sms", "+491701234567");
    const { cloudwatch } = simulation;
    for (const [AlarmName, Period] of Object.entries({ slow: 600, quick: 60, middle: 300 }))
      await cloudwatch.send(
        new PutMetricAlarmCommand({
          AlarmName,
          Namespace: "Backup",
          MetricName: "Errors",
          Dimensions: [{ Name: "Server", Value: "i-1" }],
          Statistic: "Maximum",
          Period,
          EvaluationPeriods: 1,
          Threshold: 0,
          ComparisonOperator: "GreaterThanThreshold",
          TreatMissingData: "breaching",
          AlarmActions: [arn],
        }),
      );
    await fine(simulation);
    await simulation.control.clock({ advance: "1d" });
    const sent = (await simulation.control.deliveries()).map(({ time, subject }) => [
      time.slice(11, 16),
      subject?.split('"')[1],
    ]);
    expect(sent).toEqual([
      ["02:04", "quick"],
      ["02:16", "middle"],
      ["02:31", "slow"],
    ]);
  });

  test("send with SetAlarmState too, once for each change, and not while actions are disabled", async () => {
    const simulation = await simulate();
    await create(simulation);
    await subscribe(simulation, "sms", "+491701234567");
    await putAlarm(simulation);
    const state = (StateValue: "ALARM" | "OK") =>
      simulation.cloudwatch.send(
        new SetAlarmStateCommand({ AlarmName: "errors", StateValue, StateReason: "a test" }),
      );
    await state("ALARM");
    await state("ALARM");
    await simulation.cloudwatch.send(new DisableAlarmActionsCommand({ AlarmNames: ["errors"] }));
    await state("OK");
    const deliveries = await simulation.control.deliveries();
    expect(deliveries.map(({ subject, publisher }) => [subject, publisher])).toEqual([
      ['ALARM: "errors" in EU (Frankfurt)', "cloudwatch.amazonaws.com"],
    ]);
  });

  test("with a clock that runs they ring without anybody calling", async () => {
    const simulation = await simulate({
      clock: { start: "2026-03-01T02:00:00Z", speed: 600 },
      accessKeys: [{ id: keys.accessKeyId, user: "tester" }],
    });
    await create(simulation);
    const inbox = await subscriber();
    await subscribe(simulation, "http", inbox.url);
    await simulation.control.deliveries();
    await putAlarm(simulation);
    await expect.poll(inbox.alarms, { timeout: 60_000 }).toContain("errors: INSUFFICIENT_DATA -> ALARM");
  });

  const statement = {
    Sid: "alarms",
    Effect: "Allow",
    Principal: { Service: "cloudwatch.amazonaws.com" },
    Action: "sns:Publish",
    Resource: arn,
  };
  const only = (Condition?: object, change: object = {}) =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ ...statement, ...change, ...(Condition === undefined ? {} : { Condition }) }],
    });
  const ownAlarms = `arn:aws:cloudwatch:eu-central-1:${account}:alarm:*`;

  test.each<[string, string, boolean]>([
    ["the service", only(), true],
    ["the service for alarms of the account", only({ ArnLike: { "aws:SourceArn": ownAlarms } }), true],
    ["the service for the account", only({ StringEquals: { "aws:SourceAccount": account } }), true],
    ["the service for another account", only({ StringEquals: { "aws:SourceAccount": "0" } }), false],
    [
      "the service for alarms of another name",
      only({ ArnLike: { "AWS:SourceArn": ownAlarms.replace("*", "x-*") } }),
      false,
    ],
    ["only another service", only(undefined, { Principal: { Service: "events.amazonaws.com" } }), false],
    ["only the account", only(undefined, { Principal: { AWS: `arn:aws:iam::${account}:root` } }), false],
    ["only subscribing", only(undefined, { Action: ["sns:Subscribe"] }), false],
    ["another topic only", only(undefined, { Resource: `${arn}2` }), false],
    [
      "the service under a condition that is not simulated",
      only({ IpAddress: { "aws:SourceIp": "::" } }),
      false,
    ],
  ])("a topic policy that allows %s: delivered %3$s", async (_, policy, arrives) => {
    const simulation = await simulate();
    await create(simulation, { Policy: policy });
    await subscribe(simulation, "sms", "+491701234567");
    await putAlarm(simulation);
    await simulation.control.clock({ advance: "1m" });
    const [delivery] = await simulation.control.deliveries();
    expect(delivery?.outcome).toBe(arrives ? "delivered" : "refused");
    const failed = `Failed to execute action ${arn}. Received error: "Resource: ${alarmArn} is not authorized to perform: SNS:Publish on resource: ${arn}"`;
    expect(await actions(simulation)).toEqual([arrives ? `Successfully executed action ${arn}` : failed]);
  });

  test("whose topic is gone fail, in the history only", async () => {
    const simulation = await simulate();
    await putAlarm(simulation);
    await simulation.control.clock({ advance: "1m" });
    expect(await actions(simulation)).toEqual([
      `Failed to execute action ${arn}. Received error: "Topic does not exist"`,
    ]);
  });

  const allow = { Effect: "Allow", Principal: { Service: "cloudwatch.amazonaws.com" }, Resource: "*" };
  const use = { ...allow, Action: ["kms:Decrypt", "kms:GenerateDataKey*"] };
  test.each<[string, Scenario["keys"], string, string]>([
    ["AWS's own key", [], "alias/aws/sns", "undecryptable"],
    ["a key as the console makes it", [{ aliases: ["alias/own"] }], "alias/own", "undecryptable"],
    [
      "a key that lets CloudWatch in",
      [{ aliases: ["alias/own"], policy: { Statement: [use] } }],
      "alias/own",
      "delivered",
    ],
    [
      "a key that lets CloudWatch decrypt only",
      [{ id: "1", policy: { Statement: [{ ...allow, Action: "kms:Decrypt" }] } }],
      "1",
      "undecryptable",
    ],
    [
      "a disabled key that lets CloudWatch in",
      [{ id: "1", state: "Disabled", policy: { Statement: [use] } }],
      "1",
      "undecryptable",
    ],
    ["a key that does not exist", [], "alias/nothing", "undecryptable"],
  ])("on a topic encrypted with %s", async (_, given, key, outcome) => {
    const simulation = await simulate({ ...(given === undefined ? {} : { keys: given }) });
    await create(simulation, { KmsMasterKeyId: key });
    await subscribe(simulation, "sms", "+491701234567");
    await putAlarm(simulation);
    await simulation.control.clock({ advance: "1m" });
    expect((await simulation.control.deliveries()).map((each) => each.outcome)).toEqual([outcome]);
    // Nobody is told.
    expect(await actions(simulation)).toEqual([`Successfully executed action ${arn}`]);
  });

  test("tell of a key in their history where the scenario wants it", async () => {
    const simulation = await simulate({ alarms: { tellKeyFaults: true } });
    await create(simulation, { KmsMasterKeyId: "alias/aws/sns" });
    await putAlarm(simulation);
    await simulation.control.clock({ advance: "1m" });
    expect(await actions(simulation)).toEqual([expect.stringContaining("encryption key")]);
  });
});

test("throttling, faults and the record of calls hold for SNS too", async () => {
  const simulation = await simulate();
  await create(simulation);
  simulation.control.faults([
    { kind: "throttle", service: "sns", index: 1 },
    { kind: "500", service: "sns", index: 2 },
    { kind: "expired", service: "sns", index: 3 },
  ]);
  expect(await refusal(publish(simulation))).toMatchObject({ code: "ThrottledException", status: 429 });
  expect(await refusal(publish(simulation))).toMatchObject({ code: "InternalErrorException", status: 500 });
  expect(await refusal(publish(simulation))).toMatchObject({ code: "ExpiredToken" });
  const tag = () => simulation.sns.send(new ListTagsForResourceCommand({ ResourceArn: arn }));
  const outcomes = await Promise.allSettled(Array.from({ length: 120 }, tag));
  const refused = outcomes.find((each) => each.status === "rejected");
  expect(refused?.reason).toMatchObject({ name: "ThrottledException" });
  expect(simulation.control.calls()[0]).toMatchObject({
    service: "sns",
    action: "CreateTopic",
    parameters: { Name: "backup" },
    outcome: { status: 200, code: "OK" },
  });
});

test("a client finds SNS by the environment alone", async () => {
  const { simulator } = await simulate();
  for (const [name, value] of Object.entries(simulator.environment)) vi.stubEnv(name, value);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const client = new SNSClient({ credentials: keys });
  expect((await client.send(new ListTopicsCommand({}))).Topics).toEqual([]);
  client.destroy();
});

describe("with a state directory", () => {
  async function directory(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), "simulator-test-"));
    onTestFinished(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  test("alarms, topics and subscriptions live on, and an alarm of the meantime is sent", async () => {
    const place = await directory();
    const first = await simulate({}, place);
    const inbox = await subscriber();
    await create(first);
    await subscribe(first, "http", inbox.url);
    await first.control.deliveries();
    await putAlarm(first);
    await first.simulator.close();
    const second = await simulate({}, place);
    await second.control.clock({ advance: "1m" });
    expect(inbox.alarms()).toEqual(["errors: INSUFFICIENT_DATA -> ALARM"]);
    expect((await listed(second)).map(({ Endpoint }) => Endpoint)).toEqual([inbox.url]);
    await second.simulator.close();
    const third = await simulate({}, place);
    await third.control.clock({ advance: "1m" });
    expect(inbox.alarms()).toHaveLength(1);
  });

  test("a state of before there were alarms goes on too", async () => {
    const place = await directory();
    const first = await simulate({}, place);
    await first.simulator.close();
    const file = join(place, "state.json");
    const saved = JSON.parse(await readFile(file, "utf8")) as { world: Record<string, unknown> };
    for (const kind of [
      "alarms",
      "alarmHistory",
      "dashboards",
      "topics",
      "subscriptions",
      "deliveries",
      "keys",
    ])
      delete saved.world[kind];
    const settings = saved.world.settings as Record<string, unknown>;
    delete settings.alarms;
    delete settings.lateMetrics;
    await writeFile(file, JSON.stringify(saved));
    const second = await simulate({}, place);
    await create(second);
    await putAlarm(second);
    await second.control.clock({ advance: "1m" });
    expect(await actions(second)).toEqual([`Successfully executed action ${arn}`]);
  });
});

test("the control surface over HTTP: keys, deliveries and confirmations", async () => {
  const simulation = await simulate({ keys: [{ id: "1" }] });
  await create(simulation);
  await subscribe(simulation, "email", "ops@example.com");
  const http = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${simulation.simulator.url}/_simulator/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as unknown };
  };
  expect(await http("GET", "deliveries")).toMatchObject({
    body: [{ number: 1, type: "SubscriptionConfirmation", protocol: "email", outcome: "delivered" }],
  });
  expect(await http("GET", "deliveries?since=1")).toEqual({ status: 200, body: [] });
  expect(await http("POST", "subscriptions", { confirm: "ops@example.com" })).toEqual({
    status: 200,
    body: { ids: [expect.stringContaining(arn)] },
  });
  expect(await http("POST", "subscriptions", {})).toMatchObject({ status: 400 });
  expect(await http("POST", "keys", { change: { key: "1", state: "Disabled" } })).toEqual({
    status: 200,
    body: { ids: ["1"] },
  });
  expect((await simulation.control.state()).keys["1"]?.state).toBe("Disabled");
});
