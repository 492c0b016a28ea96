import { formatDuration, formatSpan } from "../core/duration.ts";
import { sentenceOf } from "../core/errors.ts";
import type { FleetAlarm } from "../core/fleet-alarm.ts";
import type { FleetReport, FleetUnit } from "../core/fleet-report.ts";
import { harmless } from "../core/harmless.ts";
import { printApplied } from "./alarm-results.ts";
import { printTopic, stateOf } from "./alarms.ts";
import { printParagraph } from "./paragraph.ts";
import { unitWords } from "./sweep.ts";
import type { Terminal } from "./terminal.ts";

/** Prints the alarms of each account and Region. */
export function printFleet({ units, verb, dryRun, prices }: FleetReport, out: Terminal): void {
  for (const { unit, failure, result } of units) {
    out.print(out.paint("bold", unitWords(unit)));
    if (failure !== undefined) say(harmless(sentenceOf(failure)), out, "red");
    if (result !== undefined) printUnit(result, out);
  }
  const alarms = units.flatMap(({ result }) => result?.changes.filter((one) => "alarm" in one) ?? []).length;
  if (alarms > 0) {
    const dollars = (alarms * (prices.alarm + prices.metric)).toFixed(2);
    out.print(
      `Cost a month: $${dollars} for ${alarms} ${alarms === 1 ? "metric and alarm" : "metrics and as many alarms"} (prices of ${prices.asOf}).`,
    );
  }
  if (verb === "remove" && dryRun) out.print("Nothing was changed.");
}

function printUnit({ changes, topic, beside, done }: FleetUnit, out: Terminal): void {
  for (const change of changes) {
    const found = "found" in change ? stateOf(change.found) : "absent";
    const { name } = "alarm" in change ? change.alarm : change.found;
    out.print(`  ${name} (${found}): ${change.action}`);
    if (!("alarm" in change)) continue;
    say(ringsWhen(change.alarm), out);
    if (change.action !== "update") continue;
    for (const { field, found: is, wanted } of change.differences)
      say(field === "description" ? "another description" : `${field}: ${is} -> ${wanted}`, out);
  }
  if (changes.length === 0) out.print("  There is none.");
  if (done !== undefined) printApplied(done, topic, out);
  const isWanted = changes.some((one) => "alarm" in one);
  if (isWanted && (done === undefined || topic === undefined)) printTopic(topic, out);
  if (beside.length > 0)
    say(
      `note: ${beside.length} alarms for missed backups of single instances tell somebody as well, such as ${beside[0]}; ` +
        "`ec2-backup alarms remove` there, if this one is to stand for them",
      out,
    );
}

function ringsWhen({ auditEvery, tellsWithin }: FleetAlarm): string {
  const within = formatSpan(Math.ceil(tellsWithin / 60_000) * 60);
  if (auditEvery === undefined)
    return `rings at most ${within} after a sweep that stops instances could not start one again`;
  return (
    `rings at most ${within} after the last audit that found nothing overdue; audits are due every ` +
    `${formatDuration(auditEvery)} (--audit-every): ec2-backup sweep audit --publish`
  );
}

function say(text: string, out: Terminal, style?: "red"): void {
  printParagraph(text, out, { indent: 4, style, widest: 120 });
}
