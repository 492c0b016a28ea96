import { counted } from "../core/counted.ts";
import { formatSpan } from "../core/duration.ts";
import { sentenceOf } from "../core/errors.ts";
import { harmless } from "../core/harmless.ts";
import type { ListedRepository, ListedUpkeep } from "../core/repository-list.ts";
import type { SeriesUpkeep, UpkeepReport } from "../core/upkeep.ts";
import { formatBytes, type Terminal, wrapped } from "./terminal.ts";

/** What is wider is not read. */
const widest = 80;

/** Prints what the repositories hold. */
export function printRepositories(listed: readonly ListedRepository[], now: Date, out: Terminal): void {
  for (const [index, one] of listed.entries()) {
    if (index > 0) out.print("");
    printRepository(one, now, out);
  }
}

function printRepository(one: ListedRepository, now: Date, out: Terminal): void {
  const { repository, url, appendOnly, mirrorTo, facts, series, foreign, locks, upkeep, failure } = one;
  out.print(out.paint("bold", harmless(`${repository}: ${url}`)));
  if (failure !== undefined) field("error", sentenceOf(failure), out);
  if (facts !== undefined)
    field(
      "restic",
      `${facts.program}, repository ${facts.repositoryId.slice(0, 8)} of version ${facts.formatVersion}`,
      out,
    );
  if (appendOnly) field("rights", "append only: pruned elsewhere", out);
  if (mirrorTo !== undefined) field("mirror", `copied to ${mirrorTo}`, out);
  for (const { series: name, complete, partial, disbelieved, newest } of series) {
    const age = newest === undefined ? "" : `, the newest ${ageOf(newest, now)} old`;
    const more = [
      ...(partial === 0 ? [] : [`${partial} partial`]),
      ...(disbelieved === 0 ? [] : [`${disbelieved} of a time that is not believed`]),
    ];
    field("series", `${name}: ${[counted(complete, "point") + age, ...more].join("; ")}`, out);
  }
  if (failure === undefined && series.length === 0) field("series", "no points", out);
  if (foreign > 0) field("others", `${counted(foreign, "snapshot")} that are no points of ours`, out);
  for (const { host, pid, user, since, exclusive, dead } of locks) {
    const what = exclusive ? "exclusively locked" : "locked";
    const gone = dead ? "; its process is gone: ec2-backup repository unlock" : "";
    field("lock", `${what} for ${ageOf(since, now)} by process ${pid} of ${user} on ${host}${gone}`, out);
  }
  for (const kind of upkeep) field(kind.kind, wordsOf(kind, now), out);
}

function wordsOf({ schedule, lastGood, last }: ListedUpkeep, now: Date): string {
  const when = schedule === undefined ? "by hand" : schedule;
  const good = lastGood === undefined ? "never done well here" : `last done well ${ageOf(lastGood, now)} ago`;
  const wrong =
    last === undefined || last.outcome === "done"
      ? ""
      : `; ${last.outcome.replace("-", " ").toUpperCase()} ${ageOf(last.at, now)} ago${last.found === undefined ? "" : `: ${last.found}`}`;
  return `${when}; ${good}${wrong}`;
}

function ageOf(instant: string | Date, now: Date): string {
  return formatSpan(Math.max(0, now.getTime() - new Date(instant).getTime()) / 1000);
}

/** Prints what was done to repositories. */
export function printUpkeep(reports: readonly UpkeepReport[], out: Terminal): void {
  for (const report of reports) printReport(report, out);
  if (reports.some(({ planned }) => planned)) out.print("Nothing has been done: leave out --dry-run");
}

function printReport(report: UpkeepReport, out: Terminal): void {
  const { action, repository, outcome, planned, check, prune, mirror, facts, problems, elapsedMs } = report;
  out.print(out.paint("bold", harmless(`${repository}: ${action}`)));
  if (facts !== undefined && action === "init") field("id", facts.repositoryId, out);
  if (check?.read !== undefined)
    field("data", `part ${check.read}${planned ? " would be read" : " was read"}`, out);
  else if (check !== undefined) field("data", "none of it was read: the structure alone", out);
  for (const error of (check?.errors ?? []).slice(0, 10)) field("damage", error, out);
  if (mirror !== undefined) {
    const { copied, there, to } = mirror;
    const verb = planned ? "would be copied" : "copied and seen";
    const what = copied.length === 0 ? "nothing to copy" : `${counted(copied.length, "point")} ${verb} there`;
    field("mirror", `to ${to}: ${what}; ${there} there before`, out);
    if (planned) for (const { point, series } of copied) field("copy", `${point} of ${series}`, out);
  }
  for (const one of prune?.series ?? mirror?.series ?? []) printSeries(one, planned, out);
  if (planned && prune !== undefined)
    field("room", "of what is forgotten would be given back; how much shows once it is done", out);
  if (prune?.freedBytes !== undefined) field("room", `${formatBytes(prune.freedBytes)} given back`, out);
  for (const { severity, ...failure } of problems)
    field(severity, severity === "error" ? sentenceOf(failure) : `${failure.doing}: ${failure.found}`, out);
  if (planned) return;
  const ends = {
    done: ["green", `DONE in ${formatSpan(elapsedMs / 1000)}`],
    degraded: ["yellow", "PARTLY DONE: see above"],
    unsound: ["red", "DAMAGED: see above"],
    "not-done": ["red", "NOT DONE"],
    skipped: ["yellow", "NOT DONE: another one is at work on it"],
  } as const;
  const [style, text] = ends[outcome];
  out.print(`  ${out.paint(style, text)}`);
}

function printSeries(
  { series, kept, removed, postponed }: SeriesUpkeep,
  planned: boolean,
  out: Terminal,
): void {
  if (removed.length === 0 && postponed.length === 0 && !planned) return;
  const verb = planned ? "would go" : "removed";
  const late = postponed.length === 0 ? "" : `, ${postponed.length} left by the brake`;
  field("series", `${series}: ${removed.length} ${verb}${late}, ${kept} stay`, out);
  if (planned) for (const id of removed) field("", id, out);
}

function field(name: string, text: string, out: Terminal): void {
  const margin = "  ".concat(name.padEnd(9));
  const lines = wrapped(harmless(text), Math.min(out.width, widest) - margin.length);
  for (const [index, line] of lines.entries())
    out.print(`${index === 0 ? margin : " ".repeat(margin.length)}${line}`);
}
