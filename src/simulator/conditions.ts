import { matchesPattern } from "./wildcards.ts";

/** Condition keys, in lower case, with their values: several of such as `aws:TagKeys`. */
export type ConditionContext = Readonly<Record<string, string | readonly string[]>>;

/** How a condition is read that is not simulated, and which keys are. */
export interface ConditionRules {
  /** What a condition amounts to that cannot be told. */
  readonly whenUnknown: boolean;
  /** Whether a key that is not in the context is one that AWS would not have there either. Default: all are. */
  readonly simulated?: (key: string) => boolean;
}

type Compare = (value: string, wanted: string) => boolean;

const operators: Readonly<Record<string, Compare>> = {
  StringEquals: (value, wanted) => value === wanted,
  StringEqualsIgnoreCase: (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
  StringLike: (value, wanted) => matchesPattern(wanted, value),
  ArnEquals: (value, wanted) => matchesPattern(wanted, value),
  ArnLike: (value, wanted) => matchesPattern(wanted, value),
  Bool: (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
  ...ordered("Numeric", (text) => (text.trim() === "" ? Number.NaN : Number(text))),
  ...ordered("Date", instantOf),
};

/** The operators of a kind that has an order; what cannot be read matches nothing. */
function ordered(kind: "Numeric" | "Date", read: (text: string) => number): Record<string, Compare> {
  const by =
    (holds: (value: number, wanted: number) => boolean): Compare =>
    (value, wanted) =>
      holds(read(value), read(wanted));
  return {
    [`${kind}Equals`]: by((value, wanted) => value === wanted),
    [`${kind}LessThan`]: by((value, wanted) => value < wanted),
    [`${kind}LessThanEquals`]: by((value, wanted) => value <= wanted),
    [`${kind}GreaterThan`]: by((value, wanted) => value > wanted),
    [`${kind}GreaterThanEquals`]: by((value, wanted) => value >= wanted),
  };
}

/** ISO 8601, or seconds since the epoch. */
function instantOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
}

/** Whether all of a statement's conditions hold (IAM user guide, multiple context keys: all blocks, any value). */
export function conditionsHold(given: unknown, context: ConditionContext, rules: ConditionRules): boolean {
  if (given === undefined) return true;
  if (typeof given !== "object" || given === null) return rules.whenUnknown;
  return Object.entries(given).every(([name, block]) =>
    Object.entries(block as object).every(([key, wanted]) =>
      conditionHolds(name, key.toLowerCase(), texts(wanted), context, rules),
    ),
  );
}

function conditionHolds(
  name: string,
  key: string,
  wanted: readonly string[],
  context: ConditionContext,
  { whenUnknown, simulated = () => true }: ConditionRules,
): boolean {
  const value = context[key];
  if (value === undefined && !simulated(key)) return whenUnknown;
  if (name === "Null")
    return wanted.some((each) => (each.toLowerCase() === "true") === (value === undefined));
  const [, set, plain = ""] = /^(?:(ForAllValues|ForAnyValue):)?(.*?)(?:IfExists)?$/.exec(name) ?? [];
  const negated = /^(String|Arn|Numeric|Date)Not/.test(plain);
  const compare = operators[plain.replace("Not", "")];
  if (compare === undefined) return whenUnknown;
  if (value === undefined || (typeof value !== "string" && value.length === 0)) {
    if (set !== undefined) return set === "ForAllValues";
    // "If the key is not present, the condition does not match" - and the negated operators do match then.
    return negated || name.endsWith("IfExists");
  }
  const resolved = wanted.flatMap((each) => resolve(each, context) ?? []);
  const holds = (one: string) => resolved.some((each) => compare(one, each)) !== negated;
  if (set === "ForAllValues") return texts(value).every(holds);
  if (set === "ForAnyValue") return texts(value).some(holds);
  // Without a set operator a key of several values is an error of the policy's author; AWS may match any.
  return typeof value === "string" ? holds(value) : whenUnknown;
}

/** A value with its policy variables; undefined with one that has no value, which matches nothing. */
function resolve(text: string, context: ConditionContext): string | undefined {
  let known = true;
  const resolved = text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    if (/^[*?$]$/.test(name)) return `\\${name}`;
    const value = context[name.toLowerCase()];
    if (typeof value === "string") return value;
    known = false;
    return "";
  });
  return known ? resolved : undefined;
}

function texts(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}
