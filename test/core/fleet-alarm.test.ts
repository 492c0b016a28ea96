import fc from "fast-check";
import { expect, test } from "vitest";
import type { FoundAlarm } from "../../src/core/alarm.ts";
import { readAlarmName } from "../../src/core/alarm.ts";
import {
  alarmsBeside,
  auditEveryRange,
  fleetAlarm,
  fleetAlarmsAmong,
  planFleetAlarm,
} from "../../src/core/fleet-alarm.ts";
import { stoppedAlarm } from "../../src/core/fleet-stopped-alarm.ts";

const unit = {
  id: "111122223333/eu-central-1",
  account: "111122223333",
  region: "eu-central-1",
  name: "shop",
};
const facts = { unit, namespace: "EC2Backup", topic: "arn:aws:sns:eu-central-1:111122223333:ops" };
const minute = 60_000;
const hour = 60 * minute;

/** The alarm as CloudWatch has it once it was written. */
function foundOf(alarm: ReturnType<typeof fleetAlarm>): FoundAlarm {
  return {
    ...alarm,
    arn: `arn:aws:cloudwatch:eu-central-1:111122223333:alarm:${alarm.name}`,
    statistic: "Maximum",
    comparison: "GreaterThanThreshold",
    alarmActions: alarm.actions,
    okActions: alarm.actions,
    insufficientDataActions: [],
    actionsEnabled: true,
    state: "OK",
    reason: "",
  };
}

test("the alarm is of no instance, says where and what to do, and is written within CloudWatch's limits", () => {
  const alarm = fleetAlarm(facts);
  expect(readAlarmName(alarm.name)).toBeUndefined();
  for (const words of ["shop (111122223333)", "eu-central-1", "sweep audit --publish"])
    expect(alarm.description).toContain(words);
  expect(alarm.description.length).toBeLessThanOrEqual(1024);
});

test("however often audits are, its window is whole hours longer than what lies between two, and is kept as it is", () => {
  const every = fc.integer({ min: auditEveryRange.from / minute, max: auditEveryRange.to / minute });
  fc.assert(
    fc.property(every, (minutes) => {
      const alarm = fleetAlarm({ ...facts, auditEvery: minutes * minute });
      const { period, evaluationPeriods, datapointsToAlarm } = alarm;
      const window = period * evaluationPeriods * 1000;
      expect(datapointsToAlarm).toBe(evaluationPeriods);
      // The newest of data that come every so often lies in the window at any time, also if they are late.
      expect(window - period * 1000).toBeGreaterThanOrEqual(minutes * minute + hour);
      expect(window).toBeLessThanOrEqual(604_800_000);
      expect(period >= 3_600 || window <= 86_400_000).toBe(true);
      expect(alarm.tellsWithin).toBeGreaterThan(window);
      const found = [foundOf(alarm)];
      expect(planFleetAlarm(fleetAlarm(facts, found), found).action).toBe("keep");
    }),
  );
});

test("a new alarm is spared until an audit is due; one that differs is updated, and says in what", () => {
  const alarm = fleetAlarm(facts);
  expect(planFleetAlarm(alarm, [])).toMatchObject({
    action: "create",
    start: { kind: "warm-up", minutes: 26 * 60 + 75, else: "at-once" },
  });
  const other = { ...foundOf(alarm), threshold: 3 };
  expect(planFleetAlarm(alarm, [other])).toMatchObject({
    action: "update",
    differences: [{ field: "threshold", found: "3", wanted: "0" }],
  });
});

test("an instance that does not come up rings from the reading that tells of it to the one that does not", () => {
  const alarm = stoppedAlarm(facts);
  expect(readAlarmName(alarm.name)).toBeUndefined();
  expect(alarm).toMatchObject({ metric: "StoppedInstances", threshold: 0, treatMissingData: "ignore" });
  for (const words of ["shop (111122223333)", "eu-central-1", "start-instances"])
    expect(alarm.description).toContain(words);
  expect(planFleetAlarm(alarm, [])).toMatchObject({ action: "create", start: { kind: "at-once" } });
  expect(planFleetAlarm(alarm, [foundOf(fleetAlarm(facts)), foundOf(alarm)]).action).toBe("keep");
  expect(fleetAlarmsAmong([foundOf(fleetAlarm(facts)), foundOf(alarm)])).toHaveLength(2);
});

test("alarms of instances beside it are those for missed backups that tell somebody", () => {
  const of = (name: string, change: Partial<FoundAlarm> = {}): FoundAlarm => ({
    ...foundOf(fleetAlarm(facts)),
    name: `ec2-backup/${name}`,
    ...change,
  });
  const found = [
    of("i-0123456789abcdef0/default/missed"),
    of("i-0123456789abcdef0/default/errors"),
    of("i-0123456789abcdef1/default/missed", { actionsEnabled: false }),
    of("i-0123456789abcdef2/default/missed", { alarmActions: [] }),
    of("fleet/overdue"),
  ];
  expect(alarmsBeside(found)).toEqual(["ec2-backup/i-0123456789abcdef0/default/missed"]);
});
