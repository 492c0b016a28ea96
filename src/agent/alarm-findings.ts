import { type AlarmRequest, compareAlarms } from "../actions/look-at-alarms.ts";
import type { FoundAlarm } from "../core/alarm.ts";
import type { Finding } from "../core/finding.ts";
import { judgeAlarms } from "../core/judge-alarms.ts";
import { namedTopic } from "../core/topic.ts";
import type { InForce } from "./in-force.ts";

/** What is wrong with the alarms that CloudWatch has of this instance. Of a faulty file it is not known whom it names. */
export function alarmFindings(
  found: readonly FoundAlarm[],
  request: AlarmRequest,
  { settings, faulty }: InForce,
): Finding[] {
  const wanted = namedTopic(request.facts.settings, request.place) !== undefined;
  const noticed = faulty || settings.notify !== undefined;
  return judgeAlarms({ found, wanted, noticed, changes: faulty ? [] : compareAlarms(request, found) });
}
