import { worstFirst } from "./audit.ts";
import { type CopyGround, judgeCopies } from "./audit-copies.ts";
import type { AuditedUnit, AuditFinding, AuditTotals, Savings } from "./audit-ports.ts";
import { type Failure, sentenceOf } from "./errors.ts";
import { exitCodeOfKinds, exitCodes } from "./report.ts";
import type { UnitReport } from "./sweep-ports.ts";

/** What came of one unit. */
export interface UnitAudit {
  readonly audited: AuditedUnit;
  readonly ground: CopyGround;
  /** Why its metric could not be told. */
  readonly untold?: Failure;
}

export interface AuditReport {
  readonly run: string;
  readonly units: readonly Omit<UnitReport<AuditedUnit>, "result">[];
  readonly audited: readonly AuditedUnit[];
  /** Those of all units, and what only several together tell; the worst first. */
  readonly findings: readonly AuditFinding[];
  readonly totals: AuditTotals;
  /** What the retention that was asked about would save. */
  readonly savings?: Savings & { readonly retention: string };
}

/** Puts the units together. `copyLag`: milliseconds that a copy may lag behind. */
export function auditReportOf(
  run: string,
  reports: readonly UnitReport<UnitAudit>[],
  { copyLag, retention }: { readonly copyLag: number; readonly retention?: string },
): AuditReport {
  const done = reports.flatMap(({ result }) => result ?? []);
  const audited = done.map((one) => one.audited);
  const lost = reports.flatMap(({ unit, failure }): AuditFinding[] =>
    failure === undefined
      ? []
      : [
          {
            severity: "error",
            kind: "unread",
            unit: unit.id,
            what: `it could not be looked into: ${failure.found}`,
            why: "whether anything there is backed up is unknown",
            ...(failure.remedy === undefined ? {} : { advice: failure.remedy }),
            about: [],
          },
        ],
  );
  const untold = done.flatMap(({ audited: { unit }, untold: failure }) =>
    failure ? untoldOf(failure, unit.id) : [],
  );
  const copies = judgeCopies(
    done.map(({ ground }) => ground),
    copyLag,
  );
  const saved = audited.flatMap(({ savings }) => savings ?? []);
  return {
    run,
    units: reports.map(({ result: _, ...rest }) => rest),
    audited,
    findings: worstFirst([...lost, ...untold, ...audited.flatMap(({ findings }) => findings), ...copies]),
    totals: sumOf(
      audited.map(({ totals }) => totals),
      noTotals,
    ),
    ...(retention === undefined ? {} : { savings: { retention, ...sumOf(saved, noSavings) } }),
  };
}

/** What nobody heard: an alarm that waits for it rings by its silence. */
export function untoldOf(failure: Failure, unit: string): AuditFinding {
  return {
    severity: "warning",
    kind: "untold",
    unit,
    what: sentenceOf({ kind: failure.kind, doing: failure.doing, found: failure.found }),
    why: "whoever waits for it does not know what is told here",
    ...(failure.remedy === undefined ? {} : { advice: failure.remedy }),
    about: [],
  };
}

const noTotals: AuditTotals = { instances: 0, volumes: 0, covered: 0, points: 0, snapshots: 0, overdue: 0 };
const noSavings: Savings = { points: 0, snapshots: 0, volumeGiB: 0 };

function sumOf<T extends { readonly [K in keyof T]: number }>(all: readonly T[], none: T): T {
  const keys = Object.keys(none) as (keyof T)[];
  const sums = keys.map((key) => [key, all.reduce((sum, one) => sum + one[key], 0)]);
  return Object.fromEntries(sums) as T;
}

/** 0 = nothing but notes; 1 = something is wrong; where no unit could be looked into, what all causes agree on. */
export function exitCodeOfAudit({ units, audited, findings }: AuditReport): number {
  if (audited.length === 0 && units.length > 0)
    return exitCodeOfKinds(units.map(({ failure }) => failure?.kind));
  return findings.some(({ severity }) => severity !== "note") ? exitCodes.partlyDone : exitCodes.done;
}
