import type { CopyReport, RunReport } from "../core/report.ts";
import { copyFacts } from "./copy-words.ts";
import type { printRetention } from "./run.ts";
import { type Terminal, wrapped } from "./terminal.ts";

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
  const say = (text: string, indent = "  "): void => {
    const [first = "", ...rest] = wrapped(text, out.width - indent.length - 2);
    for (const line of [first, ...rest.map((more) => `  ${more}`)]) out.print(`${indent}${line}`);
  };
  say(`Copies in ${region}: ${copyFacts(copies)}`, "");
  const [verb, more] = report.planned ? ["would copy", "would clear"] : ["copying", "cleared"];
  for (const { point, source, copy } of begun)
    say(`${verb} ${source} of point ${point}${copy === undefined ? "" : ` as ${copy}`}`);
  for (const { copy, message, attempt, retryAt } of copies.failed) {
    const next = retryAt === undefined ? "" : `, again after ${retryAt}`;
    say(`${out.paint("red", "failed")} ${copy} (try ${attempt}${next}): ${message}`);
  }
  for (const { snapshot, because } of cleared) say(`${more} ${snapshot}: ${because}`);
  for (const { point, because } of left) say(`not copied: point ${point}: ${because}`);
  if (copies.retention !== undefined) retention(copies.retention, report, out, `Retention in ${region}`);
}
