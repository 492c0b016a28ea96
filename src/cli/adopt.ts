import { reasonsLeft } from "../core/adopt.ts";
import type { AdoptReport } from "../core/adopt-report.ts";
import { counted } from "../core/counted.ts";
import { sentenceOf } from "../core/errors.ts";
import { harmless } from "../core/harmless.ts";
import { printParagraph } from "./paragraph.ts";
import { formatInstant, type Terminal, table } from "./terminal.ts";

const mostRows = 50;

/** Prints what was or would be taken over, and what is left and why. */
export function printAdopt(report: AdoptReport, out: Terminal): void {
  for (const { unit, result, failure } of report.units) {
    if (failure !== undefined) say(`${unit.id}: ${sentenceOf(failure)}`, 0, out, "red");
    if (result === undefined) continue;
    const { plan, adopted, problems } = result;
    const count = counted(plan.adopt.length, "snapshot");
    out.print(
      report.written
        ? `${unit.id}: ${adopted.length} of ${count} taken over from ${report.from}`
        : `${unit.id}: ${count} of ${report.from} would be taken over`,
    );
    const rows = plan.adopt
      .slice(0, mostRows)
      .map(({ snapshot, volume, captured, policy }) => [
        snapshot,
        volume,
        formatInstant(captured.toISOString()),
        policy,
      ]);
    if (rows.length > 0)
      for (const line of table(["SNAPSHOT", "VOLUME", "CAPTURED", "RETENTION"], rows, out.width - 2))
        out.print(`  ${line}`);
    const more = plan.adopt.length - rows.length;
    if (more > 0) out.print(`  and ${more} more; --json has all of them`);
    for (const reason of reasonsLeft(plan)) say(`left: ${reason}`, 2, out);
    for (const problem of problems.slice(0, mostRows)) say(sentenceOf(problem), 2, out, "red");
  }
  if (!report.written) out.print("Nothing was changed; --yes writes the tags.");
}

/** Tags and names that others have written may be long, and say what they like. */
function say(text: string, indent: number, out: Terminal, style?: "red"): void {
  printParagraph(harmless(text), out, { indent, hang: 2, style });
}

/** The document of `sweep adopt --json`. */
export function adoptJson({ run, from, written, units }: AdoptReport) {
  return {
    run,
    from,
    written,
    units: units.map(({ unit, outcome, ms, result, failure }) => ({
      unit,
      outcome,
      ms,
      ...(failure && { failure }),
      ...(result && { adopt: result.plan.adopt, left: result.plan.left }),
      ...(result && { adopted: result.adopted, problems: result.problems }),
    })),
  };
}
