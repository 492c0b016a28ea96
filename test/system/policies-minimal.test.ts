import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterAll, expect, test } from "vitest";
import type { Permission } from "../../src/simulator/identity-policies.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { keys, Stage, topic } from "./alarm-stage.ts";
import { Bench, type Ended } from "./bench.ts";
import { instance, scenarioOf, volumesOf } from "./history.ts";
import { disagreements } from "./iam-agreement.ts";
import { asked, govern, notAllowed, type Policy, policyNamed, superfluous } from "./policies.ts";

/** What all of the runs below have asked for. */
const everything = new Map<string, Permission>();

afterAll(async () => {
  const all = [...everything.values()];
  expect(all.length).toBeGreaterThan(25);
  const files = (await readdir(path.join(import.meta.dirname, "../../policies"))).sort();
  const policies = await Promise.all(
    files
      .filter((file) => file.endsWith(".json") && file !== "recycle-bin-rule.json" && file !== "topic.json")
      .map((file) => policyNamed(path.parse(file).name)),
  );
  const found = await Promise.all(policies.map((policy) => disagreements([policy], all)));
  expect([...new Set(found.flat())]).toEqual([]);
}, 60_000);

const named = (...names: readonly string[]) => Promise.all(names.map(policyNamed));

interface Told {
  readonly codes: readonly (number | null)[];
  readonly text: string;
  /** What of the policies could be left out. */
  readonly spare: readonly string[];
  /** What was asked for and is not given. */
  readonly denied: readonly string[];
}

/** Runs commands under policies alone. */
async function under(
  bench: Bench,
  policies: readonly Policy[],
  ...commands: readonly (readonly string[])[]
): Promise<Told> {
  await govern(bench.simulator, policies);
  const since = bench.simulator.control.calls().at(-1)?.number ?? 0;
  const ended: Ended[] = [];
  for (const words of commands) ended.push(await bench.execute(["--config", bench.config, ...words]));
  return told(bench, policies, ended, since);
}

function told({ simulator }: Bench, policies: readonly Policy[], ended: readonly Ended[], since = 0): Told {
  const needed = asked(simulator, since);
  for (const one of needed) everything.set(`${one.action} ${one.resource} ${Object.keys(one.context)}`, one);
  const denied = notAllowed(policies, needed);
  const given = needed.filter((one) => !denied.includes(one));
  return {
    codes: ended.map(({ code }) => code),
    text: ended.map(({ stdout, stderr }) => stdout + stderr).join("\n"),
    spare: superfluous(policies, given),
    denied: [...new Set(denied.map(({ action }) => action))].sort(),
  };
}

const snapshotIn = async ({ simulator }: Bench) =>
  Object.keys((await simulator.control.state()).snapshots)[0] ?? "";

/** A job with a hook, after whose points are marked; `doctor` rehearses that. */
async function held({ config }: Bench, more = ""): Promise<void> {
  const hooks = "[{ command: { name: app, before: [/bin/true] } }]";
  const job = `{ hooks: ${hooks}, retention: { last: 2 }, waits: { request: 20s, capture: 20s } }`;
  await writeFile(config, `version: 1\njobs: { default: ${job} }\n${more}`, { mode: 0o600 });
}

const key = `arn:aws:kms:${instance.region}:${instance.account}:key/0fa0`;
const world = (change: Partial<Scenario> = {}) =>
  scenarioOf(2, 5, {
    limits: false,
    images: [],
    keys: [{ id: "0fa0", aliases: ["alias/own"] }],
    accessKeys: [{ id: keys.accessKeyId, user: "other" }],
    ...change,
  });

test.concurrent("agent-create-only with metrics: enough for what does not remove, and nothing of it is spare", async () => {
  await using bench = await Bench.start(world());
  const policies = await named("agent-create-only", "metrics");
  const explain = ["explain", await snapshotIn(bench)];
  const plain = await under(bench, policies, ["plan"], ["list"], explain, ["report", "--format", "json"]);
  expect([plain.codes, plain.denied], plain.text).toEqual([[0, 0, 0, 0], []]);
  await held(bench);
  const all = await under(bench, policies, ["run"], ["doctor"], ["status", "--refresh"]);
  // These it is refused by design: retention is somebody else's, and `doctor` has a policy of its own.
  expect(all.denied).toEqual(["cloudwatch:DescribeAlarms", "ec2:DeleteSnapshot"]);
  const both = told(bench, policies, []);
  expect(both.spare).toEqual([]);
  const { snapshots } = await bench.simulator.control.state();
  expect(Object.keys(snapshots)).toHaveLength(14);
}, 60_000);

test.concurrent("agent-self-pruning, metrics and doctor: enough for run, prune and doctor, and nothing is spare", async () => {
  const volumes = volumesOf(2).map(({ id, device, sizeGiB: size }) => ({
    id,
    size,
    encrypted: true,
    kmsKeyId: key,
    attachments: [{ instance: instance.id, device }],
  }));
  await using bench = await Bench.start(world({ volumes }));
  await other(bench, (sns) =>
    sns.send(new CreateTopicCommand({ Name: "ec2-backup", Attributes: { KmsMasterKeyId: "alias/own" } })),
  );
  await held(bench, `alarms: { topic: "${topic}" }\n`);
  const policies = await named("agent-self-pruning", "metrics", "doctor");
  const { codes, denied, spare, text } = await under(
    bench,
    policies,
    ["run"],
    ["prune", "--yes"],
    ["doctor"],
  );
  expect(codes.slice(0, 2), text).toEqual([0, 0]);
  expect([denied, spare]).toEqual([[], []]);
}, 60_000);

test.concurrent("pruner: another role removes points of this instance that its own may not", async () => {
  await using bench = await Bench.start(world());
  const [agent, pruner] = await named("agent-create-only", "pruner");
  const governed = [
    { principal: "*:assumed-role/*", documents: [JSON.stringify(agent)] },
    { principal: "*:user/other", documents: [JSON.stringify(pruner)] },
  ];
  await bench.simulator.control.settings({ policies: governed });
  await bench.configure({}, "{ last: 2 }");
  const words = ["prune", "--yes", "--config", bench.config, "--json"];
  const refused = await bench.execute(words);
  expect([refused.code, /ec2:DeleteSnapshot/.test(refused.stdout)]).toEqual([77, true]);
  const env = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
  const done = await bench.execute(words, { env });
  // Its metrics are the instance's own affair.
  expect(done.stdout).toMatch(/"outcome":"removed"/);
  const needed = asked(bench.simulator, 0, ":user/other").filter(({ action }) => action.startsWith("ec2:"));
  expect(notAllowed([pruner as Policy], needed)).toEqual([]);
  expect(superfluous([pruner as Policy], needed)).toEqual([]);
  const byHand = Object.values((await bench.simulator.control.state()).snapshots).filter(
    ({ tags }) => tags["Name"] === "made by hand",
  );
  expect(byHand).toHaveLength(2);
}, 60_000);

test.concurrent("alarms: enough for all that it is for, nothing is spare; alarms-pause is enough to pause and resume", async () => {
  await using stage = await Stage.start({}, ", email: [ops@example.com]");
  const { bench } = stage;
  await stage.run();
  const policies = await named("alarms");
  await govern(bench.simulator, policies);
  const since = bench.simulator.control.calls().at(-1)?.number ?? 0;
  const words = [
    ["plan"],
    ["apply"],
    ["test", "--wait", "1s"],
    ["dashboard"],
    ["pause"],
    ["resume"],
  ] as const;
  for (const each of words.slice(0, 2)) {
    const { stdout } = await stage.alarms(...each);
    expect(stdout).not.toContain("AccessDenied");
    expect(stdout).not.toContain("Unauthorized");
  }
  await stage.hears();
  for (const each of words.slice(2)) await stage.alarms(...each);
  const pausing = await named("alarms-pause");
  const later = bench.simulator.control.calls().at(-1)?.number ?? 0;
  await govern(bench.simulator, pausing);
  expect((await stage.alarms("pause")).code).toBe(0);
  // What rang in the meantime is set back.
  await stage.later("30h");
  expect((await stage.alarms("resume")).code).toBe(0);
  const paused = told(bench, pausing, [], later);
  expect(paused.spare).toEqual([]);
  await govern(bench.simulator, policies);
  expect((await stage.alarms("remove")).code).toBe(0);
  const { denied, spare } = told(bench, policies, [], since);
  expect([denied, spare]).toEqual([[], []]);
}, 90_000);

test.concurrent("notify: enough to tell an encrypted topic of a run that failed, and nothing is spare", async () => {
  await using bench = await Bench.start(world());
  await other(bench, (sns) =>
    sns.send(new CreateTopicCommand({ Name: "ec2-backup", Attributes: { KmsMasterKeyId: "alias/own" } })),
  );
  await held(bench, `notify: { topic: "${topic}", on: always }\n`);
  const policies = await named("agent-self-pruning", "metrics", "notify");
  const { codes, denied, text } = await under(bench, policies, ["run"]);
  expect([codes, denied], text).toEqual([[0], []]);
  const own = policies.slice(-1);
  const needed = asked(bench.simulator).filter(({ action }) => /^(sns|kms):/.test(action));
  expect(superfluous(own, needed)).toEqual([]);
}, 60_000);

/** Something that somebody does whom no policy governs. */
async function other({ simulator }: Bench, act: (sns: SNSClient) => Promise<unknown>): Promise<void> {
  const sns = new SNSClient({ endpoint: simulator.url, region: instance.region, credentials: keys });
  await act(sns);
  sns.destroy();
}
