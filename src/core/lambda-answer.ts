import type { AuditReport } from "./audit-report.ts";
import { sentenceOf } from "./errors.ts";
import type { Metric } from "./ports.ts";
import type { Problem } from "./report.ts";
import { didSomething, type SweepReport, type SweptUnit, totalsOf } from "./sweep-report.ts";

/**
 * What came of an invocation. `more`: nothing is wrong, and work is left that the next one goes on with; `partly`:
 * something was done, and something is wrong.
 */
export type LambdaOutcome = "done" | "more" | "partly";

/** A unit in the answer: numbers alone, since what a function answers may have 6 MB at most. */
export interface UnitAnswer {
  readonly unit: string;
  readonly outcome: SweptUnit["outcome"] | "more";
  readonly ms: number;
  readonly created?: number;
  /** Instances that a sweep has stopped and that do not run again. */
  readonly down?: number;
  readonly points?: number;
  readonly removed?: number;
  readonly marked?: number;
  readonly postponed?: number;
  readonly alarms?: number;
  readonly copied?: number;
  /** Sentences; the log has all of them. */
  readonly problems: readonly string[];
}

export interface SweepAnswer {
  readonly version: 1;
  readonly outcome: LambdaOutcome;
  readonly run: string;
  readonly dryRun: boolean;
  readonly units: readonly UnitAnswer[];
}

/** Problems of a unit that are told in the answer, and their length. */
const most = 10;
const longest = 500;

export function sweepAnswer({ run, dryRun, units }: SweepReport): SweepAnswer {
  const answers = units.map(unitAnswer);
  const outcome = answers.some((one) => isWrong(one))
    ? "partly"
    : answers.some((one) => one.outcome === "more")
      ? "more"
      : "done";
  return { version: 1, outcome, run, dryRun, units: answers };
}

const isCreated = ({ outcome }: { readonly outcome: string }): boolean => outcome === "created";

function unitAnswer(swept: SweptUnit): UnitAnswer {
  const { unit, ms, create, stops, prune, alarms, copy } = swept;
  const wrong = problemsOf(swept).filter(({ severity }) => severity !== "notice");
  const { removed, marked, postponed } = prune === undefined ? {} : totalsOf(prune);
  const count = (name: string, value: number | undefined) => (value === undefined ? {} : { [name]: value });
  return {
    unit: unit.id,
    outcome: outcomeOf(swept),
    ms,
    ...count("created", create && [...create.captured, ...(create.volumes ?? [])].filter(isCreated).length),
    ...count("down", stops?.down.length),
    ...count("points", prune?.points),
    ...count("removed", removed),
    ...count("marked", marked),
    ...count("postponed", postponed),
    ...count("alarms", alarms && alarms.removed.length + alarms.muted.length + alarms.woken.length),
    ...count(
      "copied",
      copy?.destinations.reduce((sum, { begun }) => sum + begun.length, 0),
    ),
    problems: wrong.slice(0, most).map((problem) => sentenceOf(problem).slice(0, longest)),
  };
}

/** One that was stopped after it had done something goes on the next time; one that got nowhere may never. */
function hasMore(swept: SweptUnit): boolean {
  return (swept.outcome === "late" || swept.outcome === "interrupted") && didSomething(swept);
}

/** What is wrong with a unit: not that it was stopped, where the next invocation goes on with it. */
export function problemsOf(swept: SweptUnit): readonly Problem[] {
  if (!hasMore(swept)) return swept.problems;
  return swept.problems.filter(({ kind, code }) => kind !== "interrupted" && code !== "UnitDeadline");
}

function outcomeOf(swept: SweptUnit): UnitAnswer["outcome"] {
  if (!hasMore(swept)) return swept.outcome;
  return problemsOf(swept).some(({ severity }) => severity === "error") ? "partly" : "more";
}

function isWrong({ outcome }: UnitAnswer): boolean {
  return outcome !== "done" && outcome !== "more";
}

/** Whether every unit failed, so that the function has failed: then nothing is done twice if it is tried again. */
export function hasFailed({ units }: SweepAnswer): boolean {
  return units.length > 0 && units.every((one) => isWrong(one) && one.outcome !== "partly");
}

/** Numbers for alarms: what an answer says nobody may read. */
export function sweepMetrics({ units }: SweepAnswer): readonly Metric[] {
  const count = (name: string, of: (one: UnitAnswer) => boolean): Metric => ({
    name,
    unit: "Count",
    value: units.filter(of).length,
  });
  return [count("SweepErrors", isWrong), count("SweepUnfinished", ({ outcome }) => outcome === "more")];
}

/** Of an audit: units that could not be looked into. */
export function auditMetrics({ units }: AuditAnswer): readonly Metric[] {
  const value = units.filter(({ outcome }) => outcome !== "done").length;
  return [{ name: "SweepErrors", unit: "Count", value }];
}

export interface AuditAnswer {
  readonly version: 1;
  readonly outcome: "done" | "partly";
  readonly run: string;
  readonly units: readonly { readonly unit: string; readonly outcome: string; readonly ms: number }[];
  readonly totals: AuditReport["totals"];
  readonly findings: { readonly error: number; readonly warning: number; readonly note: number };
  readonly worst: readonly string[];
}

/** Findings in the answer; the log has all of them. */
const mostFindings = 100;

export function auditAnswer({ run, units, totals, findings }: AuditReport): AuditAnswer {
  const count = (of: string) => findings.filter(({ severity }) => severity === of).length;
  const worst = findings.filter(({ severity }) => severity !== "note").slice(0, mostFindings);
  return {
    version: 1,
    outcome: units.every(({ outcome }) => outcome === "done") ? "done" : "partly",
    run,
    units: units.map(({ unit, outcome, ms }) => ({ unit: unit.id, outcome, ms })),
    totals,
    findings: { error: count("error"), warning: count("warning"), note: count("note") },
    worst: worst.map(({ severity, unit, what }) => `${severity}: ${unit}: ${what}`.slice(0, longest)),
  };
}
