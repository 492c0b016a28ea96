import { expect, test } from "vitest";
import { drillAlarms } from "../../src/actions/drill-alarms.ts";
import type { AlarmDeps } from "../../src/actions/look-at-alarms.ts";
import type { FoundAlarm } from "../../src/core/alarm.ts";

test("an alarm that is disabled is not driven, and is told what enables it", async () => {
  const found = ["missed", "errors"].map(
    (kind) => ({ name: `ec2-backup/i-1/default/${kind}`, actionsEnabled: false }) as FoundAlarm,
  );
  const deps = { alarms: { find: async () => found } } as unknown as AlarmDeps;
  const drilled = await drillAlarms("i-1", deps, { arriveFor: 0, lookEvery: 1 });
  expect(drilled.map(({ states, why }) => [states, why])).toEqual([
    [[], "its actions are disabled: ec2-backup alarms resume"],
    [
      [],
      "its actions are disabled: aws cloudwatch enable-alarm-actions --alarm-names ec2-backup/i-1/default/errors",
    ],
  ]);
});
