import { SendCommandCommand, type SendCommandCommandInput, SSMClient } from "@aws-sdk/client-ssm";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Job } from "../../src/core/job.ts";
import type { CaptureOrder } from "../../src/core/ports.ts";
import { ebsEngine } from "../../src/engines/ebs.ts";
import { vssEngine } from "../../src/engines/ebs-vss.ts";
import type { VssTools } from "../../src/engines/vss-capture.ts";
import { systemClock } from "../../src/host/clock.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { engineContract } from "../contracts/engine.ts";
import {
  connectionTo,
  instance,
  job,
  never,
  serviceOf,
  volumes,
  windowsWorld,
} from "../contracts/engine-order.ts";
import { roleCredentials } from "../simulator/role-credentials.ts";
import { policyNamed } from "../system/policies.ts";

const waits = { every: 20, within: 400, seenWithin: 200, lookAfterFailure: 60 };
const when = new Date("2026-03-01T02:00:00Z");

/** An engine whose plain half may not stand in for it. */
const strict = (order: CaptureOrder): CaptureOrder => ({ ...order, job: { ...order.job, whenLess: "fail" } });

async function start(scenario: Scenario = {}, change: Partial<VssTools> = {}) {
  const simulation = await windowsWorld(scenario);
  const connection = connectionTo(simulation);
  const tools: VssTools = {
    mode: "full",
    connection,
    version: "1.2.3",
    clock: systemClock,
    platform: "win32",
    waits,
    ...change,
  };
  return { engine: vssEngine(ebsEngine(connection, "1.2.3"), tools), simulation };
}

engineContract("EBS by VSS", async () => {
  const { engine, simulation } = await start();
  return { engine, ...serviceOf(simulation), born: "application" };
});

const scope: CaptureOrder["scope"] = {
  excludeRoot: false,
  excludeDataVolumeIds: [],
  expected: volumes,
  unwanted: [],
};

const order = (change: Partial<Job> = {}): CaptureOrder => ({
  job: { ...job(), vss: "full", ...change },
  instance,
  scope,
  runId: "run-1",
});

const sent = ({ control }: Awaited<ReturnType<typeof start>>["simulation"]) =>
  control.calls().filter(({ action }) => action === "SendCommand" || action === "CreateSnapshots");

describe("what VSS is asked for", () => {
  test.each([
    ["full", { CopyOnly: ["False"], NoWriters: ["False"] }, "application"],
    ["copy-only", { CopyOnly: ["True"], NoWriters: ["False"] }, "application"],
    ["no-writers", { CopyOnly: ["False"], NoWriters: ["True"] }, "filesystem"],
  ] as const)("%s", async (mode, parameters, consistency) => {
    const { engine, simulation } = await start({}, { mode });
    const made = await (await engine.prepare(order(), never)).capture("point-1", when);
    expect(made.consistency).toBe(consistency);
    const [{ parameters: found } = { parameters: {} }] = sent(simulation);
    expect(found).toMatchObject({
      DocumentName: "AWSEC2-VssInstallAndSnapshot",
      InstanceIds: [instance.id],
      Parameters: { ExcludeBootVolume: ["False"], ...parameters },
    });
    expect(sent(simulation)).toHaveLength(1);
  });

  test("without the root volume", async () => {
    const { engine, simulation } = await start();
    const [, data] = volumes;
    const without = { ...order(), scope: { ...scope, excludeRoot: true, expected: data ? [data] : [] } };
    const made = await (await engine.prepare(without, never)).capture("point-1", when);
    expect(made.snapshots.map(({ volumeId }) => volumeId)).toEqual([data?.id]);
    expect(sent(simulation)[0]?.parameters).toMatchObject({ Parameters: { ExcludeBootVolume: ["True"] } });
  });

  test("tags that its document does not take are written afterwards", async () => {
    const { engine } = await start();
    const made = await (
      await engine.prepare(order({ addTags: { Owner: "Žofie, IT; night", Cost: "x=1" } }), never)
    ).capture("point-1", when);
    expect(made.consistency).toBe("application");
    const { points } = await engine.list({ instanceArn: instance.arn }, never);
    for (const { tags } of points[0]?.snapshots ?? [])
      expect(tags).toMatchObject({ Owner: "Žofie, IT; night", Cost: "x=1", AppConsistent: "True" });
    expect(points[0]?.snapshots).toHaveLength(2);
  });
});

test("a selection that VSS cannot express is refused before anything is made", async () => {
  const { engine, simulation } = await start();
  const [root, data] = volumes;
  const one = {
    ...order(),
    scope: { ...scope, expected: root ? [root] : [], excludeDataVolumeIds: [data?.id ?? ""] },
  };
  await expect(engine.prepare(one, never)).rejects.toMatchObject({
    kind: "configuration",
    found: `VSS captures all data volumes of the instance, and ${data?.id} is to be left out`,
  });
  expect(sent(simulation)).toEqual([]);
});

describe("where VSS does not succeed", () => {
  const cases: [string, Scenario, Partial<VssTools>, string][] = [
    ["VSS fails", { ssm: { vss: "failure" } }, {}, "SqlServerWriter timed out"],
    ["no agent of Systems Manager answers", { ssm: { agent: false } }, {}, "InvalidInstanceId"],
    ["the right to start it is missing", { deny: [{ action: "ssm:SendCommand" }] }, {}, "AccessDenied"],
    ["the host is no Windows", {}, { platform: "linux" }, "this is no Windows"],
  ];

  test.each(cases)("%s: EC2 captures alone, and the point says so", async (_, scenario, change, words) => {
    const { engine, simulation } = await start(scenario, change);
    const prepared = await engine.prepare(order({ whenLess: "degrade" }), never);
    const made = await prepared.capture("point-1", when);
    expect(made).toMatchObject({ consistency: "crash" });
    expect(made.snapshots).toHaveLength(2);
    const problems = prepared.problems?.() ?? [];
    expect(problems).toHaveLength(1);
    expect(problems[0]?.found).toContain(words);
    expect(sent(simulation).filter(({ action }) => action === "CreateSnapshots")).toHaveLength(1);
    expect((await engine.find("point-1", never))?.consistency).toBe("crash");
  });

  test.each(cases)("%s: nothing is made where the job wants no less", async (_, scenario, change, words) => {
    const { engine } = await start(scenario, change);
    const prepared = await engine.prepare(strict(order()), never);
    await expect(prepared.capture("point-1", when)).rejects.toThrow(words);
    expect(await engine.find("point-1", never)).toBeUndefined();
  });

  test("snapshots that it had made by then are the point, and no second set is made", async () => {
    const { engine, simulation } = await start({ ssm: { vss: "failure-after-snapshots" } });
    const prepared = await engine.prepare(order(), never);
    const made = await prepared.capture("point-1", when);
    expect(made).toMatchObject({ id: "point-1", consistency: "crash" });
    expect(made.snapshots).toHaveLength(2);
    expect(prepared.problems?.()[0]?.found).toContain("longer than 10 seconds");
    expect(sent(simulation).map(({ action }) => action)).toEqual(["SendCommand"]);
  });

  test.each(["failure-in-part", "success-in-part"] as const)(
    "%s: a part is no point, and EC2 makes a whole one beside it",
    async (vss) => {
      const { engine, simulation } = await start({ ssm: { vss } });
      const prepared = await engine.prepare(order({ whenLess: "degrade" }), never);
      // EC2 makes a snapshot of one volume every 15 seconds.
      await expect(prepared.capture("point-1", when)).rejects.toMatchObject({ kind: "throttled" });
      await simulation.control.clock({ advance: "1m" });
      const made = await prepared.capture("point-1", when);
      expect(sent(simulation).filter(({ action }) => action === "SendCommand")).toHaveLength(1);
      expect(made).toMatchObject({ id: "point-9", consistency: "crash" });
      expect(made.snapshots).toHaveLength(2);
      const { points } = await engine.list({ instanceArn: instance.arn }, never);
      const part = points.find(({ id }) => id === "point-1");
      expect(part).toMatchObject({ consistency: "crash" });
      expect(part?.snapshots).toHaveLength(1);
      // Who looks for the point later finds the whole one.
      expect((await engine.find("point-1", never))?.id).toBe("point-9");
      expect(prepared.problems?.()[0]?.found).toContain(
        `of its point point-1 there is only a part, ${part?.snapshots[0]?.id}`,
      );
    },
  );

  test("what a failed command makes later is not mixed with what EC2 made meanwhile", async () => {
    const { engine, simulation } = await start({ ssm: { vss: "failure" } });
    const made = await (await engine.prepare(order({ whenLess: "degrade" }), never)).capture("point-1", when);
    await simulation.control.settings({ ssm: { agent: true, vss: "success", seconds: 0 } });
    await simulation.control.clock({ advance: "10m" });
    const [late] = sent(simulation);
    const client = new SSMClient({ region: "eu-central-1", endpoint: simulation.simulator.url });
    await client.send(new SendCommandCommand(late?.parameters as unknown as SendCommandCommandInput));
    client.destroy();
    const { points } = await engine.list({ instanceArn: instance.arn }, never);
    expect(points.map(({ id }) => id).sort()).toEqual(["point-1", made.id].sort());
    for (const { snapshots, holds } of points) expect([snapshots.length, holds]).toEqual([2, []]);
    expect((await engine.find("point-1", never))?.id).toBe(made.id);
  });

  test("a command that does not end is of unknown outcome, and nothing is sent beside it", async () => {
    const { engine, simulation } = await start({ ssm: { vss: "hang" } });
    const prepared = await engine.prepare(order(), never);
    await expect(prepared.capture("point-1", when)).rejects.toMatchObject({ kind: "unknown-outcome" });
    expect(sent(simulation).map(({ action }) => action)).toEqual(["SendCommand"]);
  });

  test("an answer that is lost leaves the outcome unknown, and the point is found as what it is", async () => {
    const { engine, simulation } = await start();
    await simulation.control.faults([{ kind: "reset-after", action: "SendCommand" }]);
    const prepared = await engine.prepare(order(), never);
    await expect(prepared.capture("point-1", when)).rejects.toMatchObject({ kind: "unknown-outcome" });
    expect(await engine.find("point-1", never)).toMatchObject({ consistency: "application" });
    expect(sent(simulation)).toHaveLength(1);
  });

  test("one that is throttled is asked for again, and not replaced", async () => {
    const { engine, simulation } = await start();
    await simulation.control.faults([{ kind: "throttle", action: "SendCommand" }]);
    const prepared = await engine.prepare(order(), never);
    await expect(prepared.capture("point-1", when)).rejects.toMatchObject({ kind: "throttled" });
    expect(await prepared.capture("point-1", when)).toMatchObject({ consistency: "application" });
  });

  test("a look that fails on the way does not matter", async () => {
    const { engine, simulation } = await start();
    await simulation.control.faults([{ kind: "500", action: "GetCommandInvocation", count: 2 }]);
    const prepared = await engine.prepare(order(), never);
    expect(await prepared.capture("point-1", when)).toMatchObject({ consistency: "application" });
    expect(prepared.problems?.()).toEqual([]);
  });
});

describe("policies/vss.json", () => {
  const rest = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "ec2:Describe*", Resource: "*" }],
  });

  const asTheInstance = async ({ simulator }: Awaited<ReturnType<typeof start>>["simulation"]) => {
    const { accessKeyId, secretAccessKey, sessionToken } = await roleCredentials(simulator);
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    });
    onTestFinished(() => {
      delete process.env["AWS_SESSION_TOKEN"];
    });
  };

  test("allows the command, and each statement for it is needed", async () => {
    const policy = await policyNamed("vss");
    expect(policy.Statement).toHaveLength(3);
    for (const left of [undefined, 0, 1, 2]) {
      const Statement = policy.Statement.filter((_, index) => index !== left);
      const { engine, simulation } = await start();
      await asTheInstance(simulation);
      const documents = [JSON.stringify({ ...policy, Statement }), rest];
      await simulation.control.settings({ policies: [{ principal: "*", documents }] });
      // Such a tag its document does not take.
      const tagged = strict(order({ addTags: { Owner: "Žofie, IT; night" } }));
      const prepared = await engine.prepare(tagged, never);
      const made = prepared.capture("point-1", when);
      if (left === undefined || left === 2) {
        expect(await made).toMatchObject({ consistency: "application" });
        const kinds = prepared.problems?.().map(({ kind }) => kind);
        expect(kinds).toEqual(left === 2 ? ["denied"] : []);
      }
      // Without the right to look at it, nobody knows what became of the command.
      else await expect(made).rejects.toMatchObject({ kind: left === 0 ? "denied" : "unknown-outcome" });
    }
  });

  test("starts no other document", async () => {
    const policy = await policyNamed("vss");
    const text = JSON.stringify(policy);
    expect(text).not.toContain("AWS-Run");
    expect([...text.matchAll(/document\/([^"]*)"/g)].map(([, name]) => name)).toEqual([
      "AWSEC2-VssInstallAndSnapshot",
    ]);
  });
});
