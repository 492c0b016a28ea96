import { CloudWatchClient, PutMetricAlarmCommand, TagResourceCommand } from "@aws-sdk/client-cloudwatch";
import { expect, test } from "vitest";
import { hour, keys, Stage, topic } from "./alarm-stage.ts";
import { readState } from "./bench.ts";
import { instance } from "./history.ts";

test.concurrent("apply makes the topic and the alarms, and does nothing the second time", async () => {
  await using stage = await Stage.start();
  expect(await stage.run()).toBe("done");
  const before = await stage.alarms("plan");
  expect(before.json.plan?.changes.map(({ action }) => action)).toEqual([
    "create",
    "create",
    "create",
    "create",
  ]);
  expect(before.json.plan?.cost).toMatchObject({ metrics: 7, alarms: 4, dollars: 2.5 });
  expect(stage.calls("PutMetricAlarm")).toBe(0);
  const first = await stage.alarms("apply");
  expect(first.json.done?.map(({ what, outcome }) => `${outcome} ${what}`)).toEqual([
    `created ${topic}`,
    ...["missed", "errors", "slow", "degraded"].map(
      (kind) => `created ec2-backup/${instance.id}/default/${kind}`,
    ),
  ]);
  // Nobody has subscribed, so it is not all well.
  expect(first.code).toBe(1);
  await stage.hears();
  const puts = stage.calls("PutMetricAlarm");
  const second = await stage.alarms("apply");
  expect(second).toMatchObject({ code: 0, json: { done: [] } });
  expect(stage.calls("PutMetricAlarm")).toBe(puts);
  const removed = await stage.alarms("remove");
  expect(removed.json.done).toHaveLength(4);
  expect((await stage.alarms("remove")).json.done).toEqual([]);
}, 60_000);

/** What goes wrong with a run, and is told and taken back. */
async function told(kind: string, goWrong: (stage: Stage) => Promise<unknown>): Promise<void> {
  await using stage = await Stage.start();
  await stage.settle();
  const began = await stage.now();
  await goWrong(stage);
  await stage.later("12m");
  expect(stage.heard.of(kind)).toEqual(["ALARM"]);
  const [notice] = stage.heard.notices.filter(({ alarm }) => alarm.endsWith(`/${kind}`));
  expect((notice?.at ?? 0) - began).toBeLessThanOrEqual(0.2 * hour);
  expect(notice?.description).toContain("ec2-backup status");
  await stage.later("20h");
  expect(stage.heard.of(kind)).toEqual(["ALARM"]);
  stage.bench.simulator.control.clearFaults();
  await stage.demand("");
  expect(await stage.run()).toBe("done");
  await stage.later("12m");
  expect(stage.heard.of(kind)).toEqual(["ALARM", "OK"]);
  expect(stage.heard.of("missed")).toEqual([]);
}

const failing = {
  errors: async (stage: Stage) =>
    stage.run({
      kind: "error",
      action: "CreateSnapshots",
      dryRun: false,
      count: "always",
      code: "UnauthorizedOperation",
      status: 403,
    }),
  degraded: async (stage: Stage) => {
    await stage.demand("consistency: application,");
    return stage.run();
  },
};

test.concurrent.each(["errors", "degraded"] as const)(
  "%s: a run tells ALARM within the promised time, and the next one OK",
  (kind) => told(kind, failing[kind]),
  60_000,
);

// By itself: whether a run is slow is its time.
test("slow: a run tells ALARM within the promised time, and the next one OK", async () => {
  await told("slow", (stage) => stage.run({ kind: "delay", action: "CreateSnapshots", ms: 6_000 }));
}, 60_000);

test.concurrent.each([
  ["as CloudWatch is thought to look", 2],
  ["if CloudWatch looks no further back", 0],
])(
  "missed, a dead agent: %s, silence tells ALARM within the promised time and runs tell OK",
  async (_, extraPeriods) => {
    await using stage = await Stage.start({ alarms: { extraPeriods } });
    await stage.settle();
    for (let day = 0; day < 3; day += 1) {
      await stage.run();
      await stage.later("24h");
    }
    const plan = await stage.alarms("plan");
    const missed = plan.json.plan?.changes.find(({ alarm }) => alarm?.name.endsWith("/missed"))?.alarm;
    const promise = missed?.tellsWithin ?? 0;
    expect(promise / hour).toBeLessThan(31);
    const last = await stage.run().then(() => stage.now());
    await stage.later("26h");
    expect(stage.heard.of("missed")).toEqual([]);
    await stage.later("5h");
    expect(stage.heard.of("missed")).toEqual(["ALARM"]);
    expect((stage.heard.notices.at(-1)?.at ?? 0) - last).toBeLessThanOrEqual(promise);
    await stage.run();
    await stage.later("24h");
    await stage.run();
    await stage.later("8h");
    expect(stage.heard.of("missed")).toEqual(["ALARM", "OK"]);
  },
  90_000,
);

test.concurrent("test drives every alarm there and back, and tells who was told", async () => {
  await using stage = await Stage.start();
  await stage.settle();
  const { code, json } = await stage.alarms("test");
  expect(json.drilled?.map(({ told, why }) => why ?? told)).toEqual([true, true, true, true]);
  expect(code).toBe(0);
  await stage.later("1s");
  for (const kind of ["missed", "errors", "slow", "degraded"]) {
    expect(stage.heard.of(kind).slice(0, 2).sort()).toEqual(["ALARM", "OK"]);
  }
}, 60_000);

test.concurrent("silenced alarms say so, tell nobody, and are woken by resume", async () => {
  await using stage = await Stage.start();
  await stage.settle();
  const paused = await stage.alarms("pause");
  expect(paused.json.changes).toMatchObject([{ outcome: "silenced" }]);
  const tested = (await stage.alarms("test")).json.drilled;
  expect(tested?.find(({ alarm }) => alarm.endsWith("/missed"))?.why).toMatch(
    /disabled: ec2-backup alarms resume$/,
  );
  await stage.alarms("plan");
  const known = (await readState(stage.bench, instance.id, "job-default.json")) as {
    alarms?: { alarms: { name: string; actionsEnabled: boolean }[] };
  };
  const silent = known.alarms?.alarms.filter(({ actionsEnabled }) => !actionsEnabled);
  expect(silent?.map(({ name }) => name)).toEqual([`ec2-backup/${instance.id}/default/missed`]);
  stage.heard.notices.length = 0;
  await stage.later("40h");
  expect(stage.heard.of("missed")).toEqual([]);
  const resumed = await stage.alarms("resume");
  expect(resumed.json.changes).toMatchObject([{ outcome: "renewed" }]);
  await stage.later("20h");
  expect(stage.heard.of("missed")).toEqual([]);
  // Nobody came back to make backups: once the time that it was spared is over, it says so.
  await stage.later("12h");
  expect(stage.heard.of("missed")).toEqual(["ALARM"]);
}, 60_000);

test.concurrent("the mark of a sweep goes when its agent wakes the alarm: with it a sweep would undo what a person disables", async () => {
  await using stage = await Stage.start();
  await stage.settle();
  await stage.alarms("pause");
  const missed = async () => {
    const { alarms } = await stage.bench.simulator.control.state();
    return Object.values(alarms).find(({ name }) => name.endsWith("/missed"));
  };
  const client = new CloudWatchClient({
    endpoint: stage.bench.simulator.url,
    region: instance.region,
    credentials: keys,
  });
  const ResourceARN = `arn:aws:cloudwatch:${instance.region}:${instance.account}:alarm:${(await missed())?.name}`;
  const Tags = [{ Key: "ec2-backup:muted", Value: new Date().toISOString() }];
  await client.send(new TagResourceCommand({ ResourceARN, Tags }));
  client.destroy();
  expect((await missed())?.tags).toHaveProperty("ec2-backup:muted");
  const resumed = await stage.alarms("resume");
  expect(resumed.json.changes).toMatchObject([{ outcome: "enabled" }]);
  expect(await missed()).toMatchObject({ actionsEnabled: true });
  expect((await missed())?.tags).not.toHaveProperty("ec2-backup:muted");
}, 60_000);

test.concurrent("where CloudWatch spares no new alarm, the one that would ring has to wait", async () => {
  await using stage = await Stage.start({ alarms: { newParameters: "ignored" } });
  const { code, json } = await stage.alarms("apply");
  const waits = json.done?.filter(({ outcome }) => outcome === "waits");
  expect(waits).toMatchObject([{ what: `ec2-backup/${instance.id}/default/missed` }]);
  expect(waits?.[0]?.detail).toMatch(/run default --wait/);
  expect(code).toBe(1);
  const { plan } = (await stage.alarms("plan")).json;
  expect(plan?.changes.map(({ action }) => action)).toEqual(["create", "keep", "keep", "keep"]);
}, 60_000);

test.concurrent("plan tells of alarms whose instance is gone, and leaves them", async () => {
  await using stage = await Stage.start();
  await stage.settle();
  const client = new CloudWatchClient({
    endpoint: stage.bench.simulator.url,
    region: instance.region,
    credentials: keys,
    maxAttempts: 1,
  });
  for (const id of ["i-0dead000000000001", instance.id]) {
    const AlarmName = `ec2-backup/${id}/gone/errors`;
    const watched = { Namespace: "EC2Backup", MetricName: "Errors", Statistic: "Maximum" as const };
    const rule = { Period: 300, EvaluationPeriods: 1, Threshold: 0 };
    const ComparisonOperator = "GreaterThanThreshold" as const;
    await client.send(new PutMetricAlarmCommand({ AlarmName, ...watched, ...rule, ComparisonOperator }));
  }
  client.destroy();
  const { plan } = (await stage.alarms("plan")).json;
  const others = plan?.changes.filter(({ action }) => action !== "keep");
  expect(others?.map(({ action, found }) => `${action} ${found?.name}`)).toEqual([
    `remove ec2-backup/${instance.id}/gone/errors`,
    "orphan ec2-backup/i-0dead000000000001/gone/errors",
  ]);
  await stage.alarms("apply");
  const left = (await stage.alarms("plan")).json.plan?.changes.map(({ action }) => action);
  expect(left).toEqual(["keep", "keep", "keep", "keep", "orphan"]);
}, 60_000);
