import { type ConditionContext, type ConditionRules, conditionsHold } from "./conditions.ts";
import { matchesPattern } from "./wildcards.ts";

/** What a resource policy is asked. */
export interface PolicyQuestion {
  /** ARN of a user or role, or the name of a service such as `cloudwatch.amazonaws.com`. */
  principal: string;
  account: string;
  action: string;
  resource: string;
  /** Condition keys, in lower case, with their values. */
  context: ConditionContext;
}

/** A policy's verdict: an explicit deny, an allow, or nothing said. */
export type Verdict = "deny" | "allow" | "silent";

interface Statement {
  Effect?: unknown;
  Principal?: unknown;
  Action?: unknown;
  NotAction?: unknown;
  Resource?: unknown;
  NotResource?: unknown;
  Condition?: unknown;
}

/** What a policy document says. One that cannot be read says nothing. */
export function askPolicy(document: string, question: PolicyQuestion): Verdict {
  const mine = statementsOf(document).filter(({ Principal: given }) => isPrincipal(given, question));
  return verdictOf(mine, question);
}

/** The same of a policy that belongs to somebody, and names no principal. */
export function askIdentityPolicy(
  document: string,
  question: Omit<PolicyQuestion, "principal" | "account">,
  simulated: ConditionRules["simulated"],
): Verdict {
  const whole = (one: Statement) => one.Resource !== undefined || one.NotResource !== undefined;
  // Such a document IAM would not take; a denial in it is believed all the same.
  const usable = statementsOf(document).filter((one) => whole(one) || one.Effect === "Deny");
  return verdictOf(usable, question, simulated);
}

function verdictOf(
  statements: readonly Statement[],
  question: Pick<PolicyQuestion, "action" | "resource" | "context">,
  simulated?: ConditionRules["simulated"],
): Verdict {
  let verdict: Verdict = "silent";
  for (const statement of statements) {
    const denies = statement.Effect === "Deny";
    if (!concerns(statement, question)) continue;
    // A condition that is not simulated never helps: an allow with it is void, a deny with it stands.
    const rules = { whenUnknown: denies, ...(simulated && { simulated }) };
    if (!conditionsHold(statement.Condition, question.context, rules)) continue;
    if (denies) return "deny";
    if (statement.Effect === "Allow") verdict = "allow";
  }
  return verdict;
}

/** The statements of a policy document; none when it is no JSON of that form. */
export function statementsOf(document: string): Statement[] {
  try {
    const { Statement: found } = JSON.parse(document) as { Statement?: unknown };
    return listOf(found).filter((each): each is Statement => typeof each === "object" && each !== null);
  } catch {
    return [];
  }
}

function listOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

const textsOf = (value: unknown): string[] => listOf(value).map(String);

function concerns(statement: Statement, question: Pick<PolicyQuestion, "action" | "resource">): boolean {
  const action = question.action.toLowerCase();
  const named = (patterns: unknown) =>
    textsOf(patterns).some((pattern) => matchesPattern(pattern.toLowerCase(), action));
  const acts = statement.NotAction === undefined ? named(statement.Action) : !named(statement.NotAction);
  const found = (patterns: unknown) =>
    textsOf(patterns).some((pattern) => matchesPattern(pattern, question.resource));
  const lies =
    statement.NotResource === undefined
      ? found(statement.Resource ?? "*")
      : statement.Resource === undefined && !found(statement.NotResource);
  return acts && lies;
}

function isPrincipal(given: unknown, { principal, account }: PolicyQuestion): boolean {
  if (given === "*") return true;
  if (typeof given !== "object" || given === null) return false;
  const { AWS: accounts, Service: services } = given as { AWS?: unknown; Service?: unknown };
  const ofAccount = principal.startsWith("arn:") && principal.includes(`:${account}:`);
  return (
    textsOf(services).includes(principal) ||
    textsOf(accounts).some(
      (each) =>
        each === "*" ||
        each === principal ||
        (ofAccount && (each === account || each.endsWith(`:iam::${account}:root`))),
    )
  );
}
