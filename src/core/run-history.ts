import { type RunNote, remembered } from "./run-note.ts";

/** The runs that a host remembers, oldest first, and how many records could not be read. */
export interface RunHistory {
  readonly runs: readonly RunNote[];
  /** Records that are damaged or of another version; told, and otherwise left aside. */
  readonly unreadable: number;
}

/** Reads what the state file has, which may be old, damaged or changed by hand. Never throws. */
export function readHistory(kept: unknown): RunHistory {
  if (kept === undefined) return { runs: [], unreadable: 0 };
  if (!Array.isArray(kept)) return { runs: [], unreadable: 1 };
  // No run writes more, and what reads them reckons with no more.
  const last: readonly unknown[] = kept.slice(-remembered);
  const runs = last.filter(isNote).sort((a, b) => (a.started < b.started ? -1 : 1));
  return { runs, unreadable: last.length - runs.length };
}

/**
 * How long each run took that made a point, in milliseconds without settling, oldest first. Runs that only
 * removed or came no further say nothing of how long a backup takes and are left out.
 */
export function durationsOf(history: readonly RunNote[]): readonly number[] {
  return history.filter((run) => run.point !== undefined).map((run) => run.elapsedMs);
}

const texts = ["run", "started", "trigger", "outcome"] as const;
const maybeTexts = ["consistency", "demanded", "point", "error"] as const;
const maybeNumbers = ["settleMs", "frozenMs", "bytes", "missed"] as const;

function isNote(value: unknown): value is RunNote {
  if (typeof value !== "object" || value === null) return false;
  const note = value as Readonly<Record<string, unknown>>;
  return (
    texts.every((key) => typeof note[key] === "string") &&
    !Number.isNaN(Date.parse(String(note["started"]))) &&
    maybeTexts.every((key) => note[key] === undefined || typeof note[key] === "string") &&
    maybeNumbers.every((key) => note[key] === undefined || isAmount(note[key])) &&
    isAmount(note["elapsedMs"]) &&
    isAmount(note["errors"])
  );
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
