import { describe, expect, test } from "vitest";
import { aws, missing } from "./aws-cli.ts";
import { simulate } from "./simulate.ts";
import { subscriber } from "./subscriber.ts";

// Whether an AWS CLI must be there is told by the test of the other commands.
describe.skipIf(missing !== undefined && process.env.CI !== "true")("the AWS CLI", () => {
  const account = "111122223333";
  const topic = `arn:aws:sns:eu-central-1:${account}:backup`;
  const key = "1234abcd-12ab-34cd-56ef-1234567890ab";

  test("makes a topic, subscribes, puts an alarm and sees it ring", { timeout: 120_000 }, async () => {
    const simulation = await simulate();
    const inbox = await subscriber();
    const run = (command: string) => aws(simulation, command);
    expect(await run("sns create-topic --name backup --tags Key=a,Value=b")).toEqual({ TopicArn: topic });
    await run(
      `sns set-topic-attributes --topic-arn ${topic} --attribute-name DisplayName --attribute-value B`,
    );
    expect(await run(`sns get-topic-attributes --topic-arn ${topic}`)).toMatchObject({
      Attributes: { DisplayName: "B", Owner: account },
    });
    await run(`sns subscribe --topic-arn ${topic} --protocol http --notification-endpoint ${inbox.url}`);
    await simulation.control.deliveries();
    expect(await run(`sns list-subscriptions-by-topic --topic-arn ${topic}`)).toMatchObject({
      Subscriptions: [{ Protocol: "http", SubscriptionArn: expect.stringContaining(topic) }],
    });
    const metric =
      "--namespace Backup --metric-name Errors --statistic Maximum --dimensions Name=Server,Value=i";
    const rule = "--period 300 --evaluation-periods 3 --datapoints-to-alarm 2 --threshold 0";
    const comparison = "--comparison-operator GreaterThanThreshold --treat-missing-data breaching";
    await run(
      `cloudwatch put-metric-alarm --alarm-name errors ${metric} ${rule} ${comparison} --alarm-actions ${topic} --tags Key=c,Value=d`,
    );
    await simulation.control.clock({ advance: "1m" });
    const arn = `arn:aws:cloudwatch:eu-central-1:${account}:alarm:errors`;
    expect(await run("cloudwatch describe-alarms --alarm-name-prefix err --state-value ALARM")).toMatchObject(
      {
        MetricAlarms: [{ AlarmArn: arn, StateValue: "ALARM", DatapointsToAlarm: 2, ActionsEnabled: true }],
        CompositeAlarms: [],
      },
    );
    expect(inbox.alarms()).toEqual(["errors: INSUFFICIENT_DATA -> ALARM"]);
    const history = "cloudwatch describe-alarm-history --alarm-name errors";
    expect(await run(`${history} --history-item-type StateUpdate`)).toMatchObject({
      AlarmHistoryItems: [{ HistorySummary: "Alarm updated from INSUFFICIENT_DATA to ALARM" }],
    });
    await run("cloudwatch disable-alarm-actions --alarm-names errors");
    await run("cloudwatch set-alarm-state --alarm-name errors --state-value OK --state-reason test");
    expect(await run(`cloudwatch list-tags-for-resource --resource-arn ${arn}`)).toEqual({
      Tags: [{ Key: "c", Value: "d" }],
    });
    await run("cloudwatch delete-alarms --alarm-names errors");
    expect(await run("cloudwatch describe-alarms")).toEqual({ MetricAlarms: [], CompositeAlarms: [] });
    expect(inbox.alarms()).toHaveLength(1);
  });

  test.each<[string, string[], object | string]>([
    [
      "an alarm that is too long",
      "cloudwatch put-metric-alarm --alarm-name a --namespace n --metric-name m --statistic Sum --period 86400 --evaluation-periods 8 --threshold 1 --comparison-operator LessThanThreshold".split(
        " ",
      ),
      "(ValidationError)",
    ],
    [
      "an unknown alarm",
      "cloudwatch set-alarm-state --alarm-name a --state-value OK --state-reason r".split(" "),
      "(ResourceNotFound)",
    ],
    [
      "a dashboard",
      ["cloudwatch", "put-dashboard", "--dashboard-name", "d", "--dashboard-body", '{"widgets":[],"x":1}'],
      {
        DashboardValidationMessages: [{ DataPath: "/x", Message: "Should NOT have additional properties" }],
      },
    ],
    [
      "a dashboard that is none",
      ["cloudwatch", "put-dashboard", "--dashboard-name", "d", "--dashboard-body", "{}"],
      "(InvalidParameterInput)",
    ],
    ["an unknown topic", ["sns", "get-topic-attributes", "--topic-arn", topic], "(NotFound)"],
    ["a key", ["kms", "describe-key", "--key-id", "alias/own"], { KeyMetadata: { KeyState: "Disabled" } }],
    ["an unknown key", ["kms", "describe-key", "--key-id", "alias/x"], "(NotFoundException)"],
    [
      "a key policy",
      ["kms", "get-key-policy", "--key-id", key, "--policy-name", "default"],
      { Policy: expect.stringContaining("Statement") },
    ],
    ["aliases", ["kms", "list-aliases", "--key-id", key], { Aliases: [{ AliasName: "alias/own" }] }],
  ])("parses %s", { timeout: 60_000 }, async (_, command, expected) => {
    const simulation = await simulate({ keys: [{ id: key, aliases: ["alias/own"], state: "Disabled" }] });
    const answer = aws(simulation, command);
    if (typeof expected === "string")
      await expect(answer).rejects.toMatchObject({ stderr: expect.stringContaining(expected) });
    else expect(await answer).toMatchObject(expected);
  });
});
