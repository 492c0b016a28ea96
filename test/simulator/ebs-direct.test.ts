import { CreateSnapshotCommand } from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { aws, missing } from "./aws-cli.ts";
import { authorization, data, keys, type Simulation, simulate } from "./simulate.ts";

const GIB = 1_073_741_824;
const snap = (digit: string) => `snap-0000000000000000${digit}`;
const day = (number: number) => new Date(Date.UTC(2026, 1, number)).toISOString();

/** Three snapshots of a volume that is half full, a day from the first to the second and six more to the third. */
const scenario: Scenario = {
  changedPerDay: 0.02,
  snapshots: [
    ...["1", "2", "8"].map((digit) => ({
      id: snap(digit),
      volumeId: data,
      volumeSize: 100,
      fullSizeBytes: 50 * GIB,
      startTime: day(Number(digit)),
      tags: { Backup: "yes" },
    })),
    { id: snap("3"), volumeId: "vol-00000000000000003", volumeSize: 1 },
    { id: snap("4"), volumeId: data, state: "pending" },
    {
      id: snap("5"),
      volumeId: "vol-ffffffff",
      volumeSize: 100,
      fullSizeBytes: 50 * GIB,
      startTime: day(9),
      copyOf: { region: "eu-central-1", snapshotId: snap("8"), volumeId: data, captured: day(8) },
    },
  ],
};
const blocksADay = (50 * GIB) / 524_288 / 50;

interface Answer {
  status: number;
  error: string | null;
  body: {
    BlockSize?: number;
    VolumeSize?: number;
    ExpiryTime?: number;
    NextToken?: string;
    Reason?: string;
    ChangedBlocks?: { BlockIndex: number; FirstBlockToken?: string; SecondBlockToken: string }[];
    Blocks?: { BlockIndex: number; BlockToken: string }[];
  };
}

async function get(
  { simulator }: Simulation,
  path: string,
  query: Record<string, string> = {},
): Promise<Answer> {
  const headers = { "x-amz-date": "20260301T020000Z", authorization: authorization({ service: "ebs" }) };
  const response = await fetch(`${simulator.url}${path}?${new URLSearchParams(query)}`, { headers });
  const error = response.headers.get("x-amzn-errortype");
  return { status: response.status, error, body: (await response.json()) as Answer["body"] };
}

const changed = (simulation: Simulation, first: string, second: string, query: Record<string, string> = {}) =>
  get(simulation, `/snapshots/${snap(second)}/changedblocks`, { firstSnapshotId: snap(first), ...query });
const blocks = (simulation: Simulation, digit: string, query: Record<string, string> = {}) =>
  get(simulation, `/snapshots/${snap(digit)}/blocks`, query);

/** All blocks that changed, with the number of pages and of empty ones. */
async function allChanged(simulation: Simulation, first: string, second: string, maxResults: string) {
  const found: number[] = [];
  let [pages, empty] = [0, 0];
  let pageToken: string | undefined;
  do {
    const query = { maxResults, ...(pageToken === undefined ? {} : { pageToken }) };
    const { body } = await changed(simulation, first, second, query);
    found.push(...(body.ChangedBlocks ?? []).map(({ BlockIndex }) => BlockIndex));
    pages += 1;
    if (body.ChangedBlocks?.length === 0) empty += 1;
    pageToken = body.NextToken;
  } while (pageToken !== undefined);
  return { found, pages, empty };
}

describe("ListSnapshotBlocks and ListChangedBlocks", () => {
  test("tell blocks of 512 KiB, of all that is written and of what a day has changed", async () => {
    const simulation = await simulate(scenario);
    const whole = await blocks(simulation, "1");
    expect(whole).toMatchObject({
      status: 200,
      body: { BlockSize: 524_288, VolumeSize: 100, ExpiryTime: Date.parse("2026-03-08T02:00:00Z") / 1_000 },
    });
    expect(whole.body.Blocks).toHaveLength(10_000);
    const { body } = await changed(simulation, "1", "2");
    expect(body.ChangedBlocks).toHaveLength(blocksADay);
    expect(body.NextToken).toBeUndefined();
    expect(body.ChangedBlocks?.[0]).toMatchObject({
      FirstBlockToken: expect.stringMatching(/^[A-Za-z0-9+/=]+$/),
      SecondBlockToken: expect.stringMatching(/^[A-Za-z0-9+/=]+$/),
    });
  });

  test("what changed does not depend on the snapshots in between", async () => {
    const simulation = await simulate(scenario);
    const [one, two, both] = [
      await allChanged(simulation, "1", "2", "10000"),
      await allChanged(simulation, "2", "8", "10000"),
      await allChanged(simulation, "1", "8", "10000"),
    ];
    expect(one.found).toHaveLength(blocksADay);
    expect(two.found).toHaveLength(6 * blocksADay);
    expect([...new Set([...one.found, ...two.found])].sort((a, b) => a - b)).toEqual(both.found);
  });

  test("a copy is of its source's lineage and instant", async () => {
    const simulation = await simulate(scenario);
    expect((await allChanged(simulation, "2", "5", "10000")).found).toHaveLength(6 * blocksADay);
    expect((await allChanged(simulation, "8", "5", "10000")).found).toEqual([]);
  });

  test("pages may hold fewer than asked for, or none, and still name a next one", async () => {
    const full = await allChanged(await simulate(scenario), "1", "8", "1000");
    expect(full).toMatchObject({ pages: Math.ceil((7 * blocksADay) / 1_000), empty: 0 });
    const simulation = await simulate({ ...scenario, shortPages: true });
    simulation.control.faults([{ kind: "short-page", action: "ListChangedBlocks", index: 2 }]);
    const short = await allChanged(simulation, "1", "8", "1000");
    expect(short.found).toEqual(full.found);
    expect(short.pages).toBeGreaterThan(full.pages);
    expect(short.empty).toBeGreaterThan(0);
  });

  test("a listing can begin at any block", async () => {
    const { body } = await blocks(await simulate(scenario), "1", { startingBlockIndex: "102300" });
    expect(body.Blocks?.map(({ BlockIndex }) => BlockIndex)).toEqual(
      Array.from({ length: 100 }, (_, index) => 102_300 + index),
    );
  });

  test.each<[string, (simulation: Simulation) => Promise<Answer>, number, string, string]>([
    ["unrelated", (one) => changed(one, "1", "3"), 400, "ValidationException", "UNRELATED_SNAPSHOTS"],
    ["pending", (one) => blocks(one, "4"), 400, "ValidationException", "INVALID_SNAPSHOT_ID"],
    ["not there", (one) => blocks(one, "9"), 404, "ResourceNotFoundException", "SNAPSHOT_NOT_FOUND"],
    [
      "on too small a page",
      (one) => blocks(one, "1", { maxResults: "99" }),
      400,
      "ValidationException",
      "INVALID_PARAMETER_VALUE",
    ],
    [
      "on too large a page",
      (one) => blocks(one, "1", { maxResults: "10001" }),
      400,
      "ValidationException",
      "INVALID_PARAMETER_VALUE",
    ],
    [
      "by somebody else's token",
      (one) => blocks(one, "1", { pageToken: "eA==" }),
      400,
      "ValidationException",
      "INVALID_PAGE_TOKEN",
    ],
  ])("what is %s is refused", async (_, call, status, error, Reason) => {
    expect(await call(await simulate(scenario))).toMatchObject({ status, error, body: { Reason } });
  });

  test("50 a second are answered, the others refused in words of their own", async () => {
    const simulation = await simulate(scenario);
    await blocks(simulation, "3");
    await simulation.control.clock({ advance: "1m" });
    await blocks(simulation, "3");
    const { buckets } = await simulation.control.state();
    expect(buckets["ebs ListSnapshotBlocks"]?.tokens).toBe(49);
    simulation.control.faults([{ kind: "throttle", service: "ebs" }]);
    expect(await blocks(simulation, "3")).toMatchObject({
      status: 400,
      error: "RequestThrottledException",
      body: { Reason: "ACCOUNT_THROTTLED" },
    });
  });

  test.each([
    ["ebs:ListChangedBlocks", { "aws:ResourceTag/Backup": "yes" }, 200],
    ["ebs:ListChangedBlocks", { "aws:ResourceTag/Backup": "no" }, 403],
    ["ebs:ListSnapshotBlocks", { "aws:ResourceTag/Backup": "yes" }, 403],
  ])("a policy allows %s with %j", async (Action, StringEquals, status) => {
    const Resource = "arn:aws:ec2:*::snapshot/*";
    const Statement = [{ Effect: "Allow", Action, Resource, Condition: { StringEquals } }];
    const document = JSON.stringify({ Version: "2012-10-17", Statement });
    const simulation = await simulate({
      ...scenario,
      policies: [{ principal: "*:user/tester", documents: [document] }],
    });
    expect((await changed(simulation, "1", "2")).status).toBe(status);
  });
});

describe.skipIf(missing !== undefined)("the AWS CLI", () => {
  test("lists what has changed, and reads quotas", async () => {
    const simulation = await simulate({ ...scenario, quotas: { "L-309BACF6": 7 } });
    const first = `--first-snapshot-id ${snap("1")} --second-snapshot-id ${snap("2")}`;
    const listed: { ChangedBlocks: unknown[]; BlockSize: number } = await aws(
      simulation,
      `ebs list-changed-blocks ${first}`,
    );
    expect(listed.ChangedBlocks).toHaveLength(blocksADay);
    expect(listed.BlockSize).toBe(524_288);
    const quota = "service-quotas get-service-quota --service-code ebs --quota-code L-309BACF6";
    expect(await aws(simulation, quota)).toMatchObject({ Quota: { Value: 7, Adjustable: true } });
    const all: { Quotas: { QuotaCode: string }[] } = await aws(
      simulation,
      "service-quotas list-service-quotas --service-code ebs --max-items 100",
    );
    expect(all.Quotas.map(({ QuotaCode }) => QuotaCode)).toContain("L-309BACF6");
  });
});

describe("Service Quotas", () => {
  async function call({ simulator }: Simulation, action: string, body: object, region = "eu-central-1") {
    const response = await fetch(simulator.url, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-date": "20260301T020000Z",
        "x-amz-target": `ServiceQuotasV20190624.${action}`,
        authorization: authorization({ service: "servicequotas", region, key: keys.accessKeyId }),
      },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }
  const snapshots = { ServiceCode: "ebs", QuotaCode: "L-309BACF6" };

  test("tells each Region's own quotas, and the defaults", async () => {
    const simulation = await simulate({
      places: [{ region: "eu-west-1", quotas: { "L-309BACF6": 150_000 } }],
    });
    const valueIn = async (action: string, region: string) => {
      const { body } = await call(simulation, action, snapshots, region);
      return (body as { Quota: { Value: number } }).Quota.Value;
    };
    expect(await valueIn("GetServiceQuota", "eu-central-1")).toBe(100_000);
    expect(await valueIn("GetServiceQuota", "eu-west-1")).toBe(150_000);
    expect(await valueIn("GetAWSDefaultServiceQuota", "eu-west-1")).toBe(100_000);
  });

  test.each([
    ["GetServiceQuota", { ...snapshots, QuotaCode: "L-00000000" }, "NoSuchResourceException"],
    ["GetServiceQuota", { ...snapshots, ServiceCode: "ec3" }, "NoSuchResourceException"],
    ["ListServiceQuotas", { ServiceCode: "ebs", MaxResults: 101 }, "IllegalArgumentException"],
    ["RequestServiceQuotaIncrease", {}, "UnknownOperationException"],
  ])("%s of %j is refused", async (action, body, __type) => {
    expect(await call(await simulate(), action, body)).toMatchObject({ status: 400, body: { __type } });
  });

  test("no more snapshots are made than the quota allows", async () => {
    const simulation = await simulate({ ...scenario, quotas: { "L-309BACF6": 7 }, limits: true });
    await simulation.ec2.send(new CreateSnapshotCommand({ VolumeId: "vol-0d3a0de0c0ffee00a" }));
    await expect(
      simulation.ec2.send(new CreateSnapshotCommand({ VolumeId: "vol-0d3a0de0c0ffee010" })),
    ).rejects.toMatchObject({ name: "SnapshotLimitExceeded" });
  });
});
