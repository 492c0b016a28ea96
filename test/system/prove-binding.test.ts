import { expect, test } from "vitest";
import { Bench, type Ended } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";
import { govern, type Policy, type Statement } from "./policies.ts";

const other = { id: "i-0fa00000000000002", arn: instance.arn.replace(/.$/, "2") };
const theirs = "vol-0fa00000000000002";
const foreign = "snap-0fa00000000000002";

interface Finding {
  readonly check: string;
  readonly severity: string;
  readonly what: string;
  readonly command: string;
}

/** A host with another one beside it, of which there is a point. */
async function start(more: { readonly alone?: boolean } = {}): Promise<Bench> {
  const scenario = scenarioOf(1, 1, { limits: false });
  const bench = await Bench.start(
    more.alone === true
      ? {
          ...scenario,
          snapshots: (scenario.snapshots ?? []).filter(({ tags }) => tags?.["Name"] === undefined),
        }
      : {
          ...scenario,
          instances: [...(scenario.instances ?? []), { id: other.id }],
          volumes: [
            ...(scenario.volumes ?? []),
            { id: theirs, size: 1, attachments: [{ instance: other.id, device: "/dev/xvda" }] },
          ],
          snapshots: [
            ...(scenario.snapshots ?? []),
            { id: foreign, volumeId: theirs, tags: { "ec2-backup:instance": other.arn } },
          ],
        },
  );
  return bench;
}

const allow = (
  Action: string | string[],
  Condition: Statement["Condition"] = {},
  Resource = "*",
): Statement => ({
  Effect: "Allow",
  Action,
  Resource,
  Condition,
});

const read = allow(["ec2:Describe*", "cloudwatch:*"]);
const policy = (...Statement: Statement[]): Policy => ({ Version: "2012-10-17", Statement });
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: they are IAM's variables
const source = "${ec2:SourceInstanceARN}";
const own = { StringEquals: { "aws:ResourceTag/ec2-backup:instance": source } };
const bound = policy(
  read,
  allow(
    "ec2:CreateSnapshots",
    { ArnLike: { "ec2:SourceInstanceARN": "arn:aws:ec2:*:*:instance/${ec2:InstanceID}" } },
    "arn:aws:ec2:*:*:instance/*",
  ),
  allow("ec2:CreateSnapshots", {}, "arn:aws:ec2:*:*:volume/*"),
  allow("ec2:CreateSnapshots", {}, "arn:aws:ec2:*::snapshot/*"),
  allow("ec2:CreateTags", { StringEquals: { "ec2:CreateAction": "CreateSnapshots" } }),
  allow(["ec2:CreateTags", "ec2:DeleteSnapshot"], own),
);
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above

const asked = (bench: Bench): Promise<Ended> =>
  bench.execute(["doctor", "--prove-binding", "--no-metric", "--json", "--config", bench.config]);

async function prove(
  bench: Bench,
): Promise<Ended & { readonly findings: readonly Finding[]; readonly document: string }> {
  const before = bench.simulator.control.calls().length;
  const ended = await asked(bench);
  const calls = bench.simulator.control.calls().slice(before);
  const deeds = calls.filter(({ action }) =>
    /^(Create|Delete|Modify|Lock|Unlock|Register|Deregister)/.test(action),
  );
  expect(deeds.length, "it tries something").toBeGreaterThan(0);
  for (const { action, parameters, outcome } of deeds) {
    expect(parameters, action).toMatchObject({ DryRun: true });
    expect(outcome?.status, action).not.toBe(200);
  }
  const { findings } = JSON.parse(ended.stdout) as { findings: readonly Finding[] };
  return { ...ended, findings: findings.filter(({ check }) => check === "binding"), document: ended.stdout };
}

test("a role that is bound to its instance is refused all of it, and that is told", async () => {
  await using bench = await start();
  await govern(bench.simulator, [bound]);
  const { findings, document } = await prove(bench);
  expect(findings, document).toMatchObject([
    { severity: "note", command: "ec2-backup policy agent-create-only" },
  ]);
  for (const part of [
    `snapshot ${other.id}, another instance`,
    `delete ${foreign}`,
    `mark ${foreign}`,
    `claim ${foreign}`,
  ])
    expect(findings[0]?.what).toContain(part);
});

/** Each for itself takes its time. */
const powers = [
  ["snapshot", ["ec2:CreateSnapshots"], 2],
  ["delete", ["ec2:DeleteSnapshot"], 2],
  ["tag", ["ec2:CreateTags"], 4],
  ["do", ["ec2:CreateSnapshots", "ec2:DeleteSnapshot", "ec2:CreateTags"], 8],
] as const;

test.each(process.env["SOAK"] === undefined ? powers.slice(-1) : powers)(
  "one that may %s more than its own is told so, with what mends it",
  async (_, actions, count) => {
    await using bench = await start();
    await govern(bench.simulator, [policy(...bound.Statement, allow([...actions]))]);
    const { findings, code } = await prove(bench);
    const errors = findings.filter(({ severity }) => severity === "error");
    expect(errors).toHaveLength(count);
    expect(code).not.toBe(0);
    for (const { what, command } of errors) {
      expect(what).toMatch(/^this role may /);
      expect(command).toBe("ec2-backup policy agent-create-only");
    }
  },
);

test("where there is no other instance and AWS looks at the id first, nothing is proved", async () => {
  await using bench = await start({ alone: true });
  const { findings, document } = await prove(bench);
  expect(findings.map(({ severity }) => severity)).toEqual(["warning", "warning"]);
  expect(findings[0]?.what).toMatch(/could not be proved .*InvalidInstanceID.NotFound/);
  expect(document).toContain("no snapshot that is not of this instance");
  await govern(bench.simulator, [bound]);
  const denied = await prove(bench);
  expect(denied.findings).toMatchObject([
    { severity: "note", what: expect.stringContaining("a made-up instance") },
  ]);
});

test("an endpoint that takes no notice of DryRun is asked for nothing", async () => {
  await using bench = await start();
  await bench.simulator.control.faults([
    { action: "DescribeVolumes", dryRun: true, kind: "error", code: "UnsupportedOperation", count: "always" },
  ]);
  const ended = await asked(bench);
  expect(ended.stdout).toContain("it is not sure that the endpoint takes notice of DryRun");
  expect(bench.apiCalls().filter(({ action }) => /^(Create|Delete)/.test(action))).toEqual([]);
});

test("without being asked for, nobody else's things are touched, not even as a dry run", async () => {
  await using bench = await start();
  await bench.execute(["doctor", "--no-metric", "--config", bench.config]);
  expect(JSON.stringify(bench.apiCalls())).not.toContain(foreign);
  expect(JSON.stringify(bench.apiCalls())).not.toContain(other.id);
});
