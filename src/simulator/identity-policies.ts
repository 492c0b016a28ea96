import type { ConditionContext } from "./conditions.ts";
import { askIdentityPolicy } from "./policy.ts";
import { matchesPattern } from "./wildcards.ts";
import type { Credential, World } from "./world.ts";

/** One permission that a request needs: all of them must be allowed. */
export interface Permission {
  /** `ec2:CreateVolume`. */
  readonly action: string;
  /** ARN, or `*` where the action knows no resources. */
  readonly resource: string;
  /** Condition keys in lower case, beside those that every request has. */
  readonly context: ConditionContext;
}

/** Keys that a request has whenever AWS would give it them, and lacks otherwise. */
export const simulatedKeys: readonly RegExp[] = [
  /^aws:requesttag\//,
  /^(aws|ec2):resourcetag\//,
  /^aws:tagkeys$/,
  /^aws:principalarn$/,
  /^ec2:(createaction|region|instanceid|sourceinstancearn)$/,
  /^iam:passedtoservice$/,
  /^cloudwatch:namespace$/,
];

/** The first permission that the caller's identity policies do not give; undefined where none is missing or none governs him. */
export function missingPermission(
  world: World,
  principal: Credential,
  permissions: readonly Permission[],
): Permission | undefined {
  const documents = world.settings.policies
    .filter((one) => matchesPattern(one.principal, principal.arn))
    .flatMap((one) => one.documents);
  if (!world.settings.policies.some((one) => matchesPattern(one.principal, principal.arn))) return undefined;
  const every = commonContext(world, principal);
  return permissions.find(({ action, resource, context }) => {
    const question = { action, resource, context: { ...every, ...context } };
    const verdicts = documents.map((document) => askIdentityPolicy(document, question, isSimulated));
    return verdicts.includes("deny") || !verdicts.includes("allow");
  });
}

function isSimulated(key: string): boolean {
  return simulatedKeys.some((pattern) => pattern.test(key));
}

function commonContext({ settings }: World, { arn, session }: Credential): ConditionContext {
  const { partition, region, account } = settings;
  const source = session?.instance;
  return {
    "aws:principalarn": arn.replace(/:sts:(.*):assumed-role\/([^/]+)\/.*$/, ":iam:$1:role/$2"),
    "ec2:region": region,
    ...(source === undefined
      ? {}
      : { "ec2:sourceinstancearn": `arn:${partition}:ec2:${region}:${account}:instance/${source}` }),
  };
}
