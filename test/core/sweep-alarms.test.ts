import { expect, test } from "vitest";
import { alarmKinds, alarmName, type FoundAlarm } from "../../src/core/alarm.ts";
import { watched } from "../../src/core/alarms.ts";
import { planAlarmSweep } from "../../src/core/sweep-alarms.ts";
import type { SweepInstance } from "../../src/core/sweep-ports.ts";
import { intentOf } from "../../src/core/sweep-stop.ts";

const id = "i-0123456789abcdef0";
const now = new Date("2027-06-16T09:41:00Z");

const alarm = (change: Partial<FoundAlarm> = {}) =>
  ({
    name: alarmName(id, "default", "missed"),
    arn: "arn",
    metric: watched.missed,
    state: "OK",
    actionsEnabled: true,
    ...change,
  }) as FoundAlarm;

const machine = (change: Partial<SweepInstance>) =>
  ({ id, tags: {}, launched: new Date(0), ...change }) as SweepInstance;

test("what watches another metric under one of our names is somebody else's, whatever its instance is", () => {
  const theirs = alarm({ metric: "CPUUtilization", namespace: "AWS/EC2" });
  const nothing = { orphans: [], mute: [], silent: [] };
  expect(planAlarmSweep([theirs], [], now)).toEqual(nothing);
  expect(planAlarmSweep([theirs], [machine({ state: "stopped" })], now)).toEqual(nothing);
  const silent = { ...theirs, actionsEnabled: false };
  expect(planAlarmSweep([silent], [machine({ state: "running" })], now)).toEqual(nothing);
});

test("the alarms of every kind go with their instance", () => {
  const all = alarmKinds.map((kind) =>
    alarm({
      name: alarmName(id, "default", kind, kind === "copy-lag" ? "eu-west-1" : undefined),
      metric: watched[kind],
    }),
  );
  const { orphans } = planAlarmSweep(all, [], now);
  expect(orphans.map((one) => one.alarm)).toEqual(all.map(({ name }) => name));
  expect(planAlarmSweep(all, [machine({ state: "terminated" })], now).orphans).toEqual([]);
});

test("an instance that a sweep has stopped is not muted: that it does not come up again must be heard", () => {
  const { key, value } = intentOf("0190aaaa", id, new Date(now.getTime() - 3_600_000), now);
  const stopped = machine({ state: "stopped" });
  expect(planAlarmSweep([alarm()], [stopped], now).mute).toHaveLength(1);
  expect(planAlarmSweep([alarm()], [{ ...stopped, tags: { [key]: value } }], now).mute).toEqual([]);
});
