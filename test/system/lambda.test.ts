import { execFile } from "node:child_process";
import { readFile, symlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { dist } from "./bench.ts";
import { Stack, templateNamed } from "./cloudformation.ts";
import { credentials, functionRole, type Invoked, Sandbox } from "./lambda-stage.ts";
import { asked, notAllowed, superfluous } from "./policies.ts";
import { execute, type Machine } from "./state-machine.ts";
import { fleetOf, lastOnes, other, own, pointId, role, type SeriesWish, SweepStage } from "./sweep-stage.ts";

const home = `${own}/eu-central-1`;
const west = `${own}/eu-west-1`;
const theirs = `${other}/eu-central-1`;

const ages = [1, 2, 3, 4, 30, 31, 32];
const series = (number: number, more: Partial<SeriesWish> = {}): SeriesWish => ({
  number,
  ages,
  policy: lastOnes(4),
  ...more,
});
const many = (count: number): SeriesWish[] => Array.from({ length: count }, (_, index) => series(index + 1));
const kept = (wishes: readonly SeriesWish[]) =>
  wishes.flatMap(({ number }) => [1, 2, 3, 4].map((age) => pointId(number, age))).sort();

const code = { CodeBucket: "code", CodeKey: "lambda.zip" };
const functionStack = new Stack(templateNamed("sweep"), {
  ...code,
  FanOut: "yes",
  AuditSchedule: "rate(1 day)",
});
const memberStack = new Stack(templateNamed("sweep-member"), {
  SweepingAccount: own,
  ExternalId: "Backups-4711",
  Audit: "yes",
});

const config = (sweep: string, request = "5s") =>
  `version: 1\njobs: { default: { waits: { request: ${request}, retryFor: 1s, retryEvery: 100ms } } }\nsweep: ${sweep}\n`;
const everywhere = `{ regions: all, accounts: [self, { role: "${role}", externalId: Backups-4711, name: shop }], lambdaMargin: 4s }`;

/** An account with the function's stack in it, another one with the role for it, and nothing else allowed to them. */
async function deployed(wishes: readonly SeriesWish[], change: Partial<Scenario> = {}): Promise<SweepStage> {
  const roles = [{ arn: functionRole }, { arn: role, externalId: "Backups-4711", trusted: [functionRole] }];
  const stage = await SweepStage.start({ ...fleetOf(wishes, change), roles });
  const documents = (stack: Stack, name: string) =>
    stack.policies(name).map(({ PolicyDocument }) => JSON.stringify(PolicyDocument));
  await stage.simulator.control.settings({
    policies: [
      { principal: `*:${own}:assumed-role/*`, documents: documents(functionStack, "FunctionRole") },
      { principal: `*:${other}:assumed-role/*`, documents: documents(memberStack, "Role") },
    ],
  });
  return stage;
}

const outcomes = ({ result }: Invoked) => (result?.units ?? []).map(({ unit, outcome }) => [unit, outcome]);

describe("the bundle as Lambda runs it, under the policies of its template", () => {
  const wishes = [series(1), series(2, { region: "eu-west-1" }), series(3, { account: other })];

  test.concurrent("does in one go all that there is to be done, in two accounts, and tells it", async () => {
    await using stage = await deployed(wishes);
    await using lambda = await Sandbox.start(stage.simulator, config(everywhere));
    const planned = await lambda.invoke({ dryRun: true });
    expect(planned.result, planned.errorMessage).toMatchObject({ outcome: "done", dryRun: true });
    expect(await stage.points()).toHaveLength(21);

    const { result, log, errorMessage } = await lambda.invoke();
    expect(result, errorMessage).toMatchObject({ version: 1, outcome: "done" });
    expect(outcomes({ result } as Invoked)).toEqual([
      [home, "done"],
      [west, "done"],
      [theirs, "done"],
    ]);
    expect(await stage.points()).toEqual(kept(wishes));

    const lines = log.map((line) => JSON.parse(line) as Record<string, never>);
    const removals = lines.flatMap(({ removal }) => removal ?? []) as { outcome: string; point: string }[];
    expect(removals.filter(({ outcome }) => outcome === "removed")).toHaveLength(9);
    expect(removals).toContainEqual(expect.objectContaining({ point: pointId(3, 32), outcome: "removing" }));
    expect(lines.at(-1)).toMatchObject({ Function: "ec2-backup-sweep", SweepErrors: 0, SweepUnfinished: 0 });
    expect(log.join()).not.toMatch(/secret/i);
    // It has neither asked for an instance nor done what nobody allows.
    const services = new Set(stage.simulator.control.calls().map(({ service }) => service));
    expect([...services].sort()).toEqual(["cloudwatch", "ec2", "sts"]);
    const all = [functionStack.policies("FunctionRole"), memberStack.policies("Role")].flat();
    const needed = asked(stage.simulator, 0, ":assumed-role/ec2-backup-sweep/");
    const policies = all.map(({ PolicyDocument }) => PolicyDocument);
    expect(notAllowed(policies, needed)).toEqual([]);
    expect(superfluous(policies.slice(0, 1), needed)).not.toContain("RemovePoints (all)");
  });

  test.concurrent("cut off while it tells others what it captures, it leaves that to the next invocation, under the rights of Create", async () => {
    const overdue = [1, 2].map((number) => series(number, { ages: [3], tags: { Backup: "yes" } }));
    await using stage = await deployed(overdue);
    const stack = new Stack(templateNamed("sweep"), { ...code, Create: "yes" });
    const documents = stack
      .policies("FunctionRole")
      .map(({ PolicyDocument }) => JSON.stringify(PolicyDocument));
    await stage.simulator.control.settings({
      policies: [{ principal: `*:${own}:assumed-role/*`, documents }],
    });
    const waits = "jobs: { default: { waits: { request: 5s, reconcileFor: 30s } } }";
    const text = `version: 1\n${waits}\nsweep: { create: {}, lambdaMargin: 4s }\n`;
    await using lambda = await Sandbox.start(stage.simulator, text);
    // Of the 8 s it has 4, and it waits 6 s before it goes by what it has told.
    const cut = await lambda.invoke({ parts: ["create"] }, 8_000);
    expect(cut.errorMessage).toContain("told to stop");
    const next = await lambda.invoke({ parts: ["create"] });
    expect(next.result, next.errorMessage).toMatchObject({ outcome: "done", units: [{ created: 2 }] });
    expect(await stage.points()).toHaveLength(4);
  });

  test.concurrent("stops by itself before its time is up, and the next invocations go on until all is done", async () => {
    const some = many(8);
    await using stage = await deployed(some);
    await using lambda = await Sandbox.start(stage.simulator, config("{ lambdaMargin: 4s }"));
    const all: Invoked[] = [];
    while (all.at(-1)?.result?.outcome !== "done" && all.length < 8) all.push(await lambda.invoke({}, 8_000));
    const ended = all.map(({ result, errorMessage }) => result?.outcome ?? errorMessage);
    expect(ended.at(-1), ended.join()).toBe("done");
    expect(ended).toContain("more");
    const { result, log, left } = all.find((one) => one.result?.outcome === "more") as Invoked;
    expect(result?.units).toMatchObject([{ outcome: "more", problems: [] }]);
    expect(JSON.parse(log.at(-1) ?? "")).toMatchObject({ SweepErrors: 0, SweepUnfinished: 1 });
    expect(left).toBeGreaterThan(0);
    expect(await stage.points()).toEqual(kept(some));
  });

  test.concurrent("killed in the midst of its work, it is gone on with by the next one, and no set is left halved", async () => {
    const some = many(2).map((one) => ({ ...one, volumes: 2 }));
    await using stage = await deployed(some);
    await using killed = await Sandbox.start(stage.simulator, config("{}"));
    const invoked = killed.invoke().catch((error: Error) => error.message);
    for (let seen = 0, removed = 0; removed < 3; ) {
      const calls = await stage.simulator.control.waitForCalls(seen, 20_000);
      seen = calls.at(-1)?.number ?? seen;
      removed += calls.filter(({ action }) => action === "DeleteSnapshot").length;
      expect(calls.length).toBeGreaterThan(0);
    }
    await killed.kill();
    expect(await invoked).toMatch(/has ended/);
    expect((await stage.points()).length).toBeGreaterThan(kept(some).length);
    await using next = await Sandbox.start(stage.simulator, config("{}"));
    expect((await next.invoke()).result).toMatchObject({ outcome: "done" });
    expect(await stage.points()).toEqual(kept(some));
  });

  test.concurrent("what an answer of AWS repeats of a secret is neither in the log nor in what the function answers", async () => {
    await using stage = await deployed(wishes);
    const message = "no: hunter2-hunter2 by http://me:pass@proxy";
    stage.simulator.control.faults([
      { kind: "error", code: "Odd", status: 400, message, action: "DescribeSnapshots", region: "eu-west-1" },
    ]);
    const secret = { SHOP_TOKEN: "hunter2-hunter2" };
    await using lambda = await Sandbox.start(stage.simulator, config(everywhere), secret);
    const { result, log, errorMessage } = await lambda.invoke();
    expect(result, errorMessage).toMatchObject({ outcome: "partly" });
    const told = [JSON.stringify(result), log.join()];
    for (const one of told) {
      expect(one).toContain("no: *** by http://***@proxy");
      expect(one).not.toMatch(/hunter2|pass@/);
    }
  });

  test.concurrent("a Region that answers nothing costs the others none of their time, and is told", async () => {
    await using stage = await deployed(wishes);
    stage.simulator.control.faults([
      { kind: "hang", service: "ec2", region: "eu-west-1", account: own, count: "always" },
    ]);
    const sweep = everywhere.replace("regions: all", "regions: [eu-west-1, eu-central-1], parallel: 1");
    await using lambda = await Sandbox.start(
      stage.simulator,
      config(sweep.replace(/accounts: .*\], /, ""), "60s"),
    );
    const { result, log, left, errorMessage } = await lambda.invoke({}, 20_000);
    expect(result, errorMessage).toMatchObject({ outcome: "partly" });
    expect(outcomes({ result } as Invoked)).toEqual([
      [west, "late"],
      [home, "done"],
    ]);
    expect(result?.units).toMatchObject([
      { problems: [expect.stringMatching(/share of the function's time/)] },
      {},
    ]);
    expect(JSON.parse(log.at(-1) ?? "")).toMatchObject({ SweepErrors: 1 });
    expect(left).toBeGreaterThan(0);
  });

  test.concurrent("a deletion that hangs does not hold it beyond its time, and when it is thawed with the next one nothing goes twice", async () => {
    const some = many(1).map((one) => ({ ...one, volumes: 2 }));
    await using stage = await deployed(some);
    stage.simulator.control.faults([{ kind: "hang", action: "DeleteSnapshot", count: 1 }]);
    await using lambda = await Sandbox.start(stage.simulator, config("{ lambdaMargin: 4s }", "60s"));
    const hung = await lambda.invoke({}, 12_000);
    expect(hung.errorMessage, JSON.stringify(hung.result)).toMatch(/every account and Region failed/);
    expect(hung.left).toBeGreaterThan(0);
    const { result, errorMessage } = await lambda.invoke({}, 30_000);
    expect(result, errorMessage).toMatchObject({ outcome: "done", units: [{ removed: 3, problems: [] }] });
    expect(await stage.points()).toEqual(kept(some));
    const calls = stage.calls().filter(({ action }) => action === "DeleteSnapshot");
    expect(calls).toHaveLength(1 + 6);
  });

  test.concurrent("stops no instance that its unit's share of the time does not bring up again", async () => {
    const overdue = { ages: [3], tags: { Backup: "yes", Backup_Stop: "yes" } };
    const times = { stop: 0.3, start: 0.3 };
    await using stage = await deployed([series(1, overdue), series(2, { region: "eu-west-1" })], { times });
    const stack = new Stack(templateNamed("sweep"), { ...code, Create: "yes", Stop: "yes" });
    const documents = stack
      .policies("FunctionRole")
      .map(({ PolicyDocument }) => JSON.stringify(PolicyDocument));
    await stage.simulator.control.settings({
      policies: [{ principal: `*:${own}:assumed-role/*`, documents }],
    });
    // All together have 26 s, and this one has half of that.
    const create = "create: { stop: true, stopFor: 8s, startFor: 8s }";
    const scope = "regions: [eu-central-1, eu-west-1], parallel: 1, lambdaMargin: 4s";
    await using lambda = await Sandbox.start(stage.simulator, config(`{ ${scope}, ${create} }`));
    const { result, errorMessage } = await lambda.invoke({ parts: ["create"] }, 30_000);
    expect(outcomes({ result } as Invoked), errorMessage).toEqual([
      [home, expect.any(String)],
      [west, "done"],
    ]);
    const stops = stage.calls().filter(({ action, parameters }) => {
      return action === "StopInstances" && !JSON.stringify(parameters).includes("DryRun");
    });
    expect(stops).toEqual([]);
    const { result: alone } = await lambda.invoke({ parts: ["create"], regions: ["eu-central-1"] }, 30_000);
    expect(alone).toMatchObject({ outcome: "done", units: [{ created: 1 }] });
  });

  test.concurrent("audits by the event of the template's schedule, and tells the metric in each account and Region", async () => {
    await using stage = await deployed(wishes);
    await using lambda = await Sandbox.start(stage.simulator, config(everywhere));
    const target = functionStack.property<{ readonly Input: string }>("Audit", "Target");
    const { result, errorMessage, log } = await lambda.invoke(JSON.parse(target.Input));
    expect(result, errorMessage).toMatchObject({ outcome: "done", totals: { points: 21 } });
    const told = stage.calls().filter(({ action }) => action === "PutMetricData");
    expect(told.map(({ outcome }) => outcome?.code)).toEqual(["OK", "OK", "OK"]);
    expect(JSON.parse(log.at(-1) ?? "")).toMatchObject({ Function: "ec2-backup-sweep", SweepErrors: 0 });
    expect(await stage.points()).toHaveLength(21);
  });

  test.concurrent("README's way to try it on a laptop shows what would be done", async () => {
    await using stage = await deployed(wishes);
    const readme = await readFile(path.resolve(import.meta.dirname, "../../README.md"), "utf8");
    const [, script = ""] = /```sh\n(cat > try\.mjs[\s\S]*?)```/.exec(readme) ?? [];
    const { AWS_EC2_METADATA_SERVICE_ENDPOINT: _, ...endpoint } = stage.simulator.environment;
    const env = { ...endpoint, ...(await credentials(stage.simulator)), PATH: process.env["PATH"] ?? "" };
    await symlink(dist, path.join(stage.folder, "dist"));
    const { stdout } = await promisify(execFile)("sh", ["-ec", script], { cwd: stage.folder, env });
    expect(stdout).toMatch(/outcome: 'done',[\s\S]*dryRun: true/);
    expect(await stage.points()).toHaveLength(21);
  });

  test.concurrent("throws where nothing at all was done, so that Lambda counts it and tries again", async () => {
    await using stage = await deployed(wishes);
    await using lambda = await Sandbox.start(stage.simulator, config("{ lambdaMargin: 5s }"));
    const late = await lambda.invoke({}, 5_500);
    expect(late).toMatchObject({
      errorType: "BackupError",
      errorMessage: expect.stringMatching(/longer timeout/),
    });
    const wrong = await lambda.invoke({ partz: ["prune"], regions: "everywhere" });
    expect(wrong.errorMessage).toMatch(
      /regions: expected all, or a list of Regions.*\n.*partz.*an unknown key.*"parts"/s,
    );
    expect((await lambda.invoke({ accounts: ["warehouse"] })).errorMessage).toMatch(/no account warehouse/);
    stage.simulator.control.faults([{ kind: "denied", service: "ec2", count: "always" }]);
    const denied = await lambda.invoke();
    expect(denied.errorMessage).toMatch(/every account and Region failed.*UnauthorizedOperation/);
    expect(denied.log.map((line) => (JSON.parse(line) as { level?: string }).level)).toContain("error");
    expect(await stage.points()).toHaveLength(21);

    await using faulty = await Sandbox.start(stage.simulator, "version: 1\nsweep: { regoins: all }\n");
    expect((await faulty.invoke()).errorMessage).toMatch(
      /EC2_BACKUP_CONFIG:2:\d+: sweep.regoins: expected one of/,
    );
  });
});

test.concurrent("the fan-out of the template: each account and Region by an invocation of its own, until nothing is left", async () => {
  const wishes = [...many(4), series(5, { region: "eu-west-1" }), series(6, { account: other })];
  await using stage = await deployed(wishes);
  const sandboxes: Sandbox[] = [];
  const idle: Sandbox[] = [];
  const invoked: { payload: unknown; answer: Invoked }[] = [];
  const machine = functionStack.property<Machine>("StateMachine", "Definition");
  try {
    await execute(machine, {}, async ({ Payload }) => {
      const lambda = idle.pop() ?? (await Sandbox.start(stage.simulator, config(everywhere)));
      if (!sandboxes.includes(lambda)) sandboxes.push(lambda);
      const answer = await lambda.invoke(Payload, 20_000);
      invoked.push({ payload: Payload, answer });
      idle.push(lambda);
      if (answer.errorMessage !== undefined) throw new Error(answer.errorMessage);
      return { Payload: answer.result };
    });
  } finally {
    for (const one of sandboxes) await one[Symbol.asyncDispose]();
  }
  expect(invoked[0]?.payload).toEqual({ action: "units" });
  const swept = invoked.slice(1).map(({ answer }) => outcomes(answer));
  expect(swept.sort()).toEqual([[[home, "done"]], [[west, "done"]], [[theirs, "done"]]]);
  expect(await stage.points()).toEqual(kept(wishes));
});
