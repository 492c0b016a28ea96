/** A role that AssumeRole gives. */
export interface ScenarioRole {
  arn: string;
  /** What callers must know ("sts:ExternalId" in the trust policy). Default: nothing. */
  externalId?: string;
  /** Who may assume it: ARNs of users, roles or accounts (`arn:aws:iam::111122223333:root`), or `*`. Default: the scenario's account. */
  trusted?: string[];
  /** Its permissions, as a policy document. Without it the role may do all that no other policy of the scenario governs. */
  policy?: Record<string, unknown>;
  /** The longest session, in seconds. Default 3,600. */
  maxSeconds?: number;
}

/** What belongs to temporary credentials. */
export interface Session {
  secret: string;
  token: string;
  /** The instance that they were issued for; null for those of AssumeRole. */
  instance: string | null;
  /** Its ARN. */
  source?: string;
  /** ARN of the role, for those of AssumeRole. */
  role?: string;
  /** A policy given to AssumeRole: the session may do no more than it allows. */
  policy?: string;
  issued: number;
  expires: number;
}

/** Somebody who calls. */
interface Caller {
  readonly arn: string;
  readonly session: Session | null;
}

/** The account that an ARN such as a principal's names. */
export function accountIn(arn: string): string {
  return arn.split(":")[4] ?? "";
}

/** The ARN of the user or role behind whoever calls: what `aws:PrincipalArn` has. */
export function principalArn({ arn, session }: Caller): string {
  return session?.role ?? arn.replace(/:sts:(.*):assumed-role\/([^/]+)\/.*$/, ":iam:$1:role/$2");
}

/** Whether a role lets somebody assume it who knows that external id. */
export function trusts(
  role: ScenarioRole,
  caller: Caller,
  externalId: string | undefined,
  home: string,
): boolean {
  const account = accountIn(caller.arn);
  const trusted = role.trusted ?? [home];
  if (role.externalId !== undefined && role.externalId !== externalId) return false;
  return trusted.some(
    (each) =>
      each === "*" ||
      each === account ||
      each === caller.arn ||
      each === principalArn(caller) ||
      (each.endsWith(":root") && accountIn(each) === account),
  );
}
