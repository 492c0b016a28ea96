import { formatSpan } from "../core/duration.ts";
import { harmless } from "../core/harmless.ts";
import type { UpkeepStatus } from "../core/upkeep-status.ts";
import { printParagraph } from "./paragraph.ts";
import { formatInstant, type Terminal, table } from "./terminal.ts";

/** What is wider is not read. */
const widest = 80;

const outcomes = {
  done: "ok",
  degraded: "PARTLY DONE",
  unsound: "DAMAGED",
  "not-done": "NOT DONE",
  skipped: "skipped",
} as const;

/** Prints when repositories were last checked, pruned and mirrored well, and what was wrong the last time. */
export function printUpkeepStatus(found: readonly UpkeepStatus[], out: Terminal): void {
  if (found.length === 0) return;
  const rows = found.map(({ repository, kind, ageSeconds, promised, overdue, outcome }) => [
    repository,
    kind,
    ageSeconds === undefined ? "never" : `${formatSpan(ageSeconds)} ago`,
    promised === undefined ? "nothing" : formatSpan(promised),
    [...(outcome === undefined ? [] : [outcomes[outcome]]), ...(overdue ? ["OVERDUE"] : [])].join(", "),
  ]);
  out.print("");
  for (const line of table(["REPOSITORY", "UPKEEP", "LAST GOOD", "PROMISED", "LAST"], rows, out.width))
    out.print(line);
  for (const { repository, kind, failing, at } of found)
    for (const text of failing.slice(0, 3)) {
      const sentence = harmless(
        `${repository} ${kind}${at === undefined ? "" : `, ${formatInstant(at)}`}: ${text}`,
      );
      printParagraph(sentence, out, { hang: 2, widest });
    }
  for (const { repository, kind } of found.filter(({ overdue }) => overdue))
    out.print(`Overdue: ec2-backup repository ${kind} ${repository}`);
}
