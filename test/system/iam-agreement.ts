import { runSimulation } from "@cloud-copilot/iam-simulate";
import { isAllowed, type Permission } from "../../src/simulator/identity-policies.ts";
import { instance } from "./history.ts";
import type { Policy } from "./policies.ts";

const keyPolicy = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${instance.account}:root` },
      Action: "kms:*",
      Resource: "*",
    },
  ],
};

/** What another evaluator of IAM policies, which is not ours and knows AWS's own list of actions and keys, says. */
export async function otherVerdict(
  policies: readonly Policy[],
  { action, resource, context }: Permission,
): Promise<{ readonly allowed: boolean; readonly unknown: readonly string[] }> {
  const principal = `arn:aws:sts::${instance.account}:assumed-role/ec2-backup/${instance.id}`;
  const thing = resource.replace(/\/\*$/, "/made").replace(/:alarm:\*$/, ":alarm:any");
  const answer = await runSimulation(
    {
      request: {
        principal,
        action,
        resource: { resource: thing, accountId: instance.account },
        contextVariables: Object.fromEntries(
          Object.entries(context).map(([key, value]) => [
            key,
            typeof value === "string" ? value : [...value],
          ]),
        ),
      },
      identityPolicies: policies.map((policy, index) => ({ name: `p${index}`, policy })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      // "IAM policies by themselves are not sufficient to allow access to a KMS key": as every key has it at first.
      ...(action.startsWith("kms:") ? { resourcePolicy: keyPolicy } : {}),
    },
    {},
  );
  if (answer.resultType === "error")
    throw new Error(`${action} on ${thing}: ${JSON.stringify(answer.errors)}`);
  const ignored = answer.resultType === "single" ? (answer.result.ignoredContextKeys ?? []) : [];
  return { allowed: answer.overallResult === "Allowed", unknown: ignored };
}

/** Where both evaluators do not say the same; empty where they agree. */
export async function disagreements(
  policies: readonly Policy[],
  permissions: readonly Permission[],
): Promise<string[]> {
  const documents = policies.map((policy) => JSON.stringify(policy));
  const found: string[] = [];
  for (const permission of permissions) {
    const { allowed, unknown } = await otherVerdict(policies, permission);
    const ours = isAllowed(documents, permission);
    if (allowed !== ours)
      found.push(`${permission.action} on ${permission.resource}: ours ${ours}, the other ${allowed}`);
    for (const key of unknown) found.push(`${permission.action} has no key ${key}`);
  }
  return found;
}
