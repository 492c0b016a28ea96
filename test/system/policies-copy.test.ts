import { afterAll, expect, test } from "vitest";
import { fillPolicy, type Json } from "../../src/core/policy-fill.ts";
import type { Permission } from "../../src/simulator/identity-policies.ts";
import { Bench } from "./bench.ts";
import { instance, scenarioOf, volumesOf } from "./history.ts";
import { disagreements } from "./iam-agreement.ts";
import { asked, govern, notAllowed, ofPolicy, type Policy, policyNamed, superfluous } from "./policies.ts";

const arnOf = (region: string, id: string) => `arn:aws:kms:${region}:${instance.account}:key/${id}`;
const everything = new Map<string, Permission>();

afterAll(async () => {
  const policies = await Promise.all(["copy", "copy-pruning"].map(policyNamed));
  const found = await Promise.all(
    policies.map((policy) => disagreements([policy], [...everything.values()])),
  );
  expect([...new Set(found.flat())]).toEqual([]);
}, 60_000);

/** Volumes with a key here, and another for their copies there. */
async function start(job: string): Promise<Bench> {
  const key = arnOf(instance.region, "0fa0");
  const volumes = volumesOf(2).map(({ id, device, sizeGiB: size }) => ({
    ...{ id, size, encrypted: true, kmsKeyId: key },
    attachments: [{ instance: instance.id, device }],
  }));
  const change = { limits: false, images: [], keys: [{ id: "0fa0" }], volumes };
  const places = [{ region: "eu-west-1", keys: [{ id: "0fb0" }] }];
  const copies = { seconds: 600, secondsPerGiB: 0 };
  return Bench.start({ ...scenarioOf(2, 0, change), clock: { speed: 1 }, copies, places }, {}, job);
}

/** Runs under policies until copies have come and gone; what was not allowed and what could be left out. */
async function nights(job: string, names: readonly string[]) {
  await using bench = await start(job);
  // As `ec2-backup policy` fills them in: what is of the instance's own Region is of that alone.
  const { region, account } = instance;
  const place = { partition: "aws", region, account, topics: [], keys: [] };
  const plain = await Promise.all(names.map(policyNamed));
  const policies = plain.map((one) => fillPolicy(one as unknown as Json, place) as unknown as Policy);
  await govern(bench.simulator, policies);
  const codes: (number | null)[] = [];
  for (let night = 0; night < 5; night += 1) {
    const { code, stdout } = await bench.run();
    codes.push(code);
    if (code !== 0) throw new Error(stdout);
    await bench.tomorrow();
  }
  const needed = asked(bench.simulator);
  for (const one of needed) everything.set(`${one.action} ${one.resource} ${Object.keys(one.context)}`, one);
  const denied = notAllowed(policies, needed).map(({ action }) => action);
  const { snapshots } = await bench.simulator.control.state(`${instance.account}/eu-west-1`);
  const states = Object.values(snapshots).map(({ state, kmsKeyId }) => `${state} ${kmsKeyId}`);
  return { codes, denied, states, spare: superfluous(policies, needed), policies };
}

const target = (more: string) =>
  `copy: [{ region: eu-west-1, kmsKeyId: "${arnOf("eu-west-1", "0fb0")}"${more} }]`;

test.concurrent("copy and copy-pruning beside agent-self-pruning: enough to copy with keys and to thin, and nothing is spare", async () => {
  const job = `{ last: 1 }, ${target(", retention: { last: 2 }")}`;
  const own = ["agent-self-pruning", "metrics", "copy", "copy-pruning"];
  const { denied, states, spare, policies } = await nights(job, own);
  expect(denied).toEqual([]);
  expect(new Set(states)).toEqual(new Set([`completed ${arnOf("eu-west-1", "0fb0")}`]));
  expect(states).toHaveLength(6);
  const mine = policies.slice(2).map(ofPolicy);
  expect(spare.filter((less) => mine.some((of) => of(less)))).toEqual([]);
}, 90_000);

test.concurrent("copy beside agent-create-only: a job that another role prunes copies and asks for no deletion", async () => {
  const job = `{ last: 1 }, prune: elsewhere, ${target(", retention: { last: 1 }")}`;
  const { denied, states } = await nights(job, ["agent-create-only", "metrics", "copy"]);
  expect(denied).toEqual([]);
  expect(states).toHaveLength(8);
}, 90_000);

test.concurrent("doctor rehearses the copy in the other Region, and names the policy that is missing", async () => {
  await using bench = await start(`{ last: 4 }, ${target("")}`);
  expect((await bench.run()).code).toBe(0);
  await bench.tomorrow();
  const asked = async (...names: readonly string[]) => {
    await govern(bench.simulator, await Promise.all(names.map(policyNamed)));
    const { stdout } = await bench.execute(["doctor", "--json", "--config", bench.config]);
    const { findings } = JSON.parse(stdout) as { findings: { what: string; command: string }[] };
    return findings.filter(({ what }) => what.includes("eu-west-1"));
  };
  const own = ["agent-self-pruning", "metrics", "doctor"];
  expect(await asked(...own)).toMatchObject([
    { what: expect.stringContaining("may not copy"), command: expect.stringContaining("policies/copy.json") },
  ]);
  expect(await asked(...own, "copy")).toEqual([]);
  const { snapshots } = await bench.simulator.control.state(`${instance.account}/eu-west-1`);
  expect(Object.keys(snapshots)).toEqual([]);
});

test.concurrent("without them points are made all the same, and it is said once what is missing", async () => {
  await using bench = await start(`{ last: 4 }, ${target("")}`);
  await govern(bench.simulator, await Promise.all(["agent-self-pruning", "metrics"].map(policyNamed)));
  expect((await bench.run()).code).toBe(0);
  await bench.tomorrow();
  const { code, report } = await bench.run();
  expect([code, report.points.length]).toEqual([1, 1]);
  expect(report.problems.filter(({ severity }) => severity === "error")).toMatchObject([
    { kind: "denied", remedy: expect.stringContaining("ec2-backup policy copy") },
  ]);
});
