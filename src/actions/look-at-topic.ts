import type { Topic, TopicService } from "../core/alarm-ports.ts";
import type { AlarmSettings } from "../core/alarm-settings.ts";
import type { TopicPlan } from "../core/alarms-plan.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import { type Finding, shellWord } from "../core/finding.ts";
import { isKeyOfAws, judgePlace, judgeTopic } from "../core/judge-topic.ts";
import { namedTopic, type TopicPlace } from "../core/topic.ts";

/** The topic that the configuration names, as it is seen from a place; absent if none is named. */
export async function lookAtNamedTopic(
  place: TopicPlace,
  settings: Pick<AlarmSettings, "topic" | "createTopic" | "email">,
  topics: Pick<TopicService, "find">,
): Promise<TopicPlan | undefined> {
  const { topic: given, email } = settings;
  const arn = namedTopic(settings, place);
  if (arn === undefined) return undefined;
  const none = { arn, subscriptions: [], subscribe: [] };
  const elsewhere = judgePlace(arn, place);
  if (elsewhere.length > 0) return { ...none, action: "keep", findings: elsewhere };
  let found: Topic | undefined;
  try {
    found = await topics.find(arn);
  } catch (error) {
    const finding = unseen(arn, sentenceOf(failureOf(error, `look at ${arn}`)));
    return { ...none, action: "keep", findings: [finding] };
  }
  if (found === undefined && given !== undefined)
    return { ...none, action: "keep", findings: [missing(arn)] };
  if (found === undefined) return { ...none, action: "create", subscribe: email, findings: [] };
  const { subscriptions } = found;
  const there = new Set(subscriptions.map(({ protocol, endpoint }) => `${protocol} ${endpoint}`));
  return {
    arn,
    action: "keep",
    subscriptions,
    subscribe: email.filter((address) => !there.has(`email ${address}`)),
    findings: [...judgeTopic(judged(found), place), ...unseenKey(found)],
  };
}

function judged({ subscriptions, ...topic }: Topic) {
  const waiting = subscriptions.filter(({ confirmed }) => !confirmed);
  return {
    ...topic,
    confirmed: subscriptions.length - waiting.length,
    pending: waiting.length,
    waiting: waiting.map(({ protocol, endpoint }) => `${protocol} ${endpoint}`),
  };
}

const unheard = "whether anybody hears of an alarm is not known";

function unseen(arn: string, what: string): Finding {
  return {
    severity: "warning",
    what,
    why: unheard,
    advice: "allow sns:GetTopicAttributes and sns:ListSubscriptionsByTopic",
    command: `aws sns get-topic-attributes --topic-arn ${shellWord(arn)}`,
  };
}

function missing(arn: string): Finding {
  return {
    severity: "error",
    what: `there is no topic ${arn}`,
    why: "nobody is told",
    advice: "correct alarms.topic, or name one to be made with alarms.createTopic",
    command: "aws sns list-topics",
  };
}

/** The policy of the key is doctor's to read. */
function unseenKey({ arn, kmsKey }: Topic): Finding[] {
  if (kmsKey === undefined || isKeyOfAws(kmsKey)) return [];
  return [
    {
      severity: "warning",
      what: `${arn} is encrypted with ${kmsKey}, and whether CloudWatch may use that has not been looked at`,
      why: unheard,
      advice:
        "the key's policy must allow cloudwatch.amazonaws.com kms:Decrypt and kms:GenerateDataKey*; `ec2-backup alarms test` shows it too",
      command: "ec2-backup doctor",
    },
  ];
}
