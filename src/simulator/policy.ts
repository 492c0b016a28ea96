import { matchesPattern } from "./wildcards.ts";

/** What a resource policy is asked. */
export interface PolicyQuestion {
  /** ARN of a user or role, or the name of a service such as `cloudwatch.amazonaws.com`. */
  principal: string;
  account: string;
  action: string;
  resource: string;
  /** Condition keys, in lower case, with their values. */
  context: Readonly<Record<string, string>>;
}

/** A policy's verdict: an explicit deny, an allow, or nothing said. */
export type Verdict = "deny" | "allow" | "silent";

interface Statement {
  Effect?: unknown;
  Principal?: unknown;
  Action?: unknown;
  NotAction?: unknown;
  Resource?: unknown;
  Condition?: unknown;
}

/** What a policy document says. One that cannot be read says nothing. */
export function askPolicy(document: string, question: PolicyQuestion): Verdict {
  let verdict: Verdict = "silent";
  for (const statement of statementsOf(document)) {
    const denies = statement.Effect === "Deny";
    if (!concerns(statement, question)) continue;
    // A condition that is not simulated never helps: an allow with it is void, a deny with it stands.
    if (!conditionsHold(statement.Condition, question.context, denies)) continue;
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

function concerns(statement: Statement, question: PolicyQuestion): boolean {
  const action = question.action.toLowerCase();
  const named = (patterns: unknown) =>
    textsOf(patterns).some((pattern) => matchesPattern(pattern.toLowerCase(), action));
  const acts = statement.NotAction === undefined ? named(statement.Action) : !named(statement.NotAction);
  const resources = textsOf(statement.Resource ?? "*");
  return (
    acts &&
    resources.some((pattern) => matchesPattern(pattern, question.resource)) &&
    isPrincipal(statement.Principal, question)
  );
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

const operators: Readonly<Record<string, (value: string, wanted: string) => boolean>> = {
  StringEquals: (value, wanted) => value === wanted,
  StringEqualsIgnoreCase: (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
  StringLike: (value, wanted) => matchesPattern(wanted, value),
  ArnEquals: (value, wanted) => matchesPattern(wanted, value),
  ArnLike: (value, wanted) => matchesPattern(wanted, value),
  Bool: (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
};

function conditionsHold(given: unknown, context: PolicyQuestion["context"], whenUnknown: boolean): boolean {
  if (given === undefined) return true;
  if (typeof given !== "object" || given === null) return whenUnknown;
  return Object.entries(given).every(([name, block]) => {
    const negated = /^(String|Arn)Not/.test(name);
    const compare = operators[name.replace("Not", "")];
    if (compare === undefined) return whenUnknown;
    return Object.entries(block as object).every(([key, wanted]) => {
      const value = context[key.toLowerCase()];
      // "If the key is not present, the condition does not match" - and the negated operators do match then.
      if (value === undefined) return negated;
      return textsOf(wanted).some((each) => compare(value, each)) !== negated;
    });
  });
}
