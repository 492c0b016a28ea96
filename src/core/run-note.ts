import { sentenceOf } from "./errors.ts";
import type { RunReport } from "./report.ts";

/** What is remembered of a run when its report is gone. Times are the host's, as in the report. */
export interface RunNote {
  readonly run: string;
  /** ISO 8601. */
  readonly started: string;
  readonly trigger: string;
  readonly outcome: string;
  /** Milliseconds without settling. */
  readonly elapsedMs: number;
  readonly settleMs?: number;
  /** Milliseconds for which filesystems stood still at most. */
  readonly frozenMs?: number;
  readonly consistency?: string;
  /** What the job demanded, where it was not reached. */
  readonly demanded?: string;
  /** Bytes of the newest complete point, as far as the run could list. */
  readonly bytes?: number;
  /** The point that the run made; absent for one that only removed, or came no further. */
  readonly point?: string;
  readonly errors: number;
  /** The first error as a sentence, cut to a bounded length. */
  readonly error?: string;
  /** Slots that had passed without a run. */
  readonly missed?: number;
}

/** As many runs are remembered: two months of nights. */
export const remembered = 60;

/** The history with one more run in it, oldest first. What is there may be damaged; {@link readHistory} judges. */
export function withRun(history: unknown, report: RunReport): readonly unknown[] {
  return [...(Array.isArray(history) ? (history as unknown[]) : []), noteOf(report)].slice(-remembered);
}

function noteOf(report: RunReport): RunNote {
  const { run, started, trigger, outcome, elapsedMs, settleMs, missed, stillness, points, series } = report;
  const errors = report.problems.filter((problem) => problem.severity === "error");
  const [first] = errors;
  // What is undefined here is not written at all: it becomes JSON.
  return {
    run,
    started,
    trigger,
    outcome,
    elapsedMs,
    settleMs,
    frozenMs: stillness?.frozenMs,
    consistency: stillness?.achieved ?? points[0]?.consistency,
    demanded: stillness?.achieved === stillness?.demanded ? undefined : stillness?.demanded,
    bytes: series?.newestComplete?.bytes,
    point: points[0]?.id,
    errors: errors.length,
    error: first && sentenceOf(first).slice(0, 300),
    missed,
  } as RunNote;
}
