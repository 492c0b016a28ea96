import { readdirSync } from "node:fs";
import type { Log } from "../core/ports.ts";
import type { LedgerReport } from "../core/thaw-report.ts";
import { within } from "../host/within.ts";
import { type ChildOutcome, endOfChild } from "./child.ts";

/** After so many milliseconds a thaw is not waited for any more: its process is at a device that is stuck. */
const patience = 120_000;

/** How long until it is tried again after it could not thaw all, in milliseconds. */
const retryEvery = 60_000;

/**
 * Returns what starts `thaw --leftovers` as a process of its own and logs what it came to; asked while one is
 * at work, it starts another after that. A host on which nothing is held still pays one look at the ledgers.
 */
export function thawer(
  self: readonly string[],
  global: readonly string[],
  runtimeDirectory: string,
  log: Log,
): () => void {
  let isBusy = false;
  let again = false;
  const start = (): void => {
    if (!mayHaveLedgers(runtimeDirectory)) return;
    again = isBusy;
    if (isBusy) return;
    isBusy = true;
    const words = [...self, ...global, "--json", "thaw", "--leftovers"];
    const late: ChildOutcome = { text: `it has not ended after ${patience / 1000} s` };
    void within(patience, endOfChild(words), late).then((ended) => {
      tell(ended, log);
      isBusy = false;
      if (again) start();
      // A device that is stuck may come back at any time.
      else if (ended.code !== 0) setTimeout(start, retryEvery).unref();
    });
  };
  return start;
}

/** A directory that cannot be read may have some. */
function mayHaveLedgers(directory: string): boolean {
  try {
    return readdirSync(directory).length > 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}

function tell({ code, text }: ChildOutcome, log: Log): void {
  const found = code === undefined ? text : summaryOf(text);
  const end = code === undefined ? "" : ` (exit code ${code})`;
  if (code === 0 && found === "") log("debug", "nothing was left frozen");
  else if (code === 0) log("warn", `what a run left behind is undone: ${found}`);
  else if (code === 75) log("info", `what a run left behind is still in use: ${found}`);
  else log("error", `what a run left behind may be frozen still${end}: ${found}; run \`ec2-backup thaw\``);
}

/** The report that the command printed, in a line; what is none, as it is. */
function summaryOf(text: string): string {
  try {
    const { ledgers = [], error } = JSON.parse(text) as {
      ledgers?: readonly LedgerReport[];
      error?: { found: string };
    };
    return error === undefined ? ledgers.flatMap(wordsOf).join(", ") : error.found;
  } catch {
    return text.trim();
  }
}

function wordsOf({ ledger, state, mounts, notes, problem }: LedgerReport): string[] {
  const words = [
    ...mounts.map(({ path, outcome }) => `${path} ${outcome}`),
    ...notes.map(({ name, outcome }) => `${name} ${outcome}`),
    ...(problem === undefined ? [] : [problem.found]),
  ];
  return state === "in-use" && words.length === 0 ? [ledger] : words;
}
