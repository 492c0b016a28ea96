import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { knownPolicies } from "../../src/core/policies.ts";
import { fillPolicy, type Json } from "../../src/core/policy-fill.ts";
import { cloudFormationOf, type NamedPolicy, terraformOf } from "../../src/core/policy-template.ts";
import { Host } from "./host.ts";

const folder = path.join(import.meta.dirname, "../../policies");
const roles = knownPolicies.filter(({ kind }) => kind === "role").map(({ name }) => name);

async function all(): Promise<NamedPolicy[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".json"));
  return Promise.all(
    files.map(async (file) => ({
      name: path.parse(file).name,
      document: JSON.parse(await readFile(path.join(folder, file), "utf8")) as Json,
    })),
  );
}

test("every document has a line of its own, is small enough, and each of its statements a name", async () => {
  const names = knownPolicies.map(({ name }) => name);
  for (const { name, document } of await all()) {
    expect(names, name).toContain(name);
    // The quota of an inline policy of a role is 10,240 characters for all of them, that of a managed one 6,144.
    expect(JSON.stringify(document).length, name).toBeLessThan(5_120);
    if (name === "recycle-bin-rule") continue;
    const { Version, Statement } = document as { Version: string; Statement: { Sid: string }[] };
    expect(Version).toBe("2012-10-17");
    const sids = Statement.map(({ Sid }) => Sid);
    for (const sid of sids) expect(sid, name).toMatch(/^[A-Za-z0-9]+$/);
    expect(new Set(sids).size, name).toBe(sids.length);
  }
});

test.each([
  ["aws", "eu-central-1"],
  ["aws-cn", "cn-north-1"],
  ["aws-us-gov", "us-gov-west-1"],
])("%s: what is filled in is of that partition, Region and account alone", async (partition, region) => {
  const account = "111122223333";
  const place = {
    partition,
    region,
    account,
    topics: [`arn:${partition}:sns:${region}:${account}:t`],
    keys: [],
  };
  for (const { name, document } of await all()) {
    const text = JSON.stringify(fillPolicy(document, place));
    for (const [, one, service, where, whose] of text.matchAll(
      /"arn:([^:"]*):([^:"]*):([^:"]*):([^:"]*):/g,
    )) {
      expect(one, name).toBe(partition);
      // Copies are made in other Regions.
      const elsewhere = /^(sweep-)?copy/.test(name) ? ["?*"] : [];
      if (service !== "iam" && where !== "") expect([region, ...elsewhere], name).toContain(where);
      // A sweep takes on roles of other accounts.
      if (whose !== "" && !(name.startsWith("sweep") && service === "iam")) expect(whose, name).toBe(account);
    }
    expect(text, name).not.toContain("amazonaws.com*");
    expect(text, name).not.toContain("ec2.*.");
  }
});

test("flags say what neither the configuration nor the instance does, and what is missing is named", async (context) => {
  const host = await Host.start(context, {});
  const here = await host.ask("policy", "agent-create-only");
  expect([here.code, here.json]).toMatchObject([
    0,
    { place: { partition: "aws", region: "eu-central-1", account: "111122223333", namespace: "EC2Backup" } },
  ]);
  await host.write(
    'version: 1\nmetrics: { namespace: Own }\nalarms: { createTopic: pager }\nnotify: { topic: "arn:aws:sns:eu-central-1:111122223333:people" }\n',
  );
  const client = await host.ask("policy", "repository-client");
  expect([client.code, JSON.stringify(client.json)]).toEqual([
    64,
    expect.stringContaining("--bucket bucket/path"),
  ]);
  const named = await host.ask("policy", "repository-client", "--bucket", "backups/build");
  expect(named.stdout).toContain('"Resource":"arn:aws:s3:::backups"');
  expect(named.stdout).toContain('"Resource":"arn:aws:s3:::backups/build/locks/*"');
  const metrics = await host.ask("policy", "metrics", "notify");
  expect(metrics.stdout).toContain('"cloudwatch:namespace":"Own"');
  expect(metrics.stdout).toContain("arn:aws:sns:eu-central-1:111122223333:pager");
  expect(metrics.stdout).toContain("arn:aws:sns:eu-central-1:111122223333:people");
  const lock = await host.ask("policy", "lock", "--lock-days", "7", "--namespace", "Other");
  expect(lock.stdout).toContain('"ec2:SnapshotLockDuration":"7"');

  await host.bench.simulator.control.settings({ imds: { enabled: false } });
  const away = await host.ask("policy", "drill");
  expect([away.code, away.json.error?.kind, JSON.stringify(away.json)]).toEqual([
    64,
    "usage",
    expect.stringContaining("say it by --region and --account"),
  ]);
  const told = await host.ask("policy", "drill", "--region", "cn-north-1", "--account", "444455556666");
  expect(told.stdout).toContain("arn:aws-cn:kms:cn-north-1:444455556666:key/*");
  expect((await host.ask("policy", "nothing")).code).toBe(64);
  const listed = await host.bench.execute(["policy"]);
  for (const { name } of knownPolicies.filter((one) => one.name !== "vss"))
    expect(listed.stdout).toContain(name);
}, 60_000);

test("the templates make role, profile and topic of every policy, and leave IAM's variables to IAM", async () => {
  const policies = (await all()).filter(({ name }) => roles.includes(name));
  const topic = (await all()).find(({ name }) => name === "topic")?.document ?? null;
  const stack = cloudFormationOf(policies, topic, { keys: [] }) as {
    Resources: Record<string, { Type: string }>;
  };
  expect(Object.values(stack.Resources).map(({ Type }) => Type)).toEqual([
    "AWS::IAM::Role",
    "AWS::IAM::InstanceProfile",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
  ]);
  const ids = new Set(Object.keys(stack.Resources));
  const pseudo = new Set(["AWS::Partition", "AWS::Region", "AWS::AccountId", "AWS::URLSuffix"]);
  const visit = (value: unknown, under = ""): void => {
    if (typeof value === "string") {
      const names = [...value.matchAll(/\$\{([^}]*)\}/g)].map(([, name = ""]) => name);
      if (under === "Ref") expect(ids).toContain(value);
      else if (under === "Fn::Sub")
        for (const name of names)
          expect(name.startsWith("!") || pseudo.has(name) || ids.has(name), value).toBe(true);
      else for (const name of names) expect(name, value).toMatch(/^ec2:/);
    } else if (typeof value === "object" && value !== null)
      for (const [key, each] of Object.entries(value)) visit(each, Array.isArray(value) ? under : key);
  };
  visit(stack);
  const text = JSON.stringify(stack);
  expect(text).toContain(`instance/${"${!"}ec2:InstanceID}`);
  expect(text).not.toContain("arn:*:");

  const written = terraformOf(policies, topic, { keys: [] });
  expect(written).not.toMatch(/\\u000[12]/);
  for (const [, dollars = "", inside = ""] of written.matchAll(/(\$+)\{([^}]*)\}/g))
    expect(`${dollars}${inside}`).toMatch(/^(\$\$ec2:|\$data\.aws_|\$aws_sns_topic\.)/);
  // Each document is JSON again once the expressions are taken for words.
  const blocks = [...written.matchAll(/jsonencode\(([\s\S]*?\n {2}\})\)\n\}/g)];
  expect(blocks).toHaveLength(policies.length + 2);
  for (const [, block = ""] of blocks) JSON.parse(block);
  let depth = 0;
  for (const character of written.replace(/"(\\.|[^"\\])*"/g, "")) {
    if ("{[(".includes(character)) depth++;
    if ("}])".includes(character)) depth--;
    expect(depth).toBeGreaterThanOrEqual(0);
  }
  expect(depth).toBe(0);
});
