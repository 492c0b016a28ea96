import { spawn } from "node:child_process";
import { once } from "node:events";
import { EC2Client, StopInstancesCommand } from "@aws-sdk/client-ec2";
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import { intentOf, stopPrefix } from "../../src/core/sweep-stop.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { agent } from "./bench.ts";
import { asked, notAllowed, policyNamed, superfluous } from "./policies.ts";
import { fleetOf, instanceId, own, type SeriesWish, SweepStage, volumeId } from "./sweep-stage.ts";

const credentials = { accessKeyId: "AKIASIMULATORTEST001", secretAccessKey: "secret" };
const home = `${own}/eu-central-1`;
const both = { Backup: "yes", Backup_Stop: "yes" };
const quick: Partial<Scenario> = { times: { stop: 0.3, start: 0.3 } };
const stopping = "{ create: { stop: true, stopFor: 4s, startFor: 4s } }";

function stageOf(
  wishes: readonly SeriesWish[],
  change: Partial<Scenario> = {},
  sweep = stopping,
  kmsKeyId?: string,
): Promise<SweepStage> {
  const fleet = fleetOf(wishes, { ...quick, ...change });
  const volumes = fleet.volumes?.map((one) => ({ ...one, ...(kmsKeyId === undefined ? {} : { kmsKeyId }) }));
  return SweepStage.start({ ...fleet, ...(volumes && { volumes }) }, sweep);
}

async function instanceOf({ simulator }: SweepStage, number: number) {
  const found = (await simulator.control.state()).instances[instanceId(number)];
  if (found === undefined) throw new Error(`no instance ${number}`);
  const marks = Object.keys(found.tags).filter((key) => key.startsWith(stopPrefix));
  return { ...found, marks };
}

/** The snapshots that are not of the scenario, with how consistent they say they are. */
async function made({ simulator }: SweepStage): Promise<[string, string | undefined][]> {
  const { snapshots } = await simulator.control.state();
  return Object.values(snapshots)
    .filter(({ tags }) => !tags[tagKeys.point]?.startsWith("0fa00000"))
    .map(({ volumeId: id, tags }): [string, string | undefined] => [id, tags[tagKeys.consistency]])
    .sort();
}

const actionsOf = (stage: SweepStage, since = 0) =>
  stage.calls(since).flatMap(({ action, parameters }) => {
    if (/^(Describe|GetCaller|PutMetric)/.test(action)) return [];
    return [JSON.stringify(parameters).includes('"DryRun":') ? `${action} (dry)` : action];
  });

test.concurrent("stops, captures and starts what file and tag want together, in that order, under its policies alone", async () => {
  const key = "5f0e2c1a-0000-4000-8000-000000000001";
  await using stage = await stageOf(
    [
      { number: 1, ages: [3], tags: both, volumes: 2 },
      { number: 2, ages: [3], tags: { Backup: "yes" } },
    ],
    { keys: [{ id: key }] },
    stopping,
    `arn:aws:kms:eu-central-1:${own}:key/${key}`,
  );
  const names = ["sweep", "sweep-create", "sweep-stop", "metrics"];
  const policies = await Promise.all(names.map(policyNamed));
  const documents = policies.map((one) => JSON.stringify(one));
  await stage.simulator.control.settings({ policies: [{ principal: "*:user/operator", documents }] });

  const planned = await stage.sweep(["--only", "create", "--dry-run"]);
  expect(planned.unit(home).create?.captured, planned.stdout).toMatchObject([
    { instance: instanceId(2), outcome: "overdue" },
    { instance: instanceId(1), outcome: "overdue", stops: true },
  ]);
  const since = stage.calls().at(-1)?.number ?? 0;
  const swept = await stage.sweep(["--only", "create"]);
  expect([swept.code, swept.unit(home).problems], swept.stdout).toEqual([0, []]);
  expect(swept.unit(home).create?.captured).toMatchObject([
    { instance: instanceId(2), outcome: "created" },
    { instance: instanceId(1), outcome: "created", offFor: expect.any(Number) },
  ]);
  expect(actionsOf(stage, since)).toEqual([
    "StopInstances (dry)",
    "StartInstances (dry)",
    // What is captured as it runs is claimed, so that two sweeps make one point.
    ...["CreateTags", "CreateSnapshots", "DeleteTags"],
    "CreateTags",
    "StopInstances",
    "CreateSnapshots",
    ...["StartInstances", "CreateTags"],
    "DeleteTags",
  ]);
  expect(await instanceOf(stage, 1)).toMatchObject({ state: "running", marks: [], boots: 2 });
  expect(await instanceOf(stage, 2)).toMatchObject({ state: "running", boots: 1 });
  expect(await made(stage)).toEqual([
    [volumeId(1, 0), "filesystem"],
    [volumeId(1, 1), "filesystem"],
    [volumeId(2, 0), "crash"],
  ]);
  const needed = asked(stage.simulator, 0, ":user/operator");
  expect(notAllowed(policies, needed)).toEqual([]);
  expect(superfluous(policies.slice(2, 3), needed)).toEqual([]);
}, 60_000);

const refusals: readonly [string, Omit<SeriesWish, "number" | "ages">, RegExp][] = [
  ["a member of an Auto Scaling group", { group: "web" }, /Auto Scaling group web/],
  ["a spot instance", { machine: { lifecycle: "spot", persistentSpot: true } }, /spot instance/],
  ["an instance-store root", { machine: { rootInstanceStore: true } }, /root device/],
  ["instance stores", { machine: { instanceType: "m5d.large" } }, /instance stores of its type/],
  ["a public address of Amazon's", { machine: { publicIp: "203.0.113.7" } }, /203\.0\.113\.7/],
  ["hibernation", { machine: { hibernation: true } }, /hibernated/],
  ["stop protection", { machine: { disableApiStop: true } }, /disableApiStop/],
];

test.concurrent("what must not be stopped is captured as it runs, with the reason", async () => {
  const wishes = refusals.map(([, wish], index) => ({ number: index + 1, ages: [3], tags: both, ...wish }));
  const elastic = { number: 8, ages: [3], tags: both, machine: { publicIp: "203.0.113.9", elasticIp: true } };
  const off = { number: 9, ages: [3], tags: both, state: "stopped" as const };
  await using stage = await stageOf([...wishes, elastic, off]);
  const swept = await stage.sweep(["--only", "create"]);
  expect(swept.code, swept.stdout).toBe(1);
  const captured = new Map(swept.unit(home).create?.captured.map((one) => [one.instance, one]));
  for (const [index, [what, , why]] of refusals.entries()) {
    const one = captured.get(instanceId(index + 1));
    expect([one?.outcome, one?.notStopped], what).toEqual(["created", expect.stringMatching(why)]);
    expect(await instanceOf(stage, index + 1), what).toMatchObject({ state: "running", boots: 1, marks: [] });
  }
  expect(captured.get(instanceId(8))).toMatchObject({ outcome: "created", offFor: expect.any(Number) });
  expect(await instanceOf(stage, 9), "what was off stays off").toMatchObject({ state: "stopped" });
  expect(Object.fromEntries(await made(stage))).toEqual({
    ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 9].map((number) => [volumeId(number), "crash"])),
    [volumeId(8)]: "filesystem",
  });
  const problems = swept.unit(home).problems;
  expect(problems.every(({ code, severity }) => code === "NotStopped" && severity === "error")).toBe(true);
  expect(problems).toHaveLength(refusals.length);
}, 60_000);

test.concurrent("one that takes no further tag is captured as it runs and not stopped: nobody could tell who is to start it", async () => {
  // With its name and what asks for the stop these are 50.
  const full = Object.fromEntries(Array.from({ length: 47 }, (_, index) => [`Cost${index}`, "1"]));
  await using stage = await stageOf([{ number: 1, ages: [3], tags: { ...both, ...full } }]);
  const reason = { instance: instanceId(1), notStopped: expect.stringMatching(/^it has 50 tags/) };
  const planned = await stage.sweep(["--only", "create", "--dry-run"]);
  expect(planned.unit(home).create?.captured).toMatchObject([{ ...reason, outcome: "overdue" }]);
  const swept = await stage.sweep(["--only", "create"]);
  expect([swept.code, swept.unit(home).outcome], swept.stdout).toEqual([1, "partly"]);
  expect(swept.unit(home).create?.captured).toMatchObject([{ ...reason, outcome: "created" }]);
  expect(swept.unit(home).problems).toMatchObject([
    { severity: "error", code: "NotStopped" },
    { severity: "warning", code: "TagLimitExceeded" },
  ]);
  expect(await instanceOf(stage, 1)).toMatchObject({ state: "running", boots: 1, marks: [] });
  expect(await made(stage)).toEqual([[volumeId(1), "crash"]]);
});

test.concurrent.each([
  ["TagLimitExceeded", 400, "NotStopped"],
  ["UnauthorizedOperation", 403, "UnauthorizedOperation"],
])("one whose tag EC2 refuses with %s is captured as it runs", async (code, status, told) => {
  await using stage = await stageOf([{ number: 1, ages: [3], tags: both }]);
  stage.simulator.control.faults([
    { kind: "error", action: "CreateTags", count: 1, code, status, message: "no" },
  ]);
  const swept = await stage.sweep(["--only", "create"]);
  expect([swept.code, swept.unit(home).outcome], swept.stdout).toEqual([1, "partly"]);
  expect(swept.unit(home).problems).toMatchObject([{ severity: "error", code: told }]);
  expect(swept.unit(home).create?.captured).toMatchObject([
    {
      outcome: "created",
      notStopped: expect.stringMatching(/^the tag that tells of it could not be written/),
    },
  ]);
  expect(await instanceOf(stage, 1)).toMatchObject({ state: "running", boots: 1, marks: [] });
});

test.concurrent("nothing is stopped by the tag alone, nor by the file alone; by tag and flag it is", async () => {
  await using stage = await stageOf(
    [
      { number: 1, ages: [3], tags: both },
      { number: 2, ages: [3], tags: { Backup: "yes", Backup_Stop: "no" } },
      { number: 3, ages: [3], tags: { Backup: "yes", Backup_Stop: "maybe" } },
    ],
    {},
    "{ create: {} }",
  );
  const planned = await stage.sweep(["--dry-run", "--stop"]);
  const stops = planned.unit(home).create?.captured.map(({ instance, stops: is }) => [instance, is]);
  expect(stops).toEqual([
    [instanceId(2), undefined],
    [instanceId(3), undefined],
    [instanceId(1), true],
  ]);
  const since = stage.calls().at(-1)?.number ?? 0;
  expect((await stage.sweep(["--only", "create"])).code).toBe(0);
  expect(actionsOf(stage, since)).toEqual(["CreateTags", ...Array(3).fill("CreateSnapshots"), "DeleteTags"]);
});

test.concurrent("one that does not come up is told of, keeps others from being stopped, and is started by the next sweep", async () => {
  await using stage = await stageOf([
    { number: 1, ages: [5], tags: both },
    { number: 2, ages: [3], tags: both },
  ]);
  const { control } = stage.simulator;
  const sns = new SNSClient({ endpoint: stage.simulator.url, region: "eu-central-1", credentials });
  const { TopicArn: topic = "" } = await sns.send(new CreateTopicCommand({ Name: "backups" }));
  sns.destroy();
  await stage.configure(stopping, "5s", `notify: { topic: "${topic}" }\nalarms: { topic: "${topic}" }\n`);
  const applied = await stage.execute(["sweep", "alarms", "apply", "--json"]);
  expect(JSON.parse(applied.stdout).units[0].result.changes).toHaveLength(2);
  const alarm = async () => (await control.state()).alarms["ec2-backup/fleet/stopped"]?.state;
  const full = { kind: "error" as const, action: "StartInstances", dryRun: false, count: "always" as const };
  control.faults([{ ...full, code: "InsufficientInstanceCapacity", status: 500, message: "no room" }]);
  const swept = await stage.sweep(["--only", "create"]);
  expect(swept.code, swept.stdout).toBe(1);
  expect(swept.unit(home).stops?.down).toEqual([instanceId(1)]);
  expect(swept.unit(home).create?.captured).toMatchObject([
    { instance: instanceId(1), outcome: "created" },
    { instance: instanceId(2), outcome: "created", notStopped: expect.stringContaining(instanceId(1)) },
  ]);
  expect(swept.unit(home).problems).toContainEqual(
    expect.objectContaining({
      severity: "error",
      found: expect.stringContaining("InsufficientInstanceCapacity"),
    }),
  );
  expect(await instanceOf(stage, 1)).toMatchObject({ state: "stopped", marks: [expect.any(String)] });
  expect(await instanceOf(stage, 2)).toMatchObject({ state: "running", boots: 1, marks: [] });
  expect(told(stage)).toEqual([1]);
  const notices = stage.calls().filter(({ action }) => action === "Publish");
  expect(notices.map(({ parameters }) => parameters)).toMatchObject([
    { Subject: expect.stringContaining(`${instanceId(1)} does not run again`) },
  ]);

  // While that sweep might still be about it, others leave it alone.
  const early = await stage.sweep(["--only", "prune"]);
  expect(early.unit(home).stops).toMatchObject({ left: [instanceId(1)], started: [] });
  expect(told(stage), "nor does it tell that none is off").toEqual([1]);
  control.clearFaults();
  await control.clock({ advance: "1h" });
  expect(await alarm()).toBe("ALARM");
  const planned = await stage.sweep(["--only", "prune", "--dry-run"]);
  expect(planned.unit(home).stops).toMatchObject({ started: [instanceId(1)] });
  expect(await instanceOf(stage, 1)).toMatchObject({ state: "stopped" });
  const later = await stage.sweep(["--only", "prune"]);
  expect([later.code, later.unit(home).stops], later.stdout).toEqual([
    0,
    { started: [instanceId(1)], cleared: [], left: [], down: [] },
  ]);
  expect(await instanceOf(stage, 1)).toMatchObject({ state: "running", marks: [] });
  expect(told(stage)).toEqual([1, 0]);
  await control.clock({ advance: "10m" });
  expect(await alarm()).toBe("OK");
}, 60_000);

/** What sweeps have told CloudWatch of instances that are off. */
function told(stage: SweepStage): unknown[] {
  return stage.calls().flatMap(({ action, parameters }) => {
    if (action !== "PutMetricData") return [];
    const { MetricData: data } = parameters as { MetricData: { MetricName: string; Value: number }[] };
    return data.map(({ MetricName: name, Value: value }) => (name === "StoppedInstances" ? value : name));
  });
}

test.concurrent("of two sweeps at once one at most stops it, and both leave it running with one point", async () => {
  await using stage = await stageOf([
    { number: 1, ages: [3], tags: both },
    { number: 2, ages: [3], tags: both, machine: { hibernation: true } },
  ]);
  const two = await Promise.all([stage.sweep(["--only", "create"]), stage.sweep(["--only", "create"])]);
  const problems = two.flatMap((one) => one.unit(home).problems);
  expect(problems.map(({ code }) => code)).toEqual(["NotStopped"]);
  const first = (await made(stage)).filter(([volume]) => volume === volumeId(1));
  const { state, marks, boots } = await instanceOf(stage, 1);
  expect([state, marks]).toEqual(["running", []]);
  expect(boots).toBeLessThanOrEqual(2);
  // Where each has left it to the other, the next one does it.
  await stage.sweep(["--only", "create"]);
  expect(first.length).toBeLessThanOrEqual(1);
  expect((await made(stage)).map(([volume]) => volume)).toEqual([volumeId(1), volumeId(2)]);
}, 60_000);

test.concurrent("one that takes too long to stop is captured as it is, told of, and started by the next sweep", async () => {
  const slow = { times: { stop: 600, start: 0.3 } };
  await using stage = await stageOf(
    [{ number: 1, ages: [3], tags: both }],
    slow,
    "{ create: { stop: true, stopFor: 1s, startFor: 1s } }",
  );
  const swept = await stage.sweep(["--only", "create"]);
  expect(swept.code, swept.stdout).toBe(1);
  expect(swept.unit(home).stops?.down).toEqual([instanceId(1)]);
  expect(await made(stage)).toEqual([[volumeId(1), "crash"]]);
  expect(await instanceOf(stage, 1)).toMatchObject({ state: "stopping", marks: [expect.any(String)] });
  await stage.simulator.control.clock({ advance: "1h" });
  const audit = JSON.parse((await stage.execute(["sweep", "audit", "--json"])).stdout) as {
    findings: { kind: string; about: string[] }[];
  };
  expect(audit.findings[0]).toMatchObject({ kind: "stopped", about: [instanceId(1)] });
  const later = await stage.sweep(["--only", "create"]);
  expect([later.code, later.unit(home).stops?.started], later.stdout).toEqual([0, [instanceId(1)]]);
  expect(await instanceOf(stage, 1)).toMatchObject({ state: "running", marks: [] });
  expect(await made(stage)).toHaveLength(1);
}, 60_000);

test.concurrent("what somebody stops when a dead sweep's time is over stays off, and its tag goes", async () => {
  await using stage = await stageOf([{ number: 1, ages: [0], tags: both }]);
  const { control } = stage.simulator;
  const now = Date.parse((await control.clock({})).now);
  const at = (minutes: number) => new Date(now + minutes * 60_000);
  const { key, value } = intentOf("dead", instanceId(1), at(-60), at(-40));
  await control.instances([{ change: { instance: instanceId(1), tags: { [key]: value } } }]);
  const ec2 = new EC2Client({ endpoint: stage.simulator.url, region: "eu-central-1", credentials });
  await ec2.send(new StopInstancesCommand({ InstanceIds: [instanceId(1)] }));
  ec2.destroy();
  await control.clock({ advance: "1m" });
  const swept = await stage.sweep(["--only", "prune"]);
  expect([swept.code, swept.unit(home).stops?.cleared], swept.stdout).toEqual([0, [instanceId(1)]]);
  expect(await instanceOf(stage, 1)).toMatchObject({ state: "stopped", marks: [] });
});

test.concurrent("without the rights nothing is stopped, the rights are told, and a capture is made", async () => {
  await using stage = await stageOf([{ number: 1, ages: [3], tags: both }]);
  const names = ["sweep", "sweep-create", "metrics"];
  const documents = (await Promise.all(names.map(policyNamed))).map((one) => JSON.stringify(one));
  await stage.simulator.control.settings({ policies: [{ principal: "*:user/operator", documents }] });
  const swept = await stage.sweep(["--only", "create"]);
  expect(swept.code, swept.stdout).toBe(1);
  expect(swept.unit(home).problems).toMatchObject([{ severity: "error", kind: "denied" }]);
  expect(swept.unit(home).create?.captured).toMatchObject([
    { outcome: "created", notStopped: expect.any(String) },
  ]);
  expect(await instanceOf(stage, 1)).toMatchObject({ state: "running", boots: 1, marks: [] });
});

test.concurrent("a sweep that is told to stop while an instance is off starts it before it ends", async () => {
  await using stage = await stageOf([{ number: 1, ages: [3], tags: both }]);
  const { control } = stage.simulator;
  control.faults([{ kind: "delay", action: "CreateSnapshots", ms: 1_500 }]);
  const { AWS_EC2_METADATA_SERVICE_ENDPOINT: _, ...environment } = stage.simulator.environment;
  const child = spawn(process.execPath, [agent, "sweep", "--config", stage.config, "--only", "create"], {
    env: {
      PATH: process.env["PATH"],
      ...environment,
      ...{ AWS_ACCESS_KEY_ID: "AKIASIMULATORTEST001", AWS_SECRET_ACCESS_KEY: "secret" },
      AWS_EC2_METADATA_DISABLED: "true",
      STATE_DIRECTORY: stage.state,
    },
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  for (let seen = 0; ; ) {
    const calls = await control.waitForCalls(seen, 20_000);
    expect(calls.length).toBeGreaterThan(0);
    if (control.calls().some(({ action }) => action === "CreateSnapshots")) break;
    seen = Math.max(seen, ...calls.filter(({ outcome }) => outcome !== null).map(({ number }) => number));
  }
  child.kill("SIGTERM");
  await ended;
  const asked = stage
    .calls()
    .filter(({ action, outcome }) => action === "StartInstances" && outcome?.status === 200);
  expect(asked, "the instance is asked to start").toHaveLength(1);
  await control.clock({ advance: "1h" });
  const next = await stage.sweep(["--only", "create"]);
  expect(next.code, next.stdout).toBe(0);
  expect(await instanceOf(stage, 1)).toMatchObject({ state: "running", marks: [] });
  expect(await made(stage)).toHaveLength(1);
}, 60_000);

test.concurrent.each([
  ["says that it was stopped before", []],
  ["is refused", [{ kind: "denied", action: "StopInstances", dryRun: false, skip: 3, count: 1 }]],
] as const)(
  "a stop without an answer is the sweep's own, though the next request %s",
  async (_, more) => {
    await using stage = await stageOf([{ number: 1, ages: [3], tags: both }]);
    const lost = { kind: "reset-after", action: "StopInstances", dryRun: false, count: 3 } as const;
    stage.simulator.control.faults([lost, ...more]);
    const swept = await stage.sweep(["--only", "create"]);
    const { state, marks } = await instanceOf(stage, 1);
    if (more.length === 0) {
      expect([swept.code, state, marks], swept.stdout).toEqual([0, "running", []]);
      return;
    }
    expect([swept.code, marks.length, swept.unit(home).stops?.down], swept.stdout).toEqual([
      77,
      1,
      [instanceId(1)],
    ]);
    await stage.simulator.control.clock({ advance: "1h" });
    const next = await stage.sweep(["--only", "create"]);
    expect(next.code, next.stdout).toBe(0);
    expect(await instanceOf(stage, 1)).toMatchObject({ state: "running", marks: [], boots: 2 });
  },
  60_000,
);
