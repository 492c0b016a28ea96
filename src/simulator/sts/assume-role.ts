import { refusal } from "../access.ts";
import { ApiError, commonError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { digest } from "../ids.ts";
import { operation } from "../operations.ts";
import { statementsOf } from "../policy.ts";
import type { Credential } from "../world.ts";
import { accountIn, type ScenarioRole, trusts } from "./role.ts";

const shape = {
  RoleArn: "string",
  RoleSessionName: "string",
  ExternalId: "string",
  DurationSeconds: "integer",
  Policy: "string",
  PolicyArns: [{ arn: "string" }],
  Tags: [{ Key: "string", Value: "string" }],
} as const;

interface Input {
  RoleArn: string | undefined;
  RoleSessionName: string | undefined;
  ExternalId: string | undefined;
  DurationSeconds: number | undefined;
  Policy: string | undefined;
  PolicyArns: readonly unknown[];
  Tags: readonly unknown[];
}

/** "The maximum session duration" of a role unless it says otherwise, and the limit of a role that a role assumes. */
const hour = 3_600;

/** Temporary credentials of a role, perhaps of another account. */
export const assumeRole = operation({
  shape,
  changes: true,
  resource: ({ RoleArn: arn = "*" }) => arn,
  conditions: ({ ExternalId: externalId, RoleSessionName: name }) => ({
    ...(externalId === undefined ? {} : { "sts:externalid": externalId }),
    ...(name === undefined ? {} : { "sts:rolesessionname": name }),
  }),
  run(input, context) {
    const name = checkForm(input);
    const role = trustedRole(input, context);
    const seconds = checkDuration(input.DurationSeconds ?? hour, role, context.principal);
    const { accessKey, credential } = issue(role, name, seconds, input.Policy, context);
    const { session } = credential;
    return {
      Credentials: {
        AccessKeyId: accessKey,
        SecretAccessKey: session?.secret ?? "",
        SessionToken: session?.token ?? "",
        Expiration: new Date(session?.expires ?? 0),
      },
      AssumedRoleUser: { AssumedRoleId: credential.userId, Arn: credential.arn },
      ...(input.Policy === undefined ? {} : { PackedPolicySize: 1 }),
    };
  },
});

/** @returns the session's name. @throws ApiError */
function checkForm(input: Input): string {
  const { RoleArn: arn = "", RoleSessionName: name = "", ExternalId: externalId, Policy: policy } = input;
  constrain("roleArn", arn, /^[\s\S]{20,2048}$/, "have length greater than or equal to 20");
  constrain(
    "roleSessionName",
    name,
    /^[\w+=,.@-]{2,64}$/,
    "satisfy regular expression pattern: [\\w+=,.@-]*",
  );
  if (!/^arn:[\w-]+:iam::\d{12}:role\/.+$/.test(arn))
    throw new ApiError("ValidationError", `${arn} is invalid`);
  if (externalId !== undefined)
    constrain("externalId", externalId, /^[\w+=,.@:/-]{2,1224}$/, "have length greater than or equal to 2");
  if (policy !== undefined && statementsOf(policy).length === 0)
    throw new ApiError("MalformedPolicyDocument", "Syntax errors in policy.");
  return name;
}

function constrain(name: string, value: string, pattern: RegExp, what: string): void {
  if (pattern.test(value)) return;
  throw new ApiError(
    "ValidationError",
    `1 validation error detected: Value '${value}' at '${name}' failed to satisfy constraint: Member must ${what}`,
  );
}

// That a role does not exist is not told: the answer is the same as of one that does not trust the caller.
function trustedRole(input: Input, { world, places, principal }: Context): ScenarioRole {
  const { RoleArn: arn = "", ExternalId: externalId } = input;
  const refuse = (action: string) =>
    commonError("sts", "denied", refusal("sts", principal.arn, action, arn).replace(/ because .*$/, ""));
  const role = world.settings.roles.find((each) => each.arn === arn);
  if (role === undefined || !trusts(role, principal, externalId, places.home.settings.account))
    throw refuse("sts:AssumeRole");
  // A trust policy allows session tags by an action of its own, which no role of a scenario has.
  if (input.Tags.length > 0) throw refuse("sts:TagSession");
  if (input.PolicyArns.length > 0)
    throw new ApiError("MalformedPolicyDocument", "Managed session policies are not simulated.");
  return role;
}

function checkDuration(seconds: number, role: ScenarioRole, caller: Credential): number {
  constrainDuration(seconds, seconds >= 900, "greater than or equal to 900");
  constrainDuration(seconds, seconds <= 43_200, "less than or equal to 43200");
  if (caller.session !== null && seconds > hour)
    throw new ApiError(
      "ValidationError",
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    );
  if (seconds > (role.maxSeconds ?? hour))
    throw new ApiError(
      "ValidationError",
      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
  return seconds;
}

function constrainDuration(seconds: number, right: boolean, bound: string): void {
  if (right) return;
  throw new ApiError(
    "ValidationError",
    `1 validation error detected: Value '${seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value ${bound}`,
  );
}

function issue(
  role: ScenarioRole,
  name: string,
  seconds: number,
  policy: string | undefined,
  { places, now }: Context,
): { accessKey: string; credential: Credential } {
  const { home } = places;
  const { partition, seed } = home.settings;
  const random = digest(`session/${seed}/${++home.sequence}`);
  const account = accountIn(role.arn);
  const short = role.arn.slice(role.arn.lastIndexOf("/") + 1);
  const credential: Credential = {
    arn: `arn:${partition}:sts::${account}:assumed-role/${short}/${name}`,
    userId: `AROA${digest(role.arn).slice(0, 17).toUpperCase()}:${name}`,
    session: {
      secret: digest(`secret/${random}`).slice(0, 40),
      token: Buffer.from(digest(`token/${random}`).repeat(4)).toString("base64"),
      instance: null,
      role: role.arn,
      ...(policy === undefined ? {} : { policy }),
      issued: now,
      expires: now + seconds * 1_000,
    },
  };
  const accessKey = `ASIA${random.slice(0, 16).toUpperCase()}`;
  home.credentials[accessKey] = credential;
  return { accessKey, credential };
}
