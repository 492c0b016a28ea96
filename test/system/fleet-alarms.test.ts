import { writeFile } from "node:fs/promises";
import { SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { expect, test } from "vitest";
import type { FleetReport } from "../../src/core/fleet-report.ts";
import { asked, notAllowed, type Policy, policyNamed, superfluous } from "./policies.ts";
import { Subscriber } from "./subscriber.ts";
import { fleetOf, instanceId, other, own, role, SweepStage } from "./sweep-stage.ts";

const credentials = { accessKeyId: "AKIASIMULATORTEST001", secretAccessKey: "secret" };
const name = "ec2-backup/fleet/overdue";
const home = `${own}/eu-central-1`;
/** Points of every day; the instances are backed up as long as nobody lets time pass. */
const wishes = [
  { number: 1, ages: [0, 1, 2], tags: { Backup: "yes" } },
  { number: 2, ages: [0, 1, 2], tags: { Backup: "yes" }, account: other },
];

async function started(): Promise<SweepStage> {
  // The clock stands still between jumps, some seconds after the points were made.
  const clock = { start: new Date(Date.now() + 60_000).toISOString(), speed: 0 };
  const stage = await SweepStage.start(fleetOf(wishes, { clock }));
  await writeFile(
    stage.config,
    `version: 1
jobs: { default: { waits: { request: 20s, reconcileFor: 1s } } }
sweep: { accounts: [self, { role: "${role}", externalId: Backups-4711 }] }
alarms: { createTopic: ec2-backup, email: [ops@example.com] }
`,
  );
  return stage;
}

async function alarms(stage: SweepStage, ...words: readonly string[]) {
  const { code, stdout, stderr } = await stage.execute(["sweep", "alarms", "--json", ...words]);
  const report = JSON.parse(stdout || "{}") as FleetReport;
  const done = report.units?.map(({ result }) =>
    (result?.done ?? []).map(({ what, outcome }) => [what.replace(/^arn:.*:/, ""), outcome].join(" ")),
  );
  return {
    code,
    stderr,
    report,
    done,
    actions: report.units?.map(({ result }) => result?.changes[0]?.action),
  };
}

async function govern({ simulator }: SweepStage, ...policies: readonly Policy[]) {
  const documents = policies.map((policy) => JSON.stringify(policy));
  await simulator.control.settings({
    policies: ["*:user/operator", "*:assumed-role/*"].map((principal) => ({ principal, documents })),
  });
}

const stateOf = async ({ simulator }: SweepStage, place?: string) =>
  (await simulator.control.state(place)).alarms[name];

test.concurrent("under policies/sweep-alarms.json alone it makes one alarm for each account and Region, once, and removes it again", async () => {
  await using stage = await started();
  const policy = await policyNamed("sweep-alarms");
  await govern(stage, policy);
  const since = stage.calls().at(-1)?.number ?? 0;
  const all = ["--all-regions"];
  const planned = await alarms(stage, "plan", ...all);
  expect([planned.code, planned.actions], planned.stderr).toEqual([0, ["create", "create", "create"]]);
  expect(await stateOf(stage)).toBeUndefined();
  const made = ["ec2-backup created", "ops@example.com subscribed", `${name} created`];
  const applied = await alarms(stage, "apply", ...all);
  // Nobody has followed the links in the e-mails yet.
  expect([applied.code, applied.done], applied.stderr).toEqual([1, [made, made, made]]);
  expect((await alarms(stage, "apply", ...all)).done).toEqual([[], [], []]);
  const found = await stateOf(stage);
  expect(found).toMatchObject({
    namespace: "EC2Backup",
    metric: "Overdue",
    period: 3600,
    evaluationPeriods: 26,
    treatMissingData: "breaching",
    alarmActions: [`arn:aws:sns:eu-central-1:${own}:ec2-backup`],
  });
  expect(found?.description).toContain("ec2-backup sweep audit --region eu-central-1");
  const often = await alarms(stage, "apply", ...all, "--audit-every", "6h");
  expect(often.done).toEqual(Array(3).fill([`${name} updated`]));
  expect(await stateOf(stage)).toMatchObject({ period: 900, evaluationPeriods: 32 });
  // What an earlier call has chosen stays.
  expect((await alarms(stage, "apply", ...all)).done).toEqual([[], [], []]);
  const dry = await alarms(stage, "remove", ...all, "--dry-run");
  expect([dry.actions, (await stateOf(stage))?.name]).toEqual([["remove", "remove", "remove"], name]);
  const removed = await alarms(stage, "remove", ...all);
  expect([removed.code, removed.done]).toEqual([0, Array(3).fill([`${name} removed`])]);
  for (const place of [home, `${own}/eu-west-1`, `${other}/eu-central-1`])
    expect(await stateOf(stage, place)).toBeUndefined();

  const needed = asked(stage.simulator, since, ":");
  expect(notAllowed([policy], needed)).toEqual([]);
  expect(superfluous([policy], needed)).toEqual([]);
}, 60_000);

test.concurrent("it rings for instances that are overdue and for audits that have ended, and for nothing else", async () => {
  await using stage = await started();
  await using heard = await Subscriber.start();
  const { control, url } = stage.simulator;
  await alarms(stage, "apply", "--audit-every", "6h");
  const sns = new SNSClient({ endpoint: url, region: "eu-central-1", credentials });
  const TopicArn = `arn:aws:sns:eu-central-1:${own}:ec2-backup`;
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: "http", Endpoint: heard.url }));
  sns.destroy();
  await control.confirm(heard.url);
  const audit = () => stage.execute(["sweep", "audit", "--publish", "--json"]);
  const later = async (advance: string) => {
    await control.clock({ advance });
    await control.deliveries();
  };
  const rang = () => heard.notices.splice(0).map(({ state }) => state);

  // New, and spared until an audit is due.
  await later("5h");
  expect(rang()).toEqual([]);
  for (const _ of [1, 2, 3]) {
    await audit();
    await later("6h");
  }
  expect(rang().filter((state) => state !== "OK")).toEqual([]);
  // 23 h old by now. Nobody captures any more, and audits find that in time.
  await audit();
  for (const _ of [1, 2]) {
    await later("6h");
    await audit();
  }
  await later("1h");
  expect(rang()).toEqual(["ALARM"]);
  const captured = await stage.execute(["sweep", "--only", "create", "--json"]);
  expect(captured.code, captured.stdout + captured.stderr).toBe(0);
  await later("30m");
  await audit();
  await later("30m");
  expect(rang()).toEqual(["OK"]);
  // Nobody looks any more, though all is well.
  await later("12h");
  expect(rang()).toEqual(["ALARM"]);
}, 120_000);

test.concurrent("a stopped instance is not overdue, and a unit that cannot be entered keeps no other back", async () => {
  await using stage = await started();
  await stage.simulator.control.instances([{ change: { instance: instanceId(1), state: "stopped" } }]);
  await stage.simulator.control.clock({ advance: "60h" });
  const { stdout } = await stage.execute(["sweep", "audit", "--publish", "--json"]);
  const told = stage
    .calls()
    .filter(({ action }) => action === "PutMetricData")
    .map(({ account, parameters }) => [
      account,
      (parameters as { MetricData: { Value: number }[] }).MetricData[0]?.Value,
    ])
    .sort();
  expect(told, stdout).toEqual([
    [own, 0],
    [other, 1],
  ]);
  await stage.simulator.control.settings({ deny: [{ action: "cloudwatch:PutMetricAlarm" }] }, home);
  const { code, report, done } = await alarms(stage, "apply");
  expect(code).toBe(1);
  expect(report.units.map(({ outcome }) => outcome)).toEqual(["done", "done"]);
  expect(done.map((list) => list.at(-1))).toEqual([`${name} failed`, `${name} created`]);
}, 60_000);

test.concurrent("where the topic is made and the alarm is denied, something is done; where nothing is, it says what for", async () => {
  await using stage = await started();
  await stage.simulator.control.settings({ deny: [{ action: "cloudwatch:PutMetricAlarm" }] });
  const first = await alarms(stage, "apply", "--region", "eu-west-1");
  expect(first.done[0], first.stderr).toEqual([
    "ec2-backup created",
    "ops@example.com subscribed",
    `${name} failed`,
  ]);
  expect(first.code).toBe(1);
  const second = await alarms(stage, "apply", "--region", "eu-west-1");
  expect([second.code, second.done[0]]).toEqual([77, [`${name} failed`]]);
}, 60_000);

test.concurrent("a unit that could not be looked into as a whole tells no number, and least of all that nothing is overdue", async () => {
  await using stage = await started();
  // The last of what is listed: the snapshots and the volumes are known by then.
  await stage.simulator.control.settings({ deny: [{ action: "ec2:DescribeInstances" }] }, home);
  const { code, stdout } = await stage.execute(["sweep", "audit", "--publish", "--json"]);
  expect([code, stdout.includes('"unread"')], stdout).toEqual([1, true]);
  const told = stage.calls().filter(({ action }) => action === "PutMetricData");
  expect(told.map(({ account }) => account)).toEqual([other]);
}, 60_000);
