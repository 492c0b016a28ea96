import type { TopicPlace } from "./topic.ts";
import { cloudWatch } from "./topic-policy.ts";

/** A statement of a resource policy, unread. */
export type Statement = Readonly<Record<string, unknown>>;

/** The statements of a policy document; of one that cannot be read none. */
export function statementsOf(document: string): Statement[] {
  try {
    return listOf(recordOf(JSON.parse(document))["Statement"]).map(recordOf);
  } catch {
    return [];
  }
}

/** What a policy says of CloudWatch's publishing to a topic for alarms of ours. Conditions are read where simple. */
export function mayPublish(document: string, place: TopicPlace): "allowed" | "denied" | "not-allowed" {
  const about = statementsOf(document).filter((one) => covers(one, "sns:Publish") && isForCloudWatch(one));
  // A denial with a condition, such as those without TLS, is not about CloudWatch.
  if (about.some((one) => one["Effect"] === "Deny" && one["Condition"] === undefined)) return "denied";
  const allows = (one: Statement) => one["Effect"] === "Allow" && conditionAllows(one["Condition"], place);
  return about.some(allows) ? "allowed" : "not-allowed";
}

/** What CloudWatch needs of the key of an encrypted topic. (SNS developer guide, "Key management".) */
export const keyActions = ["kms:Decrypt", "kms:GenerateDataKey*"] as const;

/** Which of them the policy of a key does not allow CloudWatch. */
export function missingKeyActions(document: string): readonly string[] {
  const statements = statementsOf(document).filter(
    (one) => one["Effect"] === "Allow" && (isService(one) || isOpen(one)),
  );
  return keyActions.filter((action) => !statements.some((one) => covers(one, action)));
}

function covers({ Action }: Statement, action: string): boolean {
  return listOf(Action).some((one) => {
    const pattern = String(one)
      .toLowerCase()
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*");
    return new RegExp(`^${pattern}$`).test(action.toLowerCase().replace("*", ""));
  });
}

function isForCloudWatch(statement: Statement): boolean {
  return isService(statement) || isForEverybody(statement);
}

function isService({ Principal }: Statement): boolean {
  return listOf(recordOf(Principal)["Service"]).includes(cloudWatch);
}

/** Whom AWS's default policy lets in: everybody whose account the condition names. */
function isForEverybody({ Principal }: Statement): boolean {
  return Principal === "*" || listOf(recordOf(Principal)["AWS"]).includes("*");
}

/** Without any condition: what everybody may, CloudWatch may. */
function isOpen(statement: Statement): boolean {
  return isForEverybody(statement) && statement["Condition"] === undefined;
}

/** AWS:SourceOwner is what SNS's default policy asks; CloudWatch alarms of the same account meet it. */
function conditionAllows(condition: unknown, { account, region }: TopicPlace): boolean {
  for (const operator of Object.values(recordOf(condition))) {
    for (const [key, value] of Object.entries(recordOf(operator))) {
      const values = listOf(value).map(String);
      if (/^aws:source(owner|account)$/i.test(key) && !values.includes(account)) return false;
      if (/^aws:sourcearn$/i.test(key) && !values.some((one) => coversAlarms(one, account, region)))
        return false;
    }
  }
  return true;
}

/** Whether an ARN with wildcards covers at least some of our alarms. */
function coversAlarms(pattern: string, account: string, region: string): boolean {
  const ours = `arn:aws:cloudwatch:${region}:${account}:alarm:ec2-backup/`;
  const [before = ""] = pattern.replace(/^arn:aws[a-z-]*:/, "arn:aws:").split(/[*?]/);
  return before.length < ours.length
    ? pattern !== before && ours.startsWith(before)
    : before.startsWith(ours);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

function recordOf(value: unknown): Statement {
  return typeof value === "object" && value !== null ? (value as Statement) : {};
}
