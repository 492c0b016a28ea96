import { type Finding, shellWord } from "./finding.ts";
import { keyActions, mayPublish, missingKeyActions, statementsOf } from "./resource-policy.ts";
import { readTopicArn, type TopicPlace } from "./topic.ts";
import { cloudWatch } from "./topic-policy.ts";

/** A topic as far as it is known. */
export interface JudgedTopic {
  readonly arn: string;
  /** The policy document, JSON. */
  readonly policy: string;
  /** The key that it is encrypted with: an alias, an id or an ARN. */
  readonly kmsKey?: string;
  /** The policy of that key, where it could be read. */
  readonly keyPolicy?: string;
  /** How many subscriptions are confirmed, and how many wait for it. */
  readonly confirmed: number;
  readonly pending: number;
  /** Who waits, where that is known: "email ops@example.com". */
  readonly waiting?: readonly string[];
}

/**
 * Judges whether alarms in `place` reach the topic and anybody hears of them. AWS tells nobody of an alarm that
 * it may not publish: "deploys cleanly and silently delivers nothing".
 */
export function judgeTopic(topic: JudgedTopic, place: TopicPlace): Finding[] {
  return [...ofPolicy(topic, place), ...ofEncryption(topic), ...ofSubscribers(topic)];
}

/** CloudWatch tells topics of its own region only. (SDK, PutMetricAlarm: AlarmActions.) */
export function judgePlace(arn: string, { region }: TopicPlace): Finding[] {
  const other = readTopicArn(arn)?.region;
  if (other === region) return [];
  return [
    {
      severity: "error",
      what: `${arn} lies in ${other ?? "no region"}, and alarms of ${region} cannot tell it`,
      why: "nobody is told",
      advice: `name a topic in ${region}`,
      command: `aws sns list-topics --region ${region}`,
    },
  ];
}

/** Whether no policy of the key can help, since it is AWS's own. */
export function isKeyOfAws(key: string): boolean {
  return /(^|[:/])alias\/aws\/sns$/.test(key);
}

function ofPolicy({ arn, policy }: JudgedTopic, place: TopicPlace): Finding[] {
  const verdict = mayPublish(policy, place);
  if (verdict === "allowed") return [];
  const denied = verdict === "denied";
  const { partition, region, account } = place;
  const [, , , , owner = ""] = arn.split(":");
  const statement = {
    Sid: "ec2-backup-alarms",
    Effect: "Allow",
    Principal: { Service: cloudWatch },
    Action: "sns:Publish",
    Resource: arn,
    Condition: {
      ArnLike: { "aws:SourceArn": `arn:${partition}:cloudwatch:${region}:${account}:alarm:ec2-backup/*` },
    },
  };
  const kept = statementsOf(policy).filter((one) => one["Sid"] !== statement.Sid);
  const document = JSON.stringify({ Version: "2012-10-17", Statement: [...kept, statement] });
  const text = document.replace(/([,:])(?=["[{])/g, "$1 ").replaceAll("'", "'\\''");
  return [
    {
      severity: "error",
      what: `the policy of the topic ${arn} ${denied ? "denies CloudWatch" : "does not let CloudWatch"} publish`,
      why: "an alarm changes its state and nobody is told, and AWS says nothing of it",
      advice: `${denied ? "take the denial out" : "add the statement"}; the topic is of account ${owner}`,
      command: `aws sns set-topic-attributes --topic-arn ${shellWord(arn)} --attribute-name Policy --attribute-value '${text}'`,
    },
  ];
}

/** (SNS developer guide, "Key management": services can publish to a topic only under a key of one's own.) */
function ofEncryption({ arn, kmsKey, keyPolicy }: JudgedTopic): Finding[] {
  if (kmsKey === undefined || kmsKey === "") return [];
  const why = "the alarm's message is dropped without a word to anybody";
  if (isKeyOfAws(kmsKey))
    return [
      {
        severity: "error",
        what: `the topic ${arn} is encrypted with alias/aws/sns, whose policy CloudWatch is not in and cannot be put in`,
        why,
        advice:
          "encrypt it with a key of your own whose policy lets CloudWatch use it, or, with '' in its place, not at all",
        command: `aws sns set-topic-attributes --topic-arn ${shellWord(arn)} --attribute-name KmsMasterKeyId --attribute-value YOUR-KEY-ARN`,
      },
    ];
  const missing = keyPolicy === undefined ? [] : missingKeyActions(keyPolicy);
  if (missing.length === 0) return [];
  return [
    {
      severity: "error",
      what: `the key ${kmsKey} of the topic ${arn} does not let CloudWatch use it (${missing.join(", ")})`,
      why,
      advice: `allow ${keyActions.join(" and ")} for the principal {"Service": "${cloudWatch}"} in the key's policy`,
      command: `aws kms get-key-policy --key-id ${shellWord(kmsKey)} --policy-name default --output text`,
    },
  ];
}

const confirming = "follow the link in the message that AWS has sent (it is valid for two days)";

function ofSubscribers({ arn, confirmed, pending, waiting = [] }: JudgedTopic): Finding[] {
  const why = "a message to it reaches nobody";
  if (confirmed === 0) {
    const none = `the topic ${arn} has no subscription${pending > 0 ? ` that is confirmed (${pending} waiting)` : ""}`;
    const command = `aws sns subscribe --topic-arn ${shellWord(arn)} --protocol email --notification-endpoint YOU@EXAMPLE.ORG`;
    const advice =
      pending > 0
        ? `${confirming}, or subscribe anew`
        : "name addresses in alarms.email, or subscribe somebody";
    return [{ severity: "error", what: none, why, advice, command }];
  }
  return waiting.map((who) => ({
    severity: "warning",
    what: `${who} has not confirmed its subscription to ${arn}`,
    why: "no alarm is told there",
    advice: confirming,
    command: `aws sns list-subscriptions-by-topic --topic-arn ${shellWord(arn)}`,
  }));
}
