import { counted } from "../core/counted.ts";
import { formatSpan } from "../core/duration.ts";
import { sentenceOf } from "../core/errors.ts";
import { harmless } from "../core/harmless.ts";
import type { SweepUnit, UnitOutcome } from "../core/sweep-ports.ts";
import {
  type AlarmsSwept,
  type CreateSwept,
  type InstanceCaptured,
  type PruneSwept,
  type SeriesSwept,
  type StopsSwept,
  type SweepReport,
  type SweptUnit,
  totalsOf,
} from "../core/sweep-report.ts";
import { printParagraph } from "./paragraph.ts";
import { copyLine } from "./sweep-copy.ts";
import { formatInstant, type Terminal, table } from "./terminal.ts";

/** What is wider is not read. */
const widest = 100;
/** Series of a unit that are told one by one; all of them are in the JSON. */
const mostSeries = 20;

/** How a unit is called for people. */
export function unitWords({ id, name }: SweepUnit): string {
  return harmless(name === undefined ? id : `${name} (${id})`);
}

const words: Readonly<Record<UnitOutcome, string>> = {
  done: "done",
  partly: "partly done",
  denied: "DENIED",
  late: "TOO LATE",
  throttled: "THROTTLED",
  failed: "FAILED",
  interrupted: "interrupted",
};

/** Prints what a sweep did, or would do, unit by unit. */
export function printSweep({ units, dryRun }: SweepReport, out: Terminal): void {
  if (dryRun) out.print(out.paint("bold", "Nothing was changed; this would be done:"));
  // A name may be as long as a line, and what is in the last column goes on below.
  const rows = units.map((one) => [one.unit.id, ...cellsOf(one), outcomeOf(one)]);
  const head = ["UNIT", "SERIES", "POINTS", dryRun ? "WOULD GO" : "REMOVED", "TIME", "OUTCOME"];
  for (const line of table(head, rows, out.width)) out.print(line);
  for (const one of units) printUnit(one, dryRun, out);
  if (units.length === 0) out.print("No account and no Region was swept.");
}

function outcomeOf({ unit: { name }, outcome }: SweptUnit): string {
  return name === undefined ? words[outcome] : `${words[outcome]} (${harmless(name)})`;
}

function cellsOf({ prune, ms }: SweptUnit): string[] {
  const time = formatSpan(ms / 1000);
  if (prune === undefined) return ["", "", "", time];
  const { removed } = totalsOf(prune);
  return [String(prune.series), String(prune.points), String(removed), time];
}

function printUnit(
  { unit, create, stops, prune, alarms, copy, problems }: SweptUnit,
  dryRun: boolean,
  out: Terminal,
): void {
  const lines = [
    ...(stops === undefined ? [] : stopLines(stops, dryRun)),
    ...(create === undefined ? [] : createLines(create)),
    ...(prune === undefined ? [] : linesOf(prune, dryRun)),
    ...(alarms === undefined ? [] : alarmLines(alarms, dryRun)),
    ...(copy === undefined ? [] : copy.destinations.map((one) => copyLine(one, dryRun))),
  ];
  if (lines.length === 0 && problems.length === 0) return;
  out.print("");
  out.print(out.paint("bold", unitWords(unit)));
  for (const line of lines) paragraph(line, out);
  const styles = { error: "red", warning: "yellow", notice: "dim" } as const;
  for (const problem of problems)
    paragraph(harmless(`${problem.severity}: ${sentenceOf(problem)}`), out, styles[problem.severity]);
}

const captureWords: Readonly<Record<InstanceCaptured["outcome"], string>> = {
  created: "captured",
  recent: "somebody else has captured it meanwhile",
  claimed: "left to another sweep, which said less than 15 minutes ago that it captures it",
  failed: "NOT captured",
  overdue: "would be captured",
  others: "left to another sweep, which is about to stop it",
  left: "left to the next sweep: too little time to stop and start it",
};

function createLines({ captured, volumes = [] }: CreateSwept): string[] {
  const all = [...captured, ...volumes.map(({ volume, ...one }) => ({ instance: volume, job: "", ...one }))];
  const lines = all.slice(0, mostSeries).map((one) => {
    const { instance, name, last, outcome } = one;
    const age = last === undefined ? "no point" : `newest point of ${formatInstant(last)}`;
    const who = name === undefined ? instance : `${name} (${instance})`;
    return harmless(`${who}: ${age}, ${captureWords[outcome]}${stopWords(one)}`);
  });
  const rest = all.length - lines.length;
  return rest > 0 ? [...lines, `... and ${rest} more: see --json`] : lines;
}

function stopWords({ stops, notStopped, offFor }: InstanceCaptured): string {
  if (notStopped !== undefined) return ` without stopping it: ${notStopped}`;
  if (stops === true) return ", stopped for it and started again";
  return offFor === undefined ? "" : `; it was off for ${formatSpan(offFor / 1000)}`;
}

function stopLines({ started, cleared, left, down }: StopsSwept, dryRun: boolean): string[] {
  const line = (ids: readonly string[], words: string) =>
    ids.length === 0 ? [] : [`${ids.join(", ")}: ${words}`];
  return [
    ...line(down, "stopped for a backup and NOT RUNNING AGAIN"),
    ...line(started, `stopped by a sweep that is gone, ${dryRun ? "would be started" : "started"} again`),
    ...line(cleared, `the tag of a stop that is over ${dryRun ? "would be" : "was"} taken off`),
    ...line(left, "another sweep is about to stop it, or to start it again"),
  ].map(harmless);
}

function alarmLines({ removed, muted, woken, disabled }: AlarmsSwept, dryRun: boolean): string[] {
  const line = (names: readonly string[], of: string, would: string, did: string) =>
    names.length === 0 ? [] : [`alarms of ${of}: ${names.length} ${dryRun ? would : did}`];
  return [
    ...line(removed, "instances that are gone", "would be deleted", "deleted"),
    ...line(muted, "stopped instances", "would be muted", "muted"),
    ...line(woken, "instances that run again", "would be woken", "woken"),
    ...line(disabled, "running instances", "are disabled by somebody else", "are disabled by somebody else"),
  ];
}

function linesOf(prune: PruneSwept, dryRun: boolean): string[] {
  const told = prune.details.filter((one) => seriesWords(one, dryRun) !== "");
  const lines = told
    .slice(0, mostSeries)
    .map((one) => harmless(`${one.series || "(no series)"}: ${seriesWords(one, dryRun)}`));
  const rest = told.length - lines.length;
  return rest > 0
    ? [...lines, `... and ${counted(rest, "series").replace(/s+$/, "s")} more: see --json`]
    : lines;
}

function seriesWords(one: SeriesSwept, dryRun: boolean): string {
  const some = (count: number, text: string) => (count === 0 ? [] : [`${count} ${text}`]);
  return [
    ...some(one.removed.length, dryRun ? "would go" : "removed"),
    ...some(one.expired, "of what is gone for good"),
    ...some(one.marked.length, dryRun ? "would be marked" : "marked"),
    ...some(one.unmarked.length, dryRun ? "would lose their mark" : "kept again, their mark taken off"),
    ...some(one.waiting, "marked and waiting"),
    ...some(one.postponed, "left by the brake"),
    ...some(one.held, "held"),
    ...(one.removed.length + one.marked.length > 0 ? [`${one.kept} stay`] : []),
  ].join(", ");
}

function paragraph(text: string, out: Terminal, style?: "red" | "yellow" | "dim"): void {
  printParagraph(text, out, { indent: 2, hang: 2, style, widest });
}
