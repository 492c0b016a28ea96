import { alarmPrefix } from "../core/alarm.ts";
import type { AlarmSettings } from "../core/alarm-settings.ts";
import {
  alarmsBeside,
  type FleetFacts,
  fleetAlarm,
  fleetAlarmsAmong,
  planFleetAlarm,
} from "../core/fleet-alarm.ts";
import type { FleetOrder, FleetUnit } from "../core/fleet-report.ts";
import { stoppedAlarm } from "../core/fleet-stopped-alarm.ts";
import { namedTopic, type TopicPlace } from "../core/topic.ts";
import { type ApplyDeps, applyAlarms } from "./apply-alarms.ts";
import { lookAtNamedTopic } from "./look-at-topic.ts";

/** One account in one Region, and what the configuration says of alarms. */
export interface FleetRequest extends Omit<FleetFacts, "topic"> {
  readonly place: TopicPlace;
  readonly settings: AlarmSettings;
  /** Whether sweeps stop instances, so that one may not come up again. */
  readonly stops: boolean;
}

/** Shows, makes or removes the alarms of an account in a Region. */
export async function fleetAlarms(
  { verb, dryRun }: Pick<FleetOrder, "verb" | "dryRun">,
  request: FleetRequest,
  deps: ApplyDeps,
): Promise<FleetUnit> {
  const { place, settings, stops } = request;
  const found = await deps.alarms.find(alarmPrefix());
  const beside = alarmsBeside(found);
  if (verb === "remove") {
    const changes = fleetAlarmsAmong(found).map((one) => ({ action: "remove" as const, found: one }));
    if (dryRun) return { changes, beside };
    return { changes, beside, done: await applyAlarms({ changes }, { place, facts: { settings } }, deps) };
  }
  const topic = await lookAtNamedTopic(place, settings, deps.topics);
  const arn = namedTopic(settings, place);
  const facts = { ...request, ...(arn && { topic: arn }) };
  const wanted = [fleetAlarm(facts, found), ...(stops ? [stoppedAlarm(facts)] : [])];
  const changes = wanted.map((alarm) => planFleetAlarm(alarm, found));
  const plan = { changes, ...(topic && { topic }) };
  if (verb === "plan") return { ...plan, beside };
  const done = await applyAlarms(plan, { place, facts: { settings } }, deps);
  const isOther = done.some(({ outcome }) => outcome === "created" || outcome === "subscribed");
  const now = isOther ? await lookAtNamedTopic(place, settings, deps.topics) : topic;
  return { ...plan, ...(now && { topic: now }), beside, done };
}
