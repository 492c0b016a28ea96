import { alarmPrefix, type FoundAlarm, readAlarmName } from "../core/alarm.ts";
import { costOf } from "../core/alarm-cost.ts";
import { type AlarmChange, orphansAmong, planAlarms } from "../core/alarm-plan.ts";
import type { AlarmService, LivingInstances, TopicService } from "../core/alarm-ports.ts";
import { startOf, type Told } from "../core/alarm-start.ts";
import { type AlarmFacts, alarmsFor, type WantedAlarms } from "../core/alarms.ts";
import type { AlarmsPlan, TopicPlan } from "../core/alarms-plan.ts";
import { drillPrefix } from "../core/drill.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { namedTopic, type TopicPlace } from "../core/topic.ts";
import { lookAtNamedTopic } from "./look-at-topic.ts";

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
  const topic = await lookAtNamedTopic(request.place, request.facts.settings, topics);
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
