import type { Alarm, FoundAlarm } from "../core/alarm.ts";
import type { AlarmCost } from "../core/alarm-cost.ts";
import type { AlarmChange } from "../core/alarm-plan.ts";
import type { Unmade } from "../core/alarms.ts";
import type { AlarmsPlan, TopicPlan } from "../core/alarms-plan.ts";
import { formatDuration, formatSpan } from "../core/duration.ts";
import { enablingCommand } from "../core/judge-alarms.ts";
import { metricTable } from "../core/metrics.ts";
import { printParagraph } from "./paragraph.ts";
import { formatInstant, type Terminal, table } from "./terminal.ts";

/** Prints what alarms there are, what would change, who is told and what it costs. */
export function printAlarmsPlan(plan: AlarmsPlan, out: Terminal): void {
  out.print(out.paint("bold", `Alarms of ${plan.instance}`));
  const own = plan.changes.filter((change) => change.action !== "orphan");
  if (own.length === 0) out.print("There are none, and none are wanted.");
  else printAlarms(own, out);
  printLacking(plan.unmade, plan.notes, out);
  if (own.some((change) => change.action !== "remove" && nameOf(change).includes("/missed")))
    printParagraph(
      'note: "told within" counts from the last sign of life; of missed backups it is the silence that is noticed, ' +
        "with the periods that CloudWatch looks further back.",
      out,
    );
  printTopic(plan.topic, out);
  printOrphans(plan, out);
  printCost(plan.cost, out);
}

/** Prints which alarms are not made, and what was chosen for those that are. */
export function printLacking(unmade: readonly Unmade[], notes: readonly string[], out: Terminal): void {
  for (const line of lacking(unmade)) printParagraph(line, out);
  for (const note of notes) printParagraph(`note: ${note}`, out, { mark: { word: "note", style: "dim" } });
}

function printAlarms(changes: readonly AlarmChange[], out: Terminal): void {
  const head = ["ALARM", "TOLD WITHIN", "NOW", "CHANGE"];
  const rows = changes.map((change) => [
    shortName(nameOf(change)),
    "alarm" in change ? upwards(change.alarm.tellsWithin) : "",
    "found" in change ? stateWords[change.found.state] : "absent",
    change.action === "create" && change.start.kind === "wait" ? "wait" : change.action,
  ]);
  const [top = "", ...lines] = table(head, rows, out.width);
  out.print(top);
  for (const [index, change] of changes.entries()) {
    out.print(lines[index] ?? "");
    for (const detail of detailsOf(change)) printParagraph(detail, out, { indent: 4 });
  }
}

function nameOf(change: AlarmChange): string {
  return "alarm" in change ? change.alarm.name : change.found.name;
}

function shortName(name: string): string {
  return name.split("/").slice(2).join("/");
}

/** A promise is never told as shorter than it is. */
function upwards(ms: number): string {
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.ceil((ms % 3_600_000) / 60_000)];
  if (hours < 48) return formatSpan(hours * 3_600 + minutes * 60);
  const whole = hours + (minutes > 0 ? 1 : 0);
  return `${Math.floor(whole / 24)} d ${whole % 24} h`;
}

function detailsOf(change: AlarmChange): string[] {
  const details: string[] = [];
  if ("alarm" in change) {
    const silence = change.alarm.treatMissingData === "breaching" ? " or no word of it" : "";
    details.push(`rings if ${conditionOf(change.alarm)}${silence}`);
  }
  if ("found" in change) details.push(...factsOf(change.found));
  if (change.action === "update")
    for (const { field, found, wanted } of change.differences)
      details.push(field === "description" ? "another description" : `${field}: ${found} -> ${wanted}`);
  if (change.action === "remove") details.push("no longer wanted");
  if (change.action === "create" && change.start.kind === "warm-up")
    details.push(
      `spared for ${formatDuration(change.start.minutes * 60_000)} until its first data are due, and silent for so long`,
    );
  if (change.action === "create" && change.start.kind === "wait")
    details.push(`${change.start.because}; ${change.start.remedy}`);
  return details;
}

const stateWords = { OK: "OK", ALARM: "ALARM", INSUFFICIENT_DATA: "no data" } as const;

function factsOf({ state, since, sparedUntil, actionsEnabled, name }: FoundAlarm): string[] {
  const spared = state === "INSUFFICIENT_DATA" && sparedUntil !== undefined;
  return [
    ...(spared ? [`spared until ${formatInstant(sparedUntil)}, and silent for so long`] : []),
    ...(since === undefined || spared ? [] : [`${stateWords[state]} since ${formatInstant(since)}`]),
    ...(actionsEnabled ? [] : [`actions disabled: it tells nobody; ${enablingCommand([name])}`]),
  ];
}

/** Alarms that are not made for the same reason are told of together. */
function lacking(unmade: readonly Unmade[]): string[] {
  const reasons = Map.groupBy(unmade, ({ because, remedy }) =>
    remedy === undefined ? because : `${because}; ${remedy}`,
  );
  return [...reasons].map(
    ([reason, some]) => `no ${some.map(({ job, kind }) => `${job}/${kind}`).join(", ")}: ${reason}`,
  );
}

/** A state as people need it: since when, and whether anybody would be told. */
export function stateOf(found: Pick<FoundAlarm, "state" | "actionsEnabled" | "since">): string {
  const since = found.since === undefined ? "" : ` since ${formatInstant(found.since)}`;
  return `${stateWords[found.state]}${since}${found.actionsEnabled ? "" : ", actions disabled"}`;
}

/** Prints who is told, and what keeps them from hearing. */
export function printTopic(topic: TopicPlan | undefined, out: Terminal): void {
  if (topic === undefined) {
    out.print(
      `${out.paint("yellow", "Nobody is told")}: set alarms.topic, or alarms.createTopic and alarms.email.`,
    );
    return;
  }
  out.print(`Told: ${topic.arn}${topic.action === "create" ? " (to be made)" : ""}`);
  for (const { protocol, endpoint, confirmed } of topic.subscriptions) {
    out.print(`  ${protocol} ${endpoint}${confirmed ? "" : out.paint("yellow", " - not confirmed yet")}`);
  }
  for (const address of topic.subscribe) out.print(`  email ${address} - to be subscribed`);
  for (const { severity, what, why, advice, command } of topic.findings) {
    const style = severity === "error" ? "red" : "yellow";
    printParagraph(`${severity}: ${what}: ${why}`, out, { mark: { word: severity, style } });
    if (advice !== undefined) printParagraph(advice, out, { indent: 2 });
    out.print(`  $ ${command}`);
  }
}

function printOrphans({ changes, withoutOrphans }: AlarmsPlan, out: Terminal): void {
  const orphans = changes.flatMap((change) => (change.action === "orphan" ? [change] : []));
  if (withoutOrphans !== undefined) {
    printParagraph(`Alarms of instances that are gone are not shown: ${withoutOrphans}`, out);
  }
  if (orphans.length === 0) return;
  const instances = new Set(orphans.map(({ instance }) => instance));
  out.print(
    `${out.paint("yellow", `${orphans.length} alarms of ${instances.size} instances that are gone`)} ring for nobody and cost money:`,
  );
  for (const { found } of orphans) out.print(`  ${found.name} (${stateOf(found)})`);
  out.print("  Delete them: aws cloudwatch delete-alarms --alarm-names NAME...");
}

function printCost(cost: AlarmCost, out: Terminal): void {
  const { metrics, alarms, metricDollars, alarmDollars, dollars, prices } = cost;
  printParagraph(
    `Cost a month: ${metrics} metrics $${metricDollars.toFixed(2)} + ${alarms} alarms $${alarmDollars.toFixed(2)} = ` +
      `$${dollars.toFixed(2)} (prices of ${prices.asOf}, before the free tier; requests and messages cost cents)`,
    out,
  );
}

/** What an alarm compares, in words and units of the metric's table. */
function conditionOf({ metric, threshold }: Pick<Alarm, "metric" | "threshold">): string {
  const { unit } = metricTable[metric];
  return unit === "Seconds" ? `${metric} > ${formatDuration(threshold * 1000)}` : `${metric} > ${threshold}`;
}
