import { counted } from "../core/counted.ts";
import { formatSpan } from "../core/duration.ts";
import type { CopyReport, RunReport } from "../core/report.ts";
import type { printRetention } from "./run.ts";
import type { Terminal } from "./terminal.ts";

/** Prints what became of the copies in each Region, or what a run would do about them. */
export function printCopies(report: RunReport, out: Terminal, retention: typeof printRetention): void {
  for (const copies of report.copies ?? []) printRegion(copies, report, out, retention);
}

function printRegion(
  copies: CopyReport,
  report: RunReport,
  out: Terminal,
  retention: typeof printRetention,
): void {
  const { region, asOf, begun, cleared, left } = copies;
  if (asOf === undefined) {
    out.print(`Copies in ${region}: ${out.paint("red", "it could not be asked")}`);
    return;
  }
  out.print(`Copies in ${region}: ${factsOf(copies)}`);
  const [verb, more] = report.planned ? ["would copy", "would clear"] : ["copying", "cleared"];
  for (const { point, source, copy } of begun)
    out.print(`  ${verb} ${source} of point ${point}${copy === undefined ? "" : ` as ${copy}`}`);
  for (const { copy, message, attempt, retryAt } of copies.failed) {
    const next = retryAt === undefined ? "" : `, again after ${retryAt}`;
    out.print(`  ${out.paint("red", "failed")} ${copy} (try ${attempt}${next}): ${message}`);
  }
  for (const { snapshot, because } of cleared) out.print(`  ${more} ${snapshot}: ${because}`);
  for (const { point, because } of left) out.print(`  not copied: point ${point}: ${because}`);
  if (copies.retention !== undefined) retention(copies.retention, report, out, `Retention in ${region}`);
}

/** In one line: how many are whole, under way and waiting, and how far behind that is. */
export function factsOf({ complete, running, begun, waiting, lagSeconds = 0 }: CopyReport): string {
  const under = running === 0 && begun.length === 0 ? [] : [`${counted(running, "point")} under way`];
  const wait = waiting.length === 0 ? [] : [`${counted(waiting.length, "point")} waiting`];
  const lag = lagSeconds === 0 ? "nothing is missing" : `${formatSpan(lagSeconds)} behind`;
  return [`${counted(complete, "point")} whole`, ...under, ...wait, lag].join(", ");
}
