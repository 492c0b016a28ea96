import { CloudWatchClient, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import { expect, test } from "vitest";
import { asked, notAllowed, type Policy, policyNamed, superfluous } from "./policies.ts";
import { fleetOf, instanceId, other, own, role, type SeriesWish, SweepStage } from "./sweep-stage.ts";

const credentials = { accessKeyId: "AKIASIMULATORTEST001", secretAccessKey: "secret" };
const ages = [1, 2, 3, 4, 30, 31];
const wishes: readonly SeriesWish[] = [
  { number: 1, ages },
  { number: 2, ages, state: "stopped" },
  { number: 3, ages: [40, 41], state: "gone", group: "web" },
  { number: 4, ages, account: other },
];

/** Alarms for missed backups, as the instances' own agents have made them. */
async function putAlarms({ simulator }: SweepStage, numbers: readonly number[], silent: readonly number[]) {
  const client = new CloudWatchClient({ endpoint: simulator.url, region: "eu-central-1", credentials });
  for (const number of numbers)
    for (const kind of ["missed", "errors"])
      await client.send(
        new PutMetricAlarmCommand({
          AlarmName: `ec2-backup/${instanceId(number)}/default/${kind}`,
          Namespace: "EC2Backup",
          MetricName: kind === "missed" ? "SecondsSinceLastBackup" : "Errors",
          Dimensions: [{ Name: "Server", Value: instanceId(number) }],
          Statistic: "Maximum",
          ComparisonOperator: "GreaterThanThreshold",
          Threshold: 93_600,
          Period: 3_600,
          EvaluationPeriods: 26,
          TreatMissingData: "ignore",
          ActionsEnabled: !silent.includes(number),
        }),
      );
  client.destroy();
}

async function alarms({ simulator }: SweepStage): Promise<Record<string, boolean>> {
  const found = Object.values((await simulator.control.state()).alarms);
  return Object.fromEntries(found.map(({ name, actionsEnabled }) => [name.slice(11), actionsEnabled]).sort());
}

test.concurrent("under policies/sweep.json alone it does all that it is for, in its own account and in another", async () => {
  await using stage = await SweepStage.start(
    fleetOf(wishes),
    `{ accounts: [self, { role: "${role}", externalId: Backups-4711 }], prune: { mark: 20h } }`,
  );
  const policy = await policyNamed("sweep");
  await putAlarms(stage, [1, 2, 3], [1]);
  const documents = [JSON.stringify(policy)];
  await stage.simulator.control.settings({
    policies: [
      { principal: "*:user/operator", documents },
      { principal: "*:assumed-role/*", documents },
    ],
  });
  const since = stage.calls().at(-1)?.number ?? 0;
  await stage.simulator.control.clock({ advance: "3h" });
  const marked = await stage.sweep();
  // Somebody has disabled those of the first: that is told, and left.
  const silenced = [{ severity: "warning", code: "AlarmsDisabled" }];
  expect([marked.code, marked.unit(`${own}/eu-central-1`).problems], marked.stderr).toMatchObject([
    0,
    silenced,
  ]);
  expect(await alarms(stage)).toEqual({
    [`${instanceId(1)}/default/errors`]: false,
    [`${instanceId(1)}/default/missed`]: false,
    [`${instanceId(2)}/default/errors`]: true,
    [`${instanceId(2)}/default/missed`]: false,
  });
  await stage.simulator.control.instances([
    { change: { instance: instanceId(1), tags: { Retention: "last=9" } } },
  ]);
  await stage.simulator.control.instances([{ change: { instance: instanceId(2), state: "running" } }]);
  await stage.simulator.control.clock({ advance: "20h" });
  const swept = await stage.sweep(["--all-regions"]);
  const units = swept.report.units.map(({ unit, outcome, problems }) => [unit.id, outcome, problems]);
  expect(units).toMatchObject([
    [`${own}/eu-central-1`, "done", silenced],
    [`${own}/eu-west-1`, "done", []],
    [`${other}/eu-central-1`, "done", []],
  ]);
  expect(await stage.points()).toHaveLength(6 + 4 + 0 + 4);
  // It runs again, so what a sweep has muted tells again, and bears no mark any more.
  const muted = Object.values((await stage.simulator.control.state()).alarms).find(
    ({ name }) => name === `ec2-backup/${instanceId(2)}/default/missed`,
  );
  expect(muted).toMatchObject({ actionsEnabled: true });
  expect(muted?.tags).toEqual({});

  const needed = asked(stage.simulator, since, ":");
  expect(notAllowed([policy as Policy], needed)).toEqual([]);
  // An alarm that rang unheard is not among these.
  expect(superfluous([policy as Policy], needed)).toEqual(["CleanAlarms cloudwatch:SetAlarmState"]);
}, 60_000);

test.concurrent("a role that may not remove tells it once, and keeps nobody waiting", async () => {
  const many = Array.from({ length: 15 }, (_, index) => ({ number: index + 1, ages }));
  await using stage = await SweepStage.start(fleetOf(many));
  await stage.simulator.control.settings({ deny: [{ action: "ec2:DeleteSnapshot" }] });
  const swept = await stage.sweep();
  expect(swept.code).toBe(77);
  expect(swept.unit(`${own}/eu-central-1`)).toMatchObject({
    outcome: "denied",
    problems: [{ kind: "denied" }],
  });
  expect(stage.calls().filter(({ action }) => action === "DeleteSnapshot")).toHaveLength(10);
});
