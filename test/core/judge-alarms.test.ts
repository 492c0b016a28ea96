import { expect, test } from "vitest";
import type { FoundAlarm } from "../../src/core/alarm.ts";
import type { AlarmChange } from "../../src/core/alarm-plan.ts";
import { judgeAlarms } from "../../src/core/judge-alarms.ts";

const topic = "arn:aws:sns:eu-central-1:111122223333:backup";
const alarm = (kind: string, change: Partial<FoundAlarm> = {}) =>
  ({
    name: `ec2-backup/i-0fa0/default/${kind}`,
    alarmActions: [topic],
    actionsEnabled: true,
    ...change,
  }) as FoundAlarm;

const told = (
  found: readonly FoundAlarm[],
  wanted = true,
  noticed = false,
  changes: readonly AlarmChange[] = [],
) =>
  judgeAlarms({ found, wanted, noticed, changes }).map(({ severity, what, command }) => [
    severity,
    what,
    command,
  ]);

test("alarms that tell somebody are in order", () => {
  expect(told([alarm("missed"), alarm("errors")])).toEqual([]);
});

test("none at all is worth a note, unless they were wanted or somebody is told in another way", () => {
  expect(told([], false, false)).toEqual([
    ["note", expect.stringMatching(/^no alarm watches/), "ec2-backup alarms plan"],
  ]);
  expect(told([], false, true)).toEqual([]);
  expect(told([], true, true)).toEqual([
    ["warning", expect.stringMatching(/there are no alarms/), "ec2-backup alarms apply"],
  ]);
});

test("disabled ones are named, with what enables them", () => {
  const off = { actionsEnabled: false };
  expect(told([alarm("missed", off), alarm("errors")])).toEqual([
    ["warning", "the actions of ec2-backup/i-0fa0/default/missed are disabled", "ec2-backup alarms resume"],
  ]);
  expect(told([alarm("missed", off), alarm("errors", off)])[0]?.[2]).toBe(
    "aws cloudwatch enable-alarm-actions --alarm-names ec2-backup/i-0fa0/default/missed ec2-backup/i-0fa0/default/errors",
  );
});

test("one that tells nobody is named", () => {
  expect(told([alarm("slow", { alarmActions: [] })])).toEqual([
    ["warning", "nobody is told by ec2-backup/i-0fa0/default/slow", "ec2-backup alarms apply"],
  ]);
});

test("what is not as configured is named, but not a limit that follows the median", () => {
  const found = alarm("missed");
  const differences = [{ field: "threshold", found: "1", wanted: "2" }];
  const update = (kind: "missed" | "slow") =>
    ({
      action: "update",
      alarm: { ...found, kind, name: `x/${kind}` },
      found,
      differences,
    }) as unknown as AlarmChange;
  const changes = [
    { action: "create", alarm: { name: "a/slow", kind: "slow" } } as AlarmChange,
    { action: "remove", found: alarm("errors") } as AlarmChange,
    update("missed"),
    update("slow"),
  ];
  expect(told([found], true, false, changes)).toEqual([
    [
      "warning",
      "the alarms are not as the configuration has them: a/slow is not there; ec2-backup/i-0fa0/default/errors is no longer wanted; x/missed differs in threshold",
      "ec2-backup alarms apply",
    ],
  ]);
  expect(told([found], true, false, [update("slow")])).toEqual([]);
});
