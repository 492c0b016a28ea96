import {
  type CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  type DescribeAlarmsCommandInput,
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListTagsForResourceCommand,
  type MetricAlarm,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  PutMetricDataCommand,
  SetAlarmStateCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-cloudwatch";
import { describe, expect, test } from "vitest";
import { codeIn, rawCall, refusal, type Simulation, simulate } from "./simulate.ts";

const start = Date.parse("2026-03-01T02:00:00Z");
const minutes = (count: number) => new Date(start + count * 60_000);
const topic = "arn:aws:sns:eu-central-1:111122223333:backup";

const standard: PutMetricAlarmCommandInput = {
  AlarmName: "errors",
  Namespace: "Backup",
  MetricName: "Errors",
  Statistic: "Maximum",
  Period: 300,
  EvaluationPeriods: 1,
  Threshold: 0,
  ComparisonOperator: "GreaterThanThreshold",
};

const put = (client: CloudWatchClient, change: Partial<PutMetricAlarmCommandInput> = {}) =>
  client.send(new PutMetricAlarmCommand({ ...standard, ...change }));

const publish = (client: CloudWatchClient, Value: number, Timestamp?: Date, MetricName = "Errors") =>
  client.send(
    new PutMetricDataCommand({
      Namespace: "Backup",
      MetricData: [{ MetricName, Value, ...(Timestamp === undefined ? {} : { Timestamp }) }],
    }),
  );

async function describeAlarms(client: CloudWatchClient, input: DescribeAlarmsCommandInput = {}) {
  return (await client.send(new DescribeAlarmsCommand(input))).MetricAlarms ?? [];
}

async function alarm(client: CloudWatchClient, name = "errors"): Promise<MetricAlarm> {
  const [found] = await describeAlarms(client, { AlarmNames: [name] });
  return found ?? expect.fail(`there is no alarm ${name}`);
}

const state = async (client: CloudWatchClient, name?: string) => (await alarm(client, name)).StateValue;

/** The changes of state, oldest first, as `02:05 OK`. */
async function changes({ cloudwatch }: Simulation, AlarmName = "errors"): Promise<string[]> {
  const { AlarmHistoryItems = [] } = await cloudwatch.send(
    new DescribeAlarmHistoryCommand({
      AlarmName,
      HistoryItemType: "StateUpdate",
      ScanBy: "TimestampAscending",
    }),
  );
  return AlarmHistoryItems.map(
    ({ Timestamp, HistorySummary }) =>
      `${Timestamp?.toISOString().slice(11, 16)} ${HistorySummary?.split(" ").at(-1)}`,
  );
}

test("an alarm is told as it was put, with what CloudWatch adds", async () => {
  const { cloudwatch } = await simulate();
  const given = {
    AlarmDescription: "any error",
    AlarmActions: [topic],
    OKActions: [topic],
    Dimensions: [{ Name: "Server", Value: "i-1" }],
    DatapointsToAlarm: 1,
    TreatMissingData: "breaching",
    Unit: "Count",
    EvaluationWindow: { WallClockWindow: { Timezone: "Europe/Berlin" } },
    WarmUpConfiguration: { WarmUpPeriodDurationInMinutes: 60 },
  } as const satisfies Partial<PutMetricAlarmCommandInput>;
  await put(cloudwatch, { ...given, AlarmActions: [topic], OKActions: [topic] });
  expect(await alarm(cloudwatch)).toEqual({
    ...standard,
    ...given,
    AlarmArn: "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:errors",
    AlarmConfigurationUpdatedTimestamp: minutes(0),
    ActionsEnabled: true,
    InsufficientDataActions: [],
    StateValue: "INSUFFICIENT_DATA",
    StateReason: "Unchecked: Initial alarm creation",
    StateUpdatedTimestamp: minutes(0),
    StateTransitionedTimestamp: minutes(0),
    EvaluationState: "IN_WARM_UP",
    WarmUpConfiguration: {
      WarmUpPeriodDurationInMinutes: 60,
      OnlyStartEvaluatingAfterWarmUpPeriodEnds: false,
    },
  });
});

test("an update leaves the state and the tags, and overwrites the rest", async () => {
  const { cloudwatch, control } = await simulate();
  const Tags = [{ Key: "job", Value: "default" }];
  await put(cloudwatch, {
    AlarmDescription: "first",
    TreatMissingData: "breaching",
    Tags,
    ActionsEnabled: false,
  });
  await control.clock({ advance: "1m" });
  expect(await state(cloudwatch)).toBe("ALARM");
  await put(cloudwatch, { Threshold: 7, TreatMissingData: "ignore", Tags: [{ Key: "other", Value: "x" }] });
  const after = await alarm(cloudwatch);
  expect(after).toMatchObject({ StateValue: "ALARM", Threshold: 7, ActionsEnabled: true });
  expect(after).not.toHaveProperty("AlarmDescription");
  const ResourceARN = after.AlarmArn;
  const tags = async () => (await cloudwatch.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags;
  expect(await tags()).toEqual(Tags);
  await cloudwatch.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: "a", Value: "b" }] }));
  await cloudwatch.send(new UntagResourceCommand({ ResourceARN, TagKeys: ["job"] }));
  expect(await tags()).toEqual([{ Key: "a", Value: "b" }]);
});

describe("PutMetricAlarm refuses", () => {
  const action = (index: number) => `${topic}${index}`;
  const cases: [string, Partial<PutMetricAlarmCommandInput>, string][] = [
    ["a period of 90 seconds", { Period: 90 }, "ValidationException"],
    ["no period", { Period: undefined }, "MissingRequiredParameterException"],
    ["more than a week", { Period: 86_400, EvaluationPeriods: 8 }, "ValidationException"],
    [
      "more than a day in periods below an hour",
      { Period: 3_540, EvaluationPeriods: 25 },
      "ValidationException",
    ],
    ["no evaluation period", { EvaluationPeriods: 0 }, "ValidationException"],
    ["2 of 1 data points", { DatapointsToAlarm: 2 }, "ValidationException"],
    ["a name of 256 characters", { AlarmName: "n".repeat(256) }, "ValidationException"],
    ["a control character in the name", { AlarmName: "a\tb" }, "ValidationException"],
    ["a description of 1,025 characters", { AlarmDescription: "d".repeat(1_025) }, "ValidationException"],
    ["six actions", { AlarmActions: [1, 2, 3, 4, 5, 6].map(action) }, "ValidationException"],
    ["an action that is no ARN", { OKActions: ["mail me"] }, "ValidationException"],
    [
      "a topic of another Region",
      { OKActions: [topic.replace("eu-central-1", "us-east-1")] },
      "ValidationException",
    ],
    [
      "51 tags",
      { Tags: Array.from({ length: 51 }, (_, index) => ({ Key: `k${index}`, Value: "" })) },
      "TagLimitExceeded",
    ],
    ["31 dimensions", { Dimensions: dimensions(31) }, "InvalidParameterValueException"],
    ["an unknown treatment", { TreatMissingData: "bad" }, "ValidationException"],
    ["an unknown comparison", { ComparisonOperator: "Equal" as "LessThanThreshold" }, "ValidationException"],
    ["an unknown unit", { Unit: "Furlongs" as "Count" }, "ValidationException"],
    [
      "a wall clock period of a quarter of an hour",
      { Period: 900, EvaluationWindow: { WallClockWindow: {} } },
      "ValidationException",
    ],
    [
      "an unknown zone",
      { EvaluationWindow: { WallClockWindow: { Timezone: "Mars/Olympus" } } },
      "ValidationException",
    ],
    [
      "a warm-up of more than two days",
      { WarmUpConfiguration: { WarmUpPeriodDurationInMinutes: 2_881 } },
      "ValidationException",
    ],
  ];
  test.each(cases)("%s", async (_, change, code) => {
    const { cloudwatch } = await simulate();
    expect(await refusal(put(cloudwatch, change))).toMatchObject({ code, status: 400 });
    expect(await describeAlarms(cloudwatch)).toEqual([]);
  });

  test("nothing at the very limits", async () => {
    const { cloudwatch } = await simulate();
    await put(cloudwatch, { AlarmName: "n".repeat(255), Period: 86_400, EvaluationPeriods: 7 });
    await put(cloudwatch, { Period: 3_540, EvaluationPeriods: 24, AlarmDescription: "d".repeat(1_024) });
    await put(cloudwatch, {
      Period: 10,
      EvaluationPeriods: 8_640,
      AlarmActions: [1, 2, 3, 4, 5].map(action),
    });
    expect(await describeAlarms(cloudwatch)).toHaveLength(2);
  });

  test("windows and warm-up where they are too new, or passes them over", async () => {
    const { cloudwatch, control } = await simulate({ alarms: { newParameters: "refused" } });
    const WarmUpConfiguration = { WarmUpPeriodDurationInMinutes: 5 };
    expect(await refusal(put(cloudwatch, { WarmUpConfiguration }))).toMatchObject({
      code: "ValidationException",
    });
    await control.settings({ alarms: { newParameters: "ignored" } });
    await put(cloudwatch, { WarmUpConfiguration });
    expect(await alarm(cloudwatch)).not.toHaveProperty("WarmUpConfiguration");
  });
});

function dimensions(count: number) {
  return Array.from({ length: count }, (_, index) => ({ Name: `d${index}`, Value: "v" }));
}

describe("DescribeAlarms", () => {
  test("by name, prefix, state and action, in pages", async () => {
    const { cloudwatch } = await simulate({ limits: false });
    for (const AlarmName of ["a/1", "a/2", "b/1"]) await put(cloudwatch, { AlarmName });
    await put(cloudwatch, { AlarmName: "b/2", AlarmActions: [topic] });
    const names = async (input: DescribeAlarmsCommandInput) =>
      (await describeAlarms(cloudwatch, input)).map(({ AlarmName }) => AlarmName);
    expect(await names({ AlarmNamePrefix: "a/" })).toEqual(["a/1", "a/2"]);
    expect(await names({ AlarmNames: ["b/1", "none"] })).toEqual(["b/1"]);
    expect(await names({ ActionPrefix: "arn:aws:sns" })).toEqual(["b/2"]);
    expect(await names({ StateValue: "OK" })).toEqual([]);
    expect(await names({ AlarmTypes: ["CompositeAlarm"] })).toEqual([]);
    const first = await cloudwatch.send(new DescribeAlarmsCommand({ MaxRecords: 3 }));
    const { NextToken } = first;
    const second = await cloudwatch.send(new DescribeAlarmsCommand({ MaxRecords: 3, NextToken }));
    expect([first.MetricAlarms?.length, second.MetricAlarms?.length, second.NextToken]).toEqual([
      3,
      1,
      undefined,
    ]);
    expect(
      await refusal(describeAlarms(cloudwatch, { AlarmNames: ["a"], AlarmNamePrefix: "a" })),
    ).toMatchObject({ code: "InvalidParameterCombinationException" });
    expect(await refusal(describeAlarms(cloudwatch, { MaxRecords: 101 }))).toMatchObject({ status: 400 });
  });
});

test("DeleteAlarms passes over unknown names, takes 100, and the history stays", async () => {
  const { cloudwatch } = await simulate();
  await put(cloudwatch);
  const remove = (AlarmNames: string[]) => cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames }));
  const many = Array.from({ length: 101 }, (_, index) => `n${index}`);
  expect(await refusal(remove(many))).toMatchObject({ code: "ValidationException" });
  await remove(["errors", ...many.slice(0, 99)]);
  expect(await describeAlarms(cloudwatch)).toEqual([]);
  const { AlarmHistoryItems } = await cloudwatch.send(new DescribeAlarmHistoryCommand({}));
  expect(AlarmHistoryItems?.map((item) => item.HistorySummary)).toEqual([
    'Alarm "errors" deleted',
    'Alarm "errors" created',
  ]);
});

test.each([
  ["PutMetricAlarm", 3, put],
  ["DescribeAlarms", 9, describeAlarms],
] as const)("an account has %s no more than %i times a second", async (_, rate, call) => {
  const { cloudwatch, control } = await simulate();
  // Real time refills: so many at once that the machine cannot be slow enough for all of them.
  const many = Array.from({ length: rate * 12 }, () => call(cloudwatch));
  const outcomes = (await Promise.allSettled(many)).map((each) =>
    each.status === "fulfilled" ? "OK" : (each.reason as Error).name,
  );
  expect(new Set(outcomes)).toEqual(new Set(["OK", "ThrottlingException"]));
  expect(outcomes.filter((each) => each === "OK").length).toBeGreaterThanOrEqual(rate);
  await control.clock({ advance: "1s" });
  await call(cloudwatch);
});

test("rights, faults and the record of calls hold for alarms too", async () => {
  const { cloudwatch, control } = await simulate({ deny: [{ action: "cloudwatch:TagResource" }] });
  const Tags = [{ Key: "a", Value: "b" }];
  expect(await refusal(put(cloudwatch, { Tags }))).toMatchObject({
    code: "AccessDeniedException",
    message: expect.stringContaining("cloudwatch:TagResource on resource: arn:aws:cloudwatch"),
  });
  await put(cloudwatch);
  await put(cloudwatch, { Tags });
  control.faults([{ kind: "500", service: "cloudwatch", action: "DescribeAlarms" }]);
  expect(await refusal(describeAlarms(cloudwatch))).toMatchObject({ code: "InternalServiceFault" });
  expect(control.calls().map(({ action, outcome }) => `${action} ${outcome?.code}`)).toEqual([
    "PutMetricAlarm AccessDenied",
    "PutMetricAlarm OK",
    "PutMetricAlarm OK",
    "DescribeAlarms InternalServiceError",
  ]);
});

describe("states", () => {
  test("ALARM with the data, and OK when it has left the range, in one leap of the clock", async () => {
    const simulation = await simulate();
    const { cloudwatch, control } = simulation;
    await put(cloudwatch, { TreatMissingData: "notBreaching" });
    await publish(cloudwatch, 2);
    await control.clock({ advance: "24h" });
    // Evaluated at each minute over 5 minutes, and 2 periods farther back: the point is gone after 15.
    expect(await changes(simulation)).toEqual(["02:01 ALARM", "02:16 OK"]);
    expect(await alarm(cloudwatch)).toMatchObject({
      StateValue: "OK",
      StateTransitionedTimestamp: minutes(16),
      StateReason:
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].",
    });
  });

  test("a new alarm on missing data rings within a minute when that is breaching, and waits when it warms up", async () => {
    const simulation = await simulate();
    const { cloudwatch, control } = simulation;
    const breaching = { TreatMissingData: "breaching", Period: 3_600, EvaluationPeriods: 3 };
    await put(cloudwatch, breaching);
    const WarmUpConfiguration = { WarmUpPeriodDurationInMinutes: 120 };
    await put(cloudwatch, { ...breaching, AlarmName: "warm", WarmUpConfiguration });
    await control.clock({ advance: "119m" });
    expect(await changes(simulation)).toEqual(["02:01 ALARM"]);
    expect(await alarm(cloudwatch, "warm")).toMatchObject({
      StateValue: "INSUFFICIENT_DATA",
      EvaluationState: "IN_WARM_UP",
    });
    await control.clock({ advance: "1m" });
    expect(await changes(simulation, "warm")).toEqual(["04:00 ALARM"]);
    expect(await alarm(cloudwatch, "warm")).not.toHaveProperty("EvaluationState");
  });

  test("warm-up ends when the window is full: published since 10:04, 15 minutes, at about 10:19", async () => {
    const simulation = await simulate({ clock: { start: "2026-03-01T10:00:00Z", speed: 0 } });
    const { cloudwatch, control } = simulation;
    for (const whole of [false, true])
      await put(cloudwatch, {
        AlarmName: whole ? "whole" : "errors",
        EvaluationPeriods: 3,
        WarmUpConfiguration: {
          WarmUpPeriodDurationInMinutes: 60,
          OnlyStartEvaluatingAfterWarmUpPeriodEnds: whole,
        },
      });
    await control.clock({ advance: "4m" });
    for (let index = 0; index < 60; index += 1) {
      await publish(cloudwatch, 0);
      await control.clock({ advance: "1m" });
    }
    expect(await changes(simulation)).toEqual(["10:19 OK"]);
    expect(await changes(simulation, "whole")).toEqual(["11:00 OK"]);
    // It comes once: what is put later starts no other.
    await put(cloudwatch, { WarmUpConfiguration: { WarmUpPeriodDurationInMinutes: 600 } });
    expect(await alarm(cloudwatch)).not.toHaveProperty("EvaluationState");
  });

  test("the dead man's alarm: later than period times number, because the range is wider", async () => {
    const simulation = await simulate();
    const { cloudwatch, control } = simulation;
    const shape = { Period: 3_600, TreatMissingData: "breaching", Threshold: 93_600 };
    await put(cloudwatch, { ...shape, EvaluationPeriods: 3, MetricName: "Age" });
    await publish(cloudwatch, 10, undefined, "Age");
    await control.clock({ advance: "12h" });
    // 3 hours, and 2 more in which the good value is still used.
    expect(await changes(simulation)).toEqual(["02:01 OK", "07:01 ALARM"]);
  });

  test("an alarm over days is evaluated once an hour, with data up to the full hour", async () => {
    const simulation = await simulate();
    const { cloudwatch, control } = simulation;
    await put(cloudwatch, {
      Period: 86_400,
      EvaluationPeriods: 3,
      DatapointsToAlarm: 1,
      TreatMissingData: "ignore",
    });
    await control.clock({ advance: "8h2m" });
    await publish(cloudwatch, 1);
    await control.clock({ set: "2026-03-01T10:59:59Z" });
    expect(await state(cloudwatch)).toBe("INSUFFICIENT_DATA");
    await control.clock({ advance: "1h" });
    expect(await state(cloudwatch)).toBe("ALARM");
  });

  test("a wall clock window of days sees a missed day at the next midnight of its zone, and no late run as missed", async () => {
    const simulation = await simulate({ clock: { start: "2026-03-27T12:00:00Z", speed: 0 } });
    const { cloudwatch, control } = simulation;
    await put(cloudwatch, {
      Period: 86_400,
      TreatMissingData: "breaching",
      EvaluationWindow: { WallClockWindow: { Timezone: "Europe/Berlin" } },
    });
    // Runs 30 hours apart, through the change of the clock, then none on the 31st.
    for (const time of ["2026-03-27T13:00", "2026-03-28T22:30", "2026-03-29T01:00", "2026-03-30T20:00"]) {
      await control.clock({ set: `${time}:00Z` });
      await publish(cloudwatch, 0);
    }
    await control.clock({ set: "2026-04-02T00:00:00Z" });
    const { AlarmHistoryItems = [] } = await cloudwatch.send(
      new DescribeAlarmHistoryCommand({ HistoryItemType: "StateUpdate", ScanBy: "TimestampAscending" }),
    );
    expect(AlarmHistoryItems.map((item) => [item.Timestamp?.toISOString(), item.HistorySummary])).toEqual([
      // The day before the alarm was made has no data.
      ["2026-03-27T12:01:00.000Z", "Alarm updated from INSUFFICIENT_DATA to ALARM"],
      ["2026-03-27T23:00:00.000Z", "Alarm updated from ALARM to OK"],
      ["2026-03-31T22:00:00.000Z", "Alarm updated from OK to ALARM"],
    ]);
  });

  test("SetAlarmState lasts until the next evaluation that knows better", async () => {
    const simulation = await simulate();
    const { cloudwatch, control } = simulation;
    await put(cloudwatch, { TreatMissingData: "notBreaching" });
    await control.clock({ advance: "1m" });
    const set = (StateValue: string, AlarmName = "errors", StateReasonData?: string) =>
      cloudwatch.send(
        new SetAlarmStateCommand({
          AlarmName,
          StateValue: StateValue as "OK",
          StateReason: "a test",
          ...(StateReasonData === undefined ? {} : { StateReasonData }),
        }),
      );
    await set("ALARM");
    expect(await alarm(cloudwatch)).toMatchObject({ StateValue: "ALARM", StateReason: "a test" });
    await control.clock({ advance: "1h" });
    expect(await changes(simulation)).toEqual(["02:01 OK", "02:01 ALARM", "02:02 OK"]);
    expect(await refusal(set("OK", "none"))).toMatchObject({ code: "ResourceNotFound", status: 404 });
    expect(await refusal(set("RED"))).toMatchObject({ code: "ValidationException" });
    expect(await refusal(set("OK", "errors", "{"))).toMatchObject({ code: "InvalidFormatFault" });
  });

  test("disabled actions are told, and the state goes on changing", async () => {
    const simulation = await simulate();
    const { cloudwatch, control } = simulation;
    await put(cloudwatch, { AlarmActions: [topic], TreatMissingData: "breaching" });
    await cloudwatch.send(new DisableAlarmActionsCommand({ AlarmNames: ["errors", "unknown"] }));
    await control.clock({ advance: "1m" });
    expect(await alarm(cloudwatch)).toMatchObject({ ActionsEnabled: false, StateValue: "ALARM" });
    await cloudwatch.send(new EnableAlarmActionsCommand({ AlarmNames: ["errors"] }));
    expect(await alarm(cloudwatch)).toMatchObject({ ActionsEnabled: true, StateValue: "ALARM" });
    await control.clock({ advance: "1h" });
    expect(await control.deliveries()).toEqual([]);
  });
});

test("the query protocol speaks of alarms too", async () => {
  const { simulator } = await simulate();
  const call = (parameters: Record<string, string>) =>
    rawCall(simulator, "monitoring", { Version: "2010-08-01", ...parameters });
  const made = await call({
    Action: "PutMetricAlarm",
    AlarmName: "a<b>",
    Namespace: "Backup",
    MetricName: "m",
    Statistic: "Sum",
    Period: "60",
    EvaluationPeriods: "1",
    Threshold: "0.5",
    ComparisonOperator: "GreaterThanThreshold",
    "AlarmActions.member.1": topic,
    "Dimensions.member.1.Name": "Server",
    "Dimensions.member.1.Value": "i",
  });
  expect([made.status, made.body]).toEqual([200, expect.stringContaining("<PutMetricAlarmResponse")]);
  const { body } = await call({ Action: "DescribeAlarms", "AlarmNames.member.1": "a<b>" });
  expect(body).toContain("<DescribeAlarmsResult><MetricAlarms><member><AlarmName>a&lt;b&gt;</AlarmName>");
  expect(body).toContain(`<AlarmActions><member>${topic}</member></AlarmActions>`);
  const wrong = await call({ Action: "PutMetricAlarm", AlarmName: "a", Period: "90" });
  expect([wrong.status, codeIn(wrong.body)]).toEqual([400, "MissingParameter"]);
});

describe("data points with old time stamps", () => {
  const read = async ({ cloudwatch }: Simulation, from: number, to: number) => {
    const range = { StartTime: minutes(from), EndTime: minutes(to) };
    const statistics = await cloudwatch.send(
      new GetMetricStatisticsCommand({
        Namespace: "Backup",
        MetricName: "Errors",
        Period: 3_600,
        Statistics: ["Sum"],
        ...range,
      }),
    );
    const Metric = { Namespace: "Backup", MetricName: "Errors" };
    const data = await cloudwatch.send(
      new GetMetricDataCommand({
        ...range,
        MetricDataQueries: [{ Id: "m", MetricStat: { Metric, Period: 3_600, Stat: "Sum" } }],
      }),
    );
    expect(data.MetricDataResults?.[0]?.Values).toHaveLength(statistics.Datapoints?.length ?? -1);
    return statistics.Datapoints?.length;
  };

  test.each([
    ["3 hours", 180, 0],
    ["more than 3 hours", 181, 2 * 60],
    ["just below 24 hours", 1_439, 2 * 60],
    ["24 hours", 1_440, 48 * 60],
    ["13 days", 13 * 1_440, 48 * 60],
  ])("of %s ago", async (_, age, delay) => {
    const simulation = await simulate();
    await publish(simulation.cloudwatch, 1, minutes(-age));
    if (delay > 0) {
      await simulation.control.clock({ advance: `${delay - 1}m` });
      expect(await read(simulation, -age - 60, -age + 60)).toBe(0);
      await simulation.control.clock({ advance: "1m" });
    }
    expect(await read(simulation, -age - 60, -age + 60)).toBe(1);
  });

  test("do not heal an alarm promptly", async () => {
    const simulation = await simulate();
    const { cloudwatch, control } = simulation;
    await put(cloudwatch, { Period: 3_600, EvaluationPeriods: 5, TreatMissingData: "breaching" });
    await control.clock({ advance: "10m" });
    await publish(cloudwatch, 0, minutes(-4 * 60));
    await control.clock({ advance: "2h" });
    expect(await changes(simulation)).toEqual(["02:01 ALARM", "04:10 OK"]);
  });

  test("are seen at once where the scenario wants it", async () => {
    const simulation = await simulate({ lateMetrics: false });
    await publish(simulation.cloudwatch, 1, minutes(-1_500));
    expect(await read(simulation, -1_560, -1_440)).toBe(1);
  });
});

test("60 days of 20 alarms are played in about a second", async () => {
  const simulation = await simulate({ limits: false });
  const { cloudwatch, control } = simulation;
  for (let index = 0; index < 20; index += 1)
    await put(cloudwatch, {
      AlarmName: `a${index}`,
      Period: index % 2 === 0 ? 3_600 : 300,
      EvaluationPeriods: 26,
      TreatMissingData: "breaching",
      Threshold: 5,
    });
  for (let index = 0; index < 60; index += 1) {
    await publish(cloudwatch, 1);
    await control.clock({ advance: "1d" });
  }
  const begun = performance.now();
  await control.clock({ advance: "60d" });
  console.log(`the last leap took ${Math.round(performance.now() - begun)} ms`);
  // 26 hours and 2 more after the last point, up to a full hour, and within the hour after that. History goes back 30 days.
  expect(await changes(simulation, "a0")).toEqual([expect.stringMatching(/^07:\d\d ALARM$/)]);
  expect((await changes(simulation, "a1")).at(-1)).toBe("04:21 ALARM");
});
