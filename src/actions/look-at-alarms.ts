import { alarmPrefix, type FoundAlarm, readAlarmName } from "../core/alarm.ts";
import { costOf } from "../core/alarm-cost.ts";
import { type AlarmChange, orphansAmong, planAlarms } from "../core/alarm-plan.ts";
import type { AlarmService, LivingInstances, Topic, TopicService } from "../core/alarm-ports.ts";
import { startOf, type Told } from "../core/alarm-start.ts";
import { type AlarmFacts, alarmsFor, type WantedAlarms } from "../core/alarms.ts";
import type { AlarmsPlan, TopicPlan } from "../core/alarms-plan.ts";
import { drillPrefix } from "../core/drill.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import { type Finding, shellWord } from "../core/finding.ts";
import { isKeyOfAws, judgePlace, judgeTopic } from "../core/judge-topic.ts";
import type { Clock } from "../core/ports.ts";
import { namedTopic, type TopicPlace } from "../core/topic.ts";

export interface AlarmDeps {
  readonly alarms: AlarmService;
  /** The same, for what must be put right although it was told to stop. */
  readonly lasting: Pick<AlarmService, "setState">;
  readonly topics: TopicService;
  readonly living: LivingInstances;
  readonly clock: Clock;
  /** Milliseconds between two requests that change alarms: CloudWatch takes three a second of an account. */
  readonly pause: number;
  readonly signal: AbortSignal;
}

export interface AlarmRequest {
  readonly place: TopicPlace;
  readonly facts: Omit<AlarmFacts, "topic">;
  /** How many volumes the instance has. */
  readonly volumes: number;
  /** By job. */
  readonly told: Readonly<Record<string, Told>>;
  /** By drill. */
  readonly drillsTold?: Readonly<Record<string, Told>>;
}

/** Compares the alarms of this instance with what they should be. `orphans`: also those of instances that are gone. */
export async function lookAtAlarms(
  request: AlarmRequest,
  deps: Omit<AlarmDeps, "pause">,
  orphans: boolean,
): Promise<AlarmsPlan> {
  const { facts } = request;
  const { id } = facts.instance;
  const { alarms, ...rest } = wantedAlarms(request);
  const [found, topic] = await Promise.all([
    deps.alarms.find(alarmPrefix(orphans ? undefined : id)),
    topicFor(request, alarms, deps.topics),
  ]);
  const own = found.filter(({ name }) => name.startsWith(alarmPrefix(id)));
  const others = orphans ? await lookForOrphans(found, id, deps.living) : { changes: [] };
  return {
    instance: id,
    changes: [...compare(request, { alarms, ...rest }, own), ...others.changes],
    ...rest,
    ...(topic === undefined ? {} : { topic }),
    cost: costOf(
      facts.jobs,
      facts.metrics,
      request.volumes,
      alarms.length,
      facts.settings.prices,
      facts.drills,
    ),
    ...(others.why === undefined ? {} : { withoutOrphans: others.why }),
  };
}

function wantedAlarms({ facts, place }: AlarmRequest): WantedAlarms {
  const topic = namedTopic(facts.settings, place);
  return alarmsFor({ ...facts, ...(topic === undefined ? {} : { topic }) });
}

/** What would change of the alarms of this instance. */
export function compareAlarms(request: AlarmRequest, own: readonly FoundAlarm[]): readonly AlarmChange[] {
  return compare(request, wantedAlarms(request), own);
}

function compare(
  { facts, told, drillsTold = {} }: AlarmRequest,
  { alarms, beats }: WantedAlarms,
  own: readonly FoundAlarm[],
): readonly AlarmChange[] {
  return planAlarms(alarms, own, (alarm) => {
    if (alarm.kind === "drill") {
      const drill = facts.drills?.find(({ name }) => name === alarm.job);
      const known = drillsTold[alarm.job] ?? { complete: false };
      return startOf(alarm, drill, known, beats.includes(`${drillPrefix}${alarm.job}`), facts.now);
    }
    const job = facts.jobs.find(({ name }) => name === alarm.job);
    const known = told[alarm.job] ?? { complete: false };
    return startOf(alarm, job, known, beats.includes(alarm.job), facts.now);
  });
}

/** Who is told by the alarms of this instance; absent if nobody is. */
export function lookAtTopic(request: AlarmRequest, topics: TopicService): Promise<TopicPlan | undefined> {
  return topicFor(request, wantedAlarms(request).alarms, topics);
}

/** A topic is made only where there are alarms for it. */
async function topicFor(
  request: AlarmRequest,
  { length }: WantedAlarms["alarms"],
  topics: TopicService,
): Promise<TopicPlan | undefined> {
  const topic = await namedTopicOf(request, topics);
  return length === 0 && topic?.action === "create" ? undefined : topic;
}

async function lookForOrphans(
  found: readonly FoundAlarm[],
  own: string,
  living: LivingInstances,
): Promise<{ readonly changes: readonly AlarmChange[]; readonly why?: string }> {
  const ids = new Set(found.flatMap(({ name }) => readAlarmName(name)?.instance ?? []));
  ids.delete(own);
  if (ids.size === 0) return { changes: [] };
  try {
    return { changes: orphansAmong(found, new Set([...(await living([...ids])), own])) };
  } catch (error) {
    return { changes: [], why: sentenceOf(failureOf(error, "see which instances exist")) };
  }
}

async function namedTopicOf(
  { place, facts }: AlarmRequest,
  topics: TopicService,
): Promise<TopicPlan | undefined> {
  const { topic: given, email } = facts.settings;
  const arn = namedTopic(facts.settings, place);
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
