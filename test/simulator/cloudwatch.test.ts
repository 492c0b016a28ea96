import {
  type CloudWatchClient,
  GetMetricStatisticsCommand,
  type GetMetricStatisticsCommandInput,
  ListMetricsCommand,
  type ListMetricsCommandInput,
  type MetricDatum,
  PutMetricDataCommand,
} from "@aws-sdk/client-cloudwatch";
import { describe, expect, test } from "vitest";
import { decodeCbor, encodeCbor } from "../../src/simulator/cbor.ts";
import { authorization, codeIn, rawCall, refusal, simulate } from "./simulate.ts";

const now = Date.parse("2026-03-01T02:00:00Z");
const hours = (count: number) => new Date(now + count * 3_600_000);
const dimensions = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ Name: `d${index}`, Value: "v" }));

const put = (client: CloudWatchClient, datum: Partial<MetricDatum>, Namespace = "Backup") =>
  client.send(new PutMetricDataCommand({ Namespace, MetricData: [{ MetricName: "m", ...datum }] }));

const get = (client: CloudWatchClient, change: Partial<GetMetricStatisticsCommandInput> = {}) =>
  client.send(
    new GetMetricStatisticsCommand({
      Namespace: "Backup",
      MetricName: "m",
      StartTime: hours(-24),
      EndTime: hours(1),
      Period: 3_600,
      Statistics: ["Sum"],
      ...change,
    }),
  );

describe("PutMetricData refuses", () => {
  const cases: [string, Partial<MetricDatum>, string][] = [
    ["NaN", { Value: Number.NaN }, "InvalidParameterValue"],
    ["infinity", { Value: Number.POSITIVE_INFINITY }, "InvalidParameterValue"],
    ["a value beyond 2^360", { Value: 2 ** 361 }, "InvalidParameterValue"],
    ["no value", {}, "MissingRequiredParameter"],
    ["two kinds of value", { Value: 1, Values: [1] }, "InvalidParameterCombination"],
    ["an unknown unit", { Value: 1, Unit: "Furlongs" as "Count" }, "InvalidParameterValue"],
    ["31 dimensions", { Value: 1, Dimensions: dimensions(31) }, "InvalidParameterValue"],
    [
      "a dimension twice",
      { Value: 1, Dimensions: [...dimensions(1), ...dimensions(1)] },
      "InvalidParameterValue",
    ],
    ["an empty dimension", { Value: 1, Dimensions: [{ Name: "d", Value: "" }] }, "MissingRequiredParameter"],
    ["151 values", { Values: Array.from({ length: 151 }, (_, index) => index) }, "InvalidParameterValue"],
    ["counts that do not fit", { Values: [1, 2], Counts: [1] }, "InvalidParameterValue"],
    ["a time more than two weeks ago", { Value: 1, Timestamp: hours(-14 * 24 - 1) }, "InvalidParameterValue"],
    ["a time more than two hours ahead", { Value: 1, Timestamp: hours(2.1) }, "InvalidParameterValue"],
    ["a resolution of 7", { Value: 1, StorageResolution: 7 }, "InvalidParameterValue"],
    [
      "an incomplete statistic",
      { StatisticValues: { SampleCount: 1, Sum: 1, Minimum: 1, Maximum: Number.NaN } },
      "InvalidParameterValue",
    ],
    ["an empty name", { MetricName: "", Value: 1 }, "MissingRequiredParameter"],
    ["a name of 256 characters", { MetricName: "m".repeat(256), Value: 1 }, "InvalidParameterValue"],
  ];
  test.each(cases)("%s", async (_, datum, code) => {
    const { cloudwatch, control } = await simulate();
    expect(await refusal(put(cloudwatch, datum))).toMatchObject({ code: `${code}Exception`, status: 400 });
    expect((await control.state()).series).toEqual({});
  });

  test.each(["AWS/EC2", ":x", "n".repeat(256)])("the namespace %s", async (Namespace) => {
    const { cloudwatch } = await simulate();
    expect(await refusal(put(cloudwatch, { Value: 1 }, Namespace))).toMatchObject({
      code: "InvalidParameterValueException",
    });
  });

  test("1,001 metrics, and takes none of them", async () => {
    const { cloudwatch, control } = await simulate();
    const send = (count: number) => {
      const MetricData = Array.from({ length: count }, (_, index) => ({ MetricName: `m${index}`, Value: 1 }));
      return cloudwatch.send(new PutMetricDataCommand({ Namespace: "Backup", MetricData }));
    };
    expect(await refusal(send(1_001))).toMatchObject({ code: "InvalidParameterValueException" });
    expect((await control.state()).series).toEqual({});
    await send(1_000);
    expect(Object.keys((await control.state()).series)).toHaveLength(1_000);
  });

  test("all when one of them is wrong", async () => {
    const { cloudwatch, control } = await simulate();
    const MetricData = [
      { MetricName: "a", Value: 1 },
      { MetricName: "b", Value: Number.NaN },
    ];
    await refusal(cloudwatch.send(new PutMetricDataCommand({ Namespace: "Backup", MetricData })));
    expect((await control.state()).series).toEqual({});
  });
});

describe("GetMetricStatistics", () => {
  test("counts by period from the start, and keeps units apart", async () => {
    const { cloudwatch } = await simulate();
    await put(cloudwatch, { Value: 1, Unit: "Count", Timestamp: hours(-3) });
    await put(cloudwatch, { Value: 2, Unit: "Count", Timestamp: hours(-2.5) });
    await put(cloudwatch, { Value: 4, Unit: "Seconds", Timestamp: hours(-2.5) });
    await put(cloudwatch, { Value: 8, Unit: "Count", Timestamp: hours(-2) });
    const StartTime = new Date(hours(-3).getTime() + 30_000);
    const { Datapoints = [] } = await get(cloudwatch, { StartTime });
    const lines = Datapoints.map(({ Timestamp, Sum, Unit }) => [
      Timestamp?.toISOString().slice(11, 16),
      Sum,
      Unit,
    ]);
    expect(lines).toEqual([
      ["23:00", 3, "Count"],
      ["23:00", 4, "Seconds"],
      ["00:00", 8, "Count"],
    ]);
    expect((await get(cloudwatch, { Unit: "Seconds" })).Datapoints).toHaveLength(1);
  });

  test("takes dimensions exactly, in any order", async () => {
    const { cloudwatch } = await simulate();
    await put(cloudwatch, { Value: 1, Dimensions: dimensions(2) });
    expect((await get(cloudwatch)).Datapoints).toEqual([]);
    expect((await get(cloudwatch, { Dimensions: dimensions(1) })).Datapoints).toEqual([]);
    expect((await get(cloudwatch, { Dimensions: dimensions(2).reverse() })).Datapoints).toHaveLength(1);
  });

  test("a point without a time has the simulated one", async () => {
    const { cloudwatch, control } = await simulate();
    await control.clock({ advance: "14d" });
    await put(cloudwatch, { Value: 1 });
    const { Datapoints } = await get(cloudwatch, {
      StartTime: hours(14 * 24 - 1),
      EndTime: hours(14 * 24 + 1),
      Period: 60,
    });
    expect(Datapoints?.[0]?.Timestamp).toEqual(hours(14 * 24));
  });

  test.each([
    ["a period of 90 seconds", { Period: 90 }, "InvalidParameterValueException"],
    [
      "1,441 points",
      { StartTime: hours(-24), EndTime: hours(0.1), Period: 60 },
      "InvalidParameterCombinationException",
    ],
    ["an end before the start", { EndTime: hours(-25) }, "InvalidParameterCombinationException"],
    ["no statistic", { Statistics: [] }, "MissingRequiredParameterException"],
    ["an unknown statistic", { Statistics: ["Median" as "Sum"] }, "InvalidParameterValueException"],
    ["an unknown unit", { Unit: "Furlongs" as "Count" }, "InvalidParameterValueException"],
  ])("refuses %s", async (_, change, code) => {
    const { cloudwatch } = await simulate();
    expect(await refusal(get(cloudwatch, change as Partial<GetMetricStatisticsCommandInput>))).toMatchObject({
      code,
    });
  });
});

describe("ListMetrics", () => {
  test("by name and dimension, whatever its value", async () => {
    const { cloudwatch } = await simulate();
    for (const Value of ["1", "2"])
      await put(cloudwatch, {
        Value: 1,
        Dimensions: [
          { Name: "Server", Value },
          { Name: "Job", Value: "j" },
        ],
      });
    await put(cloudwatch, { MetricName: "other", Value: 1 }, "Elsewhere");
    const count = async (input: ListMetricsCommandInput) =>
      (await cloudwatch.send(new ListMetricsCommand(input))).Metrics?.length;
    expect(await count({})).toBe(3);
    expect(await count({ Namespace: "Backup", MetricName: "m" })).toBe(2);
    expect(await count({ Dimensions: [{ Name: "Server" }] })).toBe(2);
    expect(
      await count({
        Dimensions: [
          { Name: "Server", Value: "2" },
          { Name: "Job", Value: "j" },
        ],
      }),
    ).toBe(1);
    expect(await count({ MetricName: "nothing" })).toBe(0);
  });

  test("in pages of 500", async () => {
    const { cloudwatch } = await simulate();
    const MetricData = Array.from({ length: 600 }, (_, index) => ({ MetricName: `m${index}`, Value: 1 }));
    await cloudwatch.send(new PutMetricDataCommand({ Namespace: "Backup", MetricData }));
    const first = await cloudwatch.send(new ListMetricsCommand({}));
    const second = await cloudwatch.send(new ListMetricsCommand({ NextToken: first.NextToken }));
    expect([first.Metrics?.length, second.Metrics?.length, second.NextToken]).toEqual([500, 100, undefined]);
    const wrong = cloudwatch.send(
      new ListMetricsCommand({ NextToken: first.NextToken, Namespace: "Backup" }),
    );
    expect(await refusal(wrong)).toMatchObject({ code: "InvalidNextToken" });
  });

  test("knows a new metric only after a while, and an idle one not as recently active", async () => {
    const { cloudwatch, control } = await simulate({ metricsListedAfter: 900 });
    const count = async (recent: boolean) =>
      (await cloudwatch.send(new ListMetricsCommand(recent ? { RecentlyActive: "PT3H" } : {}))).Metrics
        ?.length;
    await put(cloudwatch, { Value: 1 });
    expect(await count(false)).toBe(0);
    await control.clock({ advance: "15m" });
    expect([await count(false), await count(true)]).toEqual([1, 1]);
    await control.clock({ advance: "3h" });
    expect([await count(false), await count(true)]).toEqual([1, 0]);
  });
});

describe("the other protocols", () => {
  test("Query: put, read and list, and be refused", async () => {
    const { simulator } = await simulate();
    const call = (parameters: Record<string, string>) =>
      rawCall(simulator, "monitoring", { Version: "2010-08-01", ...parameters });
    const metric = {
      Namespace: "Backup",
      "MetricData.member.1.MetricName": "m",
      "MetricData.member.1.Unit": "Count",
    };
    const dimension = {
      "MetricData.member.1.Dimensions.member.1.Name": "Server",
      "MetricData.member.1.Dimensions.member.1.Value": "i",
    };
    const put = {
      Action: "PutMetricData",
      ...metric,
      ...dimension,
      "MetricData.member.1.Timestamp": "2026-03-01T01:00:00Z",
    };
    const good = await call({ ...put, "MetricData.member.1.Value": "2.5" });
    expect([good.status, good.body]).toEqual([200, expect.stringContaining("<PutMetricDataResponse")]);
    const bad = await call({ ...put, "MetricData.member.1.Value": "NaN" });
    expect([bad.status, codeIn(bad.body)]).toEqual([400, "InvalidParameterValue"]);
    const list = await call({ Action: "ListMetrics", "Dimensions.member.1.Name": "Server" });
    expect(list.body).toContain("<ListMetricsResult><Metrics><member><Namespace>Backup</Namespace>");
    const range = { StartTime: "2026-03-01T00:00:00Z", EndTime: "2026-03-01T02:00:00Z", Period: "3600" };
    const names = {
      Namespace: "Backup",
      MetricName: "m",
      "Dimensions.member.1.Name": "Server",
      "Dimensions.member.1.Value": "i",
    };
    const read = await call({
      Action: "GetMetricStatistics",
      ...names,
      ...range,
      "Statistics.member.1": "Average",
    });
    expect(read.body).toContain(
      "<Timestamp>2026-03-01T01:00:00.000Z</Timestamp><Average>2.5</Average><Unit>Count</Unit>",
    );
    expect(codeIn((await call({ Action: "DeleteEverything" })).body)).toBe("InvalidAction");
  });

  test("CBOR: put and read, and be refused", async () => {
    const { simulator } = await simulate();
    const call = async (operation: string, input: unknown) => {
      const response = await fetch(
        `${simulator.url}/service/GraniteServiceVersion20100801/operation/${operation}`,
        {
          method: "POST",
          headers: {
            "content-type": "application/cbor",
            "smithy-protocol": "rpc-v2-cbor",
            "x-amz-date": "20260301T020000Z",
            authorization: authorization({ service: "monitoring" }),
          },
          body: new Uint8Array(encodeCbor(input)),
        },
      );
      const body = decodeCbor(Buffer.from(await response.arrayBuffer()));
      return {
        status: response.status,
        body,
        protocol: response.headers.get("smithy-protocol"),
        error: response.headers.get("x-amzn-query-error"),
      };
    };
    const datum = { MetricName: "m", Value: 0.5, Timestamp: hours(-1) };
    expect(await call("PutMetricData", { Namespace: "Backup", MetricData: [datum] })).toMatchObject({
      status: 200,
      body: {},
      protocol: "rpc-v2-cbor",
    });
    const range = { StartTime: hours(-2), EndTime: hours(0), Period: 3_600, Statistics: ["Maximum"] };
    const read = await call("GetMetricStatistics", { Namespace: "Backup", MetricName: "m", ...range });
    expect(read.body).toEqual({
      Label: "m",
      Datapoints: [{ Timestamp: hours(-1), Maximum: 0.5, Unit: "None" }],
    });
    expect(await call("PutMetricData", { Namespace: "AWS/X", MetricData: [datum] })).toMatchObject({
      status: 400,
      error: "InvalidParameterValue;Sender",
      body: { __type: "com.amazonaws.cloudwatch.v2010_08_01#InvalidParameterValueException" },
    });
  });

  test("a body that is none of its kind is refused", async () => {
    const { simulator } = await simulate();
    const response = await fetch(simulator.url, {
      method: "POST",
      headers: {
        "x-amz-target": "GraniteServiceVersion20100801.ListMetrics",
        "x-amz-date": "20260301T020000Z",
        authorization: authorization({ service: "monitoring" }),
      },
      body: "{",
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ __type: "SerializationException" });
  });
});

test("a zipped body is understood", async () => {
  const { cloudwatch, control } = await simulate();
  // The SDK zips what is longer than 10 KiB.
  const MetricData = Array.from({ length: 300 }, (_, index) => ({
    MetricName: `metric number ${index}`,
    Value: index,
    Unit: "Count" as const,
  }));
  let encoding: string | undefined;
  cloudwatch.middlewareStack.add(
    (next) => (given) => {
      encoding = (given.request as { headers: Record<string, string> }).headers["content-encoding"];
      return next(given);
    },
    { step: "finalizeRequest", priority: "low" },
  );
  await cloudwatch.send(new PutMetricDataCommand({ Namespace: "Backup", MetricData }));
  expect(encoding).toBe("gzip");
  expect(Object.keys((await control.state()).series)).toHaveLength(300);
});
