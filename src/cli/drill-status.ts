import type { DrillStatus } from "../core/drill-status.ts";
import { formatSpan } from "../core/duration.ts";
import { harmless } from "../core/harmless.ts";
import { printParagraph } from "./paragraph.ts";
import { formatInstant, type Terminal, table } from "./terminal.ts";

/** What is wider is not read. */
const widest = 100;

/** Prints when what was last proved to be restorable, and what failed the last time. */
export function printDrillsStatus(drills: readonly DrillStatus[], out: Terminal): void {
  const rows = drills.flatMap(({ drill, subjects, overdue, promised }) => {
    const limit = promised === undefined ? "nothing" : formatSpan(promised);
    if (subjects.length === 0) return [[drill, "", "", "never", limit, overdue ? "OVERDUE" : ""]];
    return subjects.map(({ of, job, lastGood, outcome }) => {
      const good = lastGood === undefined ? "never" : `${formatSpan(lastGood.ageSeconds)} ago`;
      const late = promised !== undefined && (lastGood === undefined || lastGood.ageSeconds > promised);
      const last = outcome === "verified" ? "ok" : outcome === "failed" ? "FAILED" : "NOT DONE";
      return [drill, harmless(of), job, good, limit, [last, ...(late ? ["OVERDUE"] : [])].join(", ")];
    });
  });
  if (rows.length === 0) return;
  out.print("");
  for (const line of table(["DRILL", "OF", "JOB", "LAST GOOD", "PROMISED", "LAST"], rows, out.width))
    out.print(line);
  for (const { drill, subjects } of drills)
    for (const { failing, at } of subjects)
      for (const text of failing.slice(0, 3)) {
        const sentence = harmless(`${drill}, ${formatInstant(at)}: ${text}`);
        printParagraph(sentence, out, { hang: 2, widest });
      }
}
