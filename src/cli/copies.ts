import type { CopyReport, RunReport } from "../core/report.ts";
import { copyFacts } from "./copy-words.ts";
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
  out.print(`Copies in ${region}: ${copyFacts(copies)}`);
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
