import { readdirSync } from "node:fs";
import path from "node:path";
import {
  DescribeAlarmsCommand,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  PutMetricDataCommand,
} from "@aws-sdk/client-cloudwatch";
import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/parse-whole.ts";
import { sweepMetrics } from "../../src/core/lambda-answer.ts";
import { simulate } from "../simulator/simulate.ts";
import { Stack, type Template, templateNamed } from "./cloudformation.ts";
import { type Policy, policyNamed } from "./policies.ts";
import { execute, type Machine } from "./state-machine.ts";

const code = { CodeBucket: "code", CodeKey: "lambda.zip" };
const memberOf = { SweepingAccount: "111122223333", ExternalId: "Backups-4711" };
const everything = {
  FanOut: "yes",
  Create: "yes",
  Stop: "yes",
  Copy: "yes",
  Notify: "yes",
  AuditSchedule: "rate(1 day)",
  AlarmTopic: "arn:aws:sns:x",
};

test("every template can be read, and refers to nothing that it has not, whatever is chosen", () => {
  const files = readdirSync(path.join(import.meta.dirname, "../../policies/cloudformation"));
  expect(files.sort()).toEqual(["fleet.yaml", "sweep-member.yaml", "sweep.yaml"]);
  const names = (change: object) =>
    Object.keys(new Stack(templateNamed("sweep"), { ...code, ...change }).resources());
  const usual = names({});
  expect(usual).toContain("Function");
  expect(names(everything).filter((name) => !usual.includes(name))).toEqual([
    "StatesRole",
    "StateMachine",
    "Audit",
    "FanOutAlarm",
  ]);
  expect(Object.keys(new Stack(templateNamed("sweep-member"), memberOf).resources())).toEqual(["Role"]);
});

test("every parameter and condition is used, and every role says whose it is", () => {
  for (const name of ["sweep", "sweep-member", "fleet"]) {
    const template: Template = templateNamed(name);
    const [, body = ""] = template.text.split("\nConditions:\n");
    for (const parameter of Object.keys(template.Parameters))
      expect(body, parameter).toMatch(new RegExp(`!Ref ${parameter}\\b|\\$\\{${parameter}\\}`));
    const [, resources = ""] = template.text.split("\nResources:\n");
    for (const condition of Object.keys(template.Conditions ?? {}))
      expect(resources).toMatch(new RegExp(`(Condition: |!If \\[|!If\\n\\s+- )${condition}\\b`));
  }
});

// Where this fails since a document has changed: node .ci/templates.mjs
test("the roles have the very documents of policies/, and only what is chosen", async () => {
  const optional = ["sweep-create", "sweep-stop", "sweep-copy", "audit", "metrics"];
  const [sweep, notify, ...others] = await Promise.all(["sweep", "notify", ...optional].map(policyNamed));
  const chosen = optional.map((name, index) => [name, others[index]]);
  const documents = (stack: Stack, role: string) =>
    stack.policies(role).map(({ PolicyName, PolicyDocument }) => [PolicyName, PolicyDocument]);
  const template = templateNamed("sweep");
  expect(documents(new Stack(template, code), "FunctionRole").slice(0, -1)).toEqual([["sweep", sweep]]);
  expect(documents(new Stack(template, { ...code, ...everything }), "FunctionRole").slice(0, -1)).toEqual([
    ["sweep", sweep],
    ...chosen,
    ["notify", notify],
  ]);
  const withoutEntry = {
    ...sweep,
    Statement: sweep?.Statement.filter(({ Sid }) => Sid !== "EnterOtherAccounts"),
  };
  const member = templateNamed("sweep-member");
  expect(documents(new Stack(member, memberOf), "Role")).toEqual([["sweep", withoutEntry]]);
  expect(
    documents(
      new Stack(member, { ...memberOf, Create: "yes", Stop: "yes", Copy: "yes", Audit: "yes" }),
      "Role",
    ),
  ).toEqual([["sweep", withoutEntry], ...chosen]);
});

test("all that a role may have at once is within IAM's quota", () => {
  const all = new Stack(templateNamed("sweep"), { ...code, ...everything }).policies("FunctionRole");
  // "10,240 characters" for the inline policies of a role together, blanks not counted.
  const characters = all.reduce((sum, { PolicyDocument }) => sum + JSON.stringify(PolicyDocument).length, 0);
  expect(characters).toBeLessThan(10_240);
  // A template that is not put into a bucket first has 51,200 bytes at most.
  for (const name of ["sweep", "sweep-member", "fleet"])
    expect(Buffer.byteLength(templateNamed(name).text)).toBeLessThan(51_200);
});

test("the role of another account trusts the function's role alone, with the external id", () => {
  const stack = new Stack(templateNamed("sweep-member"), memberOf);
  const trust = stack.property<Policy>("Role", "AssumeRolePolicyDocument");
  expect(trust.Statement).toEqual([
    {
      Effect: "Allow",
      Principal: { AWS: "arn:aws:iam::111122223333:role/ec2-backup-sweep" },
      Action: "sts:AssumeRole",
      Condition: { StringEquals: { "sts:ExternalId": "Backups-4711" } },
    },
  ]);
  // It is that one's name, which the policy of the function lets it take on elsewhere too.
  const function_ = new Stack(templateNamed("sweep"), code);
  expect(function_.property("FunctionRole", "RoleName")).toBe("ec2-backup-sweep");
  expect(stack.property("Role", "RoleName")).toBe("ec2-backup-sweep");
});

test("the default configuration is one, and silence is told soon enough", () => {
  const template = templateNamed("sweep");
  expect(parseConfig(String(template.Parameters["Configuration"]?.Default), "x")).toMatchObject({ ok: true });
  const stack = new Stack(template, { ...code, SilentHours: 168 });
  const number = (name: string) => stack.property<number>("SilenceAlarm", name);
  // CloudWatch looks back over 7 days at most.
  expect(number("Period") * number("EvaluationPeriods")).toBeLessThanOrEqual(7 * 86_400);
});

test("a sweep that does not come to its end on two days running is told, where no fan-out goes on with it", async () => {
  const template = templateNamed("sweep");
  expect(Object.keys(new Stack(template, { ...code, FanOut: "yes" }).resources())).not.toContain(
    "UnfinishedAlarm",
  );
  const stack = new Stack(template, { ...code, AlarmTopic: "arn:aws:sns:eu-central-1:111122223333:ops" });
  const alarm = stack.resources()["UnfinishedAlarm"]?.Properties as unknown as PutMetricAlarmCommandInput;
  const { control, cloudwatch } = await simulate();
  await cloudwatch.send(new PutMetricAlarmCommand(alarm));
  const state = async () => {
    const { MetricAlarms: [found] = [] } = await cloudwatch.send(new DescribeAlarmsCommand({}));
    return found?.StateValue;
  };
  /** What the sweep of one night tells, and what the alarm makes of it by the evening. */
  const night = async (outcome: "done" | "more") => {
    const unit = { unit: "111122223333/eu-central-1", outcome, ms: 1, problems: [] };
    const metrics = sweepMetrics({ version: 1, outcome, run: "1", dryRun: false, units: [unit] });
    const data = metrics.map(({ name, value }) => ({
      MetricName: name,
      Value: value,
      Dimensions: alarm.Dimensions,
    }));
    await cloudwatch.send(new PutMetricDataCommand({ Namespace: alarm.Namespace, MetricData: data }));
    await control.clock({ advance: "16h" });
    const found = await state();
    await control.clock({ advance: "8h" });
    return found;
  };
  const states: unknown[] = [];
  for (const outcome of ["done", "more", "done", "more", "more", "more", "done", "done"] as const)
    states.push([outcome, await night(outcome)]);
  expect(states).toEqual([
    ["done", "OK"],
    ["more", "OK"],
    ["done", "OK"],
    ["more", "OK"],
    ["more", "ALARM"],
    ["more", "ALARM"],
    ["done", "OK"],
    ["done", "OK"],
  ]);
});

test("the fan-out sweeps each unit until nothing is left, and fails in the end if one has failed", async () => {
  const stack = new Stack(templateNamed("sweep"), { ...code, FanOut: "yes" });
  const machine = stack.property<Machine>("StateMachine", "Definition");
  const units = ["a", "b", "c"].map((region) => ({ accounts: ["111122223333"], regions: [region] }));
  const run = async (answers: Readonly<Record<string, readonly (string | Error)[]>>) => {
    const calls: string[] = [];
    const ended = await execute(machine, {}, async ({ Payload }) => {
      const { action, regions = [] } = Payload as { action?: string; regions?: string[] };
      if (action === "units") return { Payload: { units } };
      const [region = ""] = regions;
      const answer = answers[region]?.[calls.filter((one) => one === region).length] ?? "done";
      calls.push(region);
      if (answer instanceof Error) throw answer;
      return { Payload: { outcome: answer, more: "than is asked for" } };
    }).then(
      () => "succeeded",
      (error: Error) => error.message,
    );
    return { ended, calls: Map.groupBy(calls, (one) => one) };
  };
  const wellEnded = await run({ b: ["more", "more", "done"], c: [new Error("once"), "done"] });
  expect(wellEnded.ended).toBe("succeeded");
  expect([...wellEnded.calls.values()].map(({ length }) => length).sort()).toEqual([1, 2, 3]);

  const dead = Array.from({ length: 9 }, () => new Error("denied"));
  const failed = await run({ a: dead, b: ["more", "done"] });
  expect([failed.ended, failed.calls.get("a")?.length, failed.calls.get("b")?.length]).toEqual([
    "NotAllDone",
    3,
    2,
  ]);
  // A sweep that is never done ends, and is told.
  const endless = await run({ a: Array.from({ length: 99 }, () => "more") });
  expect([endless.ended, endless.calls.get("a")?.length]).toEqual(["NotAllDone", 40]);
  // What is wrong in part is not tried again: the brake would go by with each try.
  const partly = await run({ a: ["partly", "partly"] });
  expect([partly.ended, partly.calls.get("a")?.length]).toEqual(["NotAllDone", 1]);
});
