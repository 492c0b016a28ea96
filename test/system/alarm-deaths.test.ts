import { describe, expect, test } from "vitest";
import type { DenyRule } from "../../src/simulator/access-rules.ts";
import { Stage } from "./alarm-stage.ts";
import { chanceOf, shuffled } from "./chance.ts";

/** A host that was off for so long that its alarm for missed backups rang, and told nobody. */
async function rangSilently(): Promise<Stage> {
  const stage = await Stage.start();
  await stage.settle();
  expect((await stage.alarms("pause")).json.changes).toMatchObject([{ outcome: "silenced" }]);
  await stage.later("60h");
  stage.heard.notices.length = 0;
  expect((await stage.missed()).map(({ state, actionsEnabled }) => [state, actionsEnabled])).toEqual([
    ["ALARM", false],
  ]);
  return stage;
}

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 30));

/** One of the deaths, and all of them with SOAK=1. */
function some<T>(deaths: readonly T[]): readonly T[] {
  console.log(`deaths of resume: SEED=${seed}${soak ? "" : ", one of them (SOAK=1 for all)"}`);
  return soak ? deaths : shuffled(deaths, chanceOf(seed)).slice(0, 1);
}

describe("an alarm that rang while the instance was off tells again", () => {
  test.concurrent.each<[string, DenyRule[]]>([
    ["with the least rights", denied("PutMetricAlarm", "TagResource", "DeleteAlarms")],
    ["without the right to tag", denied("TagResource")],
    ["without the right to remove", denied("DeleteAlarms")],
  ])("%s", async (_, deny) => {
    await using stage = await rangSilently();
    await stage.bench.simulator.control.settings({ deny });
    await stage.alarms("resume");
    const enabled = (await stage.missed()).filter(({ actionsEnabled }) => actionsEnabled);
    expect(enabled).toHaveLength(1);
    await stage.later("60h");
    expect(stage.heard.of("missed")).toEqual(["ALARM"]);
  });

  test.concurrent("but where its state may not be set either, that it does not is told", async () => {
    await using stage = await rangSilently();
    await stage.bench.simulator.control.settings({ deny: denied("PutMetricAlarm", "SetAlarmState") });
    const [change] = (await stage.alarms("resume")).json.changes ?? [];
    expect(change).toMatchObject({ outcome: "enabled", detail: expect.stringMatching(/says nothing more/) });
  });

  test.concurrent.each(
    some([
      ["as it is to be made anew", { action: "PutMetricAlarm" }],
      ["as it is looked at", { action: "DescribeAlarms", skip: 1 }],
      ["as it is to tell", { action: "EnableAlarmActions" }],
      ["as the first is to go", { action: "DeleteAlarms" }],
    ]),
  )("also if the first attempt dies %s", async (_, where) => {
    await using stage = await rangSilently();
    stage.bench.simulator.control.faults([
      { kind: "hang", service: "cloudwatch", count: "always", ...where },
    ]);
    await stage.killed("resume");
    expect((await stage.missed()).length, "at no moment is there none").toBeGreaterThan(0);
    stage.bench.simulator.control.clearFaults();
    await stage.alarms("resume");
    expect((await stage.missed()).map(({ actionsEnabled }) => actionsEnabled)).toEqual([true]);
    await stage.later("60h");
    expect(stage.heard.of("missed")).toEqual(["ALARM"]);
  });

  test.concurrent("where CloudWatch spares no new alarm, and no backup follows", async () => {
    await using stage = await rangSilently();
    await stage.bench.simulator.control.settings({ alarms: { newParameters: "ignored" } });
    expect((await stage.alarms("resume")).json.changes).toMatchObject([{ outcome: "enabled" }]);
    await stage.later("3h");
    expect(stage.heard.of("missed")).toEqual(["ALARM"]);
  });

  test.concurrent("with a configuration that is faulty", async () => {
    await using stage = await rangSilently();
    await stage.spoil();
    expect((await stage.alarms("resume")).json.changes).toMatchObject([{ outcome: "renewed" }]);
  });
});

test.concurrent("an alarm that was left disabled in the midst of its making is told of, and enabled by resume", async () => {
  await using stage = await Stage.start();
  expect(await stage.run()).toBe("done");
  stage.bench.simulator.control.faults([{ kind: "hang", action: "EnableAlarmActions", count: "always" }]);
  await stage.killed("apply");
  stage.bench.simulator.control.clearFaults();
  const again = await stage.alarms("apply");
  const disabled = again.json.done?.filter(({ outcome }) => outcome === "disabled") ?? [];
  expect(disabled.length).toBeLessThanOrEqual(1);
  if (disabled.length > 0) expect(again.code).toBe(1);
  await stage.alarms("resume");
  expect((await stage.missed()).map(({ actionsEnabled }) => actionsEnabled)).toEqual([true]);
});

test.concurrent.each([
  ["SIGTERM", { kind: "hang" as const }],
  ["throttling", { kind: "throttle" as const }],
])("a test that ends by %s in the middle leaves no alarm in a state of its own", async (how, fault) => {
  await using stage = await Stage.start();
  await stage.settle();
  // The first alarm is driven to ALARM, and the way back is barred for a while.
  stage.bench.simulator.control.faults([
    { ...fault, action: "SetAlarmState", skip: 1, count: how === "SIGTERM" ? 1 : 4 },
  ]);
  if (how === "SIGTERM") await stage.killed("test", "SIGTERM");
  else await stage.alarms("test");
  const states = await stage.states();
  expect(Object.values(states)).not.toContain("ALARM");
});

function denied(...actions: readonly string[]): DenyRule[] {
  return actions.map((action) => ({ action: `cloudwatch:${action}` }));
}
