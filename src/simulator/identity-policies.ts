import type { ConditionContext } from "./conditions.ts";
import { askIdentityPolicy } from "./policy.ts";
import { accountIn, principalArn } from "./sts/role.ts";
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
const simulatedKeys: readonly RegExp[] = [
  /^aws:(requesttag|resourcetag)\//,
  /^aws:(tagkeys|principalarn|principalaccount|requestedregion|userid)$/,
  /^ec2:resourcetag\//,
  /^ec2:(createaction|region|instanceid|sourceinstancearn|owner|parentvolume|parentsnapshot)$/,
  /^ec2:(snapshotid|snapshottime|volumeid|volumesize|volumetype|encrypted|imageid|availabilityzone)$/,
  /^ec2:(snapshotlockduration|snapshotcooloffperiod)$/,
  /^ec2:(add|remove)\/(userid|group)$/,
  /^iam:passedtoservice$/,
  /^cloudwatch:(namespace|alarmactions)$/,
  /^sns:(endpoint|protocol)$/,
  /^kms:(viaservice|calleraccount|grantisforawsresource)$/,
  /^sts:(externalid|rolesessionname)$/,
];

/** The first permission that the caller's identity policies do not give; undefined where none is missing or none governs him. */
export function missingPermission(
  world: World,
  principal: Credential,
  permissions: readonly Permission[],
): Permission | undefined {
  const documents = documentsOf(world, principal);
  if (documents.length === 0) return undefined;
  const every = askedOf(world, principal, permissions);
  return permissions.find((_, index) => {
    const question = every[index];
    return question === undefined || !documents.every((each) => isAllowed(each, question));
  });
}

/** What governs somebody: his identity policies, and the policy of his session; each must allow. */
function documentsOf({ settings }: World, { arn, session }: Credential): readonly (readonly string[])[] {
  const policy = settings.roles.find((role) => role.arn === session?.role)?.policy;
  const governing = settings.policies.filter((one) => matchesPattern(one.principal, arn));
  const identity = [
    ...governing.flatMap((one) => one.documents),
    ...(policy === undefined ? [] : [JSON.stringify(policy)]),
  ];
  return [
    ...(governing.length === 0 && policy === undefined ? [] : [identity]),
    ...(session?.policy === undefined ? [] : [[session.policy]]),
  ];
}

/** Whether policy documents of one principal allow it: one of them does, and none denies it. */
export function isAllowed(documents: readonly string[], permission: Permission): boolean {
  const verdicts = documents.map((document) => askIdentityPolicy(document, permission, isSimulated));
  return !verdicts.includes("deny") && verdicts.includes("allow");
}

function isSimulated(key: string): boolean {
  return simulatedKeys.some((pattern) => pattern.test(key));
}

/** The permissions with the condition keys that every request of that principal has. */
export function askedOf(
  { settings }: World,
  principal: Credential,
  permissions: readonly Permission[],
): Permission[] {
  const { partition, region, account } = settings;
  const { userId, session } = principal;
  // Of a state of before it was kept: the instance was of the one place there was.
  const source =
    session?.source ??
    (session?.instance
      ? `arn:${partition}:ec2:${region}:${account}:instance/${session.instance}`
      : undefined);
  const every = {
    "aws:principalarn": principalArn(principal),
    "aws:principalaccount": accountIn(principal.arn),
    "aws:requestedregion": region,
    "aws:userid": userId,
    ...(source === undefined ? {} : { "ec2:sourceinstancearn": source }),
  };
  return permissions.map(({ action, resource, context }) => ({
    action,
    resource,
    context: { ...every, ...(action.startsWith("ec2:") ? { "ec2:region": region } : {}), ...context },
  }));
}
