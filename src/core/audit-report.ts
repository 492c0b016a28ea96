import { worstFirst } from "./audit.ts";
import { type CopyGround, judgeCopies } from "./audit-copies.ts";
import { sumCosts } from "./audit-cost.ts";
import type { SavedCost, SnapshotPrices, UnitCost } from "./audit-cost-ports.ts";
import type { AuditedUnit, AuditFinding, AuditTotals, Savings } from "./audit-ports.ts";
import { counted } from "./counted.ts";
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
  readonly savings?: Savings & Partial<SavedCost> & { readonly retention: string };
  /** What all snapshots cost a month. */
  readonly cost: AuditCost;
}

export interface AuditCost extends UnitCost {
  readonly prices: SnapshotPrices;
  /** Requests for changed blocks that it could take. */
  readonly budget: number;
}

interface AuditRuling {
  /** Milliseconds that a copy may lag behind. */
  readonly copyLag: number;
  readonly retention?: string;
  readonly prices: SnapshotPrices;
  readonly requests: number;
}

/** Puts the units together. */
export function auditReportOf(
  run: string,
  reports: readonly UnitReport<UnitAudit>[],
  { copyLag, retention, prices, requests }: AuditRuling,
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
  const { saved: savedCost, ...cost } = sumCosts(audited.flatMap((one) => one.cost ?? []));
  return {
    run,
    units: reports.map(({ result: _, ...rest }) => rest),
    audited,
    findings: worstFirst([
      ...lost,
      ...untold,
      ...audited.flatMap(({ findings }) => findings),
      ...audited.flatMap(unmeasuredOf),
      ...copies,
    ]),
    totals: sumOf(
      audited.map(({ totals }) => totals),
      noTotals,
    ),
    ...(retention === undefined ? {} : { savings: { retention, ...sumOf(saved, noSavings), ...savedCost } }),
    cost: { ...cost, prices, budget: requests },
  };
}

/** Why blocks were not counted, where it was not for the number of requests. */
function unmeasuredOf({ unit, cost }: AuditedUnit): AuditFinding[] {
  if (cost?.stopped === undefined) return [];
  const { found, kind } = cost.stopped;
  return [
    {
      severity: "note",
      kind: "unread",
      unit: unit.id,
      what: `what changed from one snapshot to the next could not be read, so ${counted(cost.unmeasured, "snapshot")} ${cost.unmeasured === 1 ? "counts" : "count"} with all that ${cost.unmeasured === 1 ? "it" : "they"} could store: ${found}`,
      why: "what they cost is less than is told",
      ...(kind === "denied" && {
        advice:
          "allow ebs:ListChangedBlocks and ebs:ListSnapshotBlocks (ec2-backup policy audit), or ask for none",
        command: "ec2-backup sweep audit --requests 0",
      }),
      about: [],
    },
  ];
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
