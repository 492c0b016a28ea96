import { installedPolicies, readPolicy } from "../agent/policy-files.ts";
import type { AgentOptions } from "../agent/wish.ts";
import { printPolicies } from "../cli/policy.ts";
import { BackupError } from "../core/errors.ts";
import { type KnownPolicy, knownPolicies, unfitting, usualPolicies } from "../core/policies.ts";
import { fillPolicy, namesBucket, namesTopic } from "../core/policy-fill.ts";
import type { NamedPolicy } from "../core/policy-template.ts";
import { exitCodes } from "../core/report.ts";
import type { Asked, Execute, Result } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"policy"> = async (command, context) => {
  const there = await installedPolicies(context.host.program);
  for (const name of command.policies) known(name, there);
  const options = await agentOptions(command, context);
  const read = (name: string) => readPolicy(context.host.program, name);
  if (command.form !== "plain") return template(command, options, read);
  if (command.policies.length === 0) return list(there);
  if (command.policies.length > 1 && !context.global.json) throw severalAtOnce();
  const policies = await Promise.all(command.policies.map(read));
  const { placeOf } = await import("../agent/policy.ts");
  const place = await placeOf(command.place, options, context.stop);
  for (const { name, document: one } of policies) {
    if (namesTopic(one) && place.topics.length === 0 && name !== "doctor") throw noTopic(name);
    if (namesBucket(one) && place.bucket === undefined) throw noBucket(name);
  }
  const filled = policies.map(({ name, document: one }) => ({ name, policy: fillPolicy(one, place) }));
  return {
    code: exitCodes.done,
    json: { place, policies: filled },
    print: (out) => {
      for (const { policy } of filled) out.print(JSON.stringify(policy, null, 2));
    },
  };
};

function known(name: string, there: readonly KnownPolicy[]): KnownPolicy {
  const found = there.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new BackupError({
    kind: "usage",
    doing: "print the policy",
    found: `there is none of the name ${name}`,
    remedy: `there are ${there.map((one) => one.name).join(", ")}`,
  });
}

function severalAtOnce(): BackupError {
  return new BackupError({
    kind: "usage",
    doing: "print the policies",
    found: "several documents one after the other are none that IAM reads",
    remedy: "print one at a time, or take --json, --cloudformation or --terraform",
  });
}

function noTopic(name: string): BackupError {
  return new BackupError({
    kind: "usage",
    doing: `fill in the policy ${name}`,
    found: "the configuration names no topic",
    remedy: "say it by --topic, or name one in alarms.topic, alarms.createTopic or notify.topic",
  });
}

function noBucket(name: string): BackupError {
  return new BackupError({
    kind: "usage",
    doing: `fill in the policy ${name}`,
    found: "the configuration names no repository in S3, or several",
    remedy: "say its bucket by --bucket bucket/path",
  });
}

function list(policies: readonly KnownPolicy[]): Result {
  return {
    code: exitCodes.done,
    json: { policies },
    print: (out) => printPolicies(policies, out),
  };
}

async function template(
  command: Asked<"policy">,
  { loaded }: AgentOptions,
  read: (name: string) => Promise<NamedPolicy>,
): Promise<Result> {
  const names = command.policies.length === 0 ? usualPolicies : command.policies;
  const wrong = names.find((name) => !knownPolicies.some((one) => one.name === name && one.kind === "role"));
  if (wrong !== undefined)
    throw new BackupError({
      kind: "usage",
      doing: "write the template",
      found: `${wrong} is no policy of a role`,
      remedy: `print it by ec2-backup policy ${wrong}`,
    });
  const forbidden = unfitting(names);
  if (forbidden !== undefined)
    throw new BackupError({
      kind: "usage",
      doing: "write the template",
      found: forbidden,
      remedy: "leave one out",
    });
  const { cloudFormationOf, terraformOf } = await import("../core/policy-template.ts");
  const { settingsOf } = await import("../agent/policy.ts");
  const { writtenSettings } = await import("../agent/configuration.ts");
  const settings = settingsOf(command.place, writtenSettings(loaded));
  const policies = await Promise.all(names.map(read));
  const buckets = policies.find(({ document: one }) => namesBucket(one));
  if (buckets !== undefined && settings.bucket === undefined) throw noBucket(buckets.name);
  const { document: topic } = await read("topic");
  const made =
    command.form === "terraform"
      ? terraformOf(policies, topic, settings)
      : cloudFormationOf(policies, topic, settings);
  return {
    code: exitCodes.done,
    json: { form: command.form, policies: names, template: made },
    print: (out) => out.print(typeof made === "string" ? made.trimEnd() : JSON.stringify(made, null, 2)),
  };
}
