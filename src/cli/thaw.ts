import { sentenceOf } from "../core/errors.ts";
import type { LedgerReport, ThawReport } from "../core/thaw-report.ts";
import { type Terminal, table } from "./terminal.ts";

/**
 * Prints what was left behind and what became of it; as JSON the report itself is the document.
 *
 * Exit codes: 0 where no ledger is `in-use`, `unmounted`, `broken` or `failed`, also if there was nothing to do;
 * else 1 if any is `done`, since something was; else 75 if all the others are `in-use` or `unmounted`; else 2. What thawLeftovers
 * throws maps like any failure.
 */
export function printThaw({ ledgers }: ThawReport, out: Terminal): void {
  const rows = ledgers.flatMap(rowsOf);
  const isQuiet = ledgers.every(({ state }) => state === "done" || state === "earlier-boot");
  if (rows.length === 0 && isQuiet) out.print("Nothing was frozen by us.");
  if (rows.length > 0) for (const line of table(["WHAT", "OUTCOME", "WHY"], rows, out.width)) out.print(line);
  for (const { problem } of ledgers)
    if (problem !== undefined) out.print(out.paint("red", sentenceOf(problem)));
  for (const { ledger, state } of ledgers)
    if (state === "in-use")
      out.print(`${ledger} is in use: its guard lives, and thaws at its deadline at the latest.`);
}

/** The exit code of the command. */
export function thawExitCode({ ledgers }: ThawReport): 0 | 1 | 2 | 75 {
  const wrong = ledgers.filter(({ state }) => state !== "done" && state !== "earlier-boot");
  if (wrong.length === 0) return 0;
  if (ledgers.some(({ state }) => state === "done")) return 1;
  return wrong.every(({ state }) => state === "in-use" || state === "unmounted") ? 75 : 2;
}

function rowsOf({ mounts, notes }: LedgerReport): string[][] {
  return [
    ...mounts.map(({ path, outcome, found }) => [path, outcomes[outcome], found ?? ""]),
    ...notes.map(({ name, outcome, found }) => [
      name,
      outcome === "undone" ? "undone" : "FAILED",
      found ?? "",
    ]),
  ];
}

const outcomes = {
  thawed: "thawed",
  "was-not-frozen": "was not frozen",
  gone: "device is gone",
  "not-mounted": "NOT MOUNTED, STILL FROZEN",
  failed: "STILL FROZEN",
} as const;
