import type { CheckResult, DrillReport } from "../core/drill-report.ts";
import { formatSpan } from "../core/duration.ts";
import { sentenceOf } from "../core/errors.ts";
import { harmless } from "../core/harmless.ts";
import type { Undone } from "../core/restore-result.ts";
import { formatInstant, type Terminal, wrapped } from "./terminal.ts";

/** What is wider is not read. */
const widest = 80;

/** Prints what was restored and looked at, and what came of it. */
export function printDrills(
  { reports, removed }: { readonly reports: readonly DrillReport[]; readonly removed: readonly Undone[] },
  out: Terminal,
): void {
  for (const { id, outcome } of removed)
    if (outcome === "removed") out.print(`Removed ${id}, which an earlier drill or restore had left.`);
  for (const report of reports) printOne(report, out);
  if (reports.some(({ planned }) => planned)) out.print("Nothing has been done: leave out --dry-run");
}

function printOne(report: DrillReport, out: Terminal): void {
  const { drill, subject, job, point, volumes, sizeGiB, left, checks, notes, problems, elapsedMs } = report;
  const whose = subject.name === undefined ? subject.id : `${subject.name} (${subject.id})`;
  out.print(out.paint("bold", harmless(`${drill}: job ${job} of ${whose}`)));
  const say = (name: string, text: string) => field(name, harmless(text), out);
  if (point !== undefined) say("point", `${point.id} of ${formatInstant(point.captured)}`);
  if (volumes.length > 0) say("volumes", `${volumes.map(({ of }) => of).join(", ")} (${sizeGiB} GiB)`);
  for (const { volume, because } of left) say("left out", `${volume}: ${because}`);
  for (const one of checks) say(one.check, wordsOf(one));
  for (const note of notes) say("note", note);
  for (const { severity, ...failure } of problems) {
    // What a check found stands there already.
    if (severity === "notice" || checks.some(({ detail }) => detail === failure.found)) continue;
    say(severity, severity === "error" ? sentenceOf(failure) : `${failure.doing}: ${failure.found}`);
  }
  const { outcome, planned } = report;
  if (planned && problems.length === 0) return;
  const ends = {
    verified: ["green", `VERIFIED: restored and checked in ${formatSpan(elapsedMs / 1000)}`],
    failed: ["red", "FAILED: this point is not what it should be"],
    "not-done": [
      "red",
      planned ? "This would not be drilled" : "NOT DONE: the point was not looked at to the end",
    ],
  } as const;
  const [style, text] = ends[outcome];
  out.print(`  ${out.paint(style, text)}`);
}

function wordsOf({ on, outcome, detail }: CheckResult): string {
  const words = { passed: "ok", failed: "FAILED", skipped: "skipped", "not-done": "NOT DONE" } as const;
  return `${on}: ${words[outcome]}${detail === undefined ? "" : `, ${detail}`}`;
}

function field(name: string, text: string, out: Terminal): void {
  const margin = "  ".concat(name.padEnd(11));
  const lines = wrapped(text, Math.min(out.width, widest) - margin.length);
  for (const [index, line] of lines.entries())
    out.print(`${index === 0 ? margin : " ".repeat(margin.length)}${line}`);
}
