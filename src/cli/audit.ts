import type { AuditedUnit, AuditFinding } from "../core/audit-ports.ts";
import type { AuditReport } from "../core/audit-report.ts";
import { counted } from "../core/counted.ts";
import { harmless } from "../core/harmless.ts";
import { costLines, costWords, savedWords } from "./audit-cost.ts";
import { type Terminal, table, wrapped } from "./terminal.ts";

const paints = { error: "red", warning: "yellow", note: "dim" } as const;
/** What is wider is not read, and what is longer is looked for in the JSON. */
const widest = 120;
const mostRows = 200;

/** Prints what was looked into, what was found in it, the worst first, and what mends it. */
export function printAudit(report: AuditReport, out: Terminal): void {
  const width = Math.min(out.width, widest);
  for (const line of unitLines(report, width)) out.print(line);
  const shown = report.findings.slice(0, mostRows);
  for (const finding of shown) {
    out.print("");
    for (const line of findingLines(finding, width, out)) out.print(line);
  }
  const more = report.findings.length - shown.length;
  if (more > 0) out.print(`\nand ${more} more; --json has all of them`);
  out.print("");
  const costs = costLines(report, width);
  for (const line of costs) out.print(line);
  if (costs.length > 0) out.print("");
  for (const text of [costWords(report), savingsWords(report)])
    for (const line of wrapped(text, width)) if (line !== "") out.print(line);
  out.print(headline(report));
}

function unitLines({ units, audited }: AuditReport, width: number): string[] {
  const known = new Map(audited.map((one) => [one.unit.id, one]));
  const rows = units.map(({ unit, outcome }) => {
    const of = known.get(unit.id);
    const counts = of === undefined ? ["", "", "", ""] : countsOf(of);
    return [unit.id, ...counts, unit.name === undefined ? outcome : `${outcome} (${harmless(unit.name)})`];
  });
  const head = ["UNIT", "INSTANCES", "OVERDUE", "BACKED UP", "SNAPSHOTS", "AUDIT"];
  return table(head, rows, width);
}

function countsOf({ totals, headroom }: AuditedUnit): string[] {
  const { instances, overdue, volumes, covered, snapshots } = totals;
  // Of how many: eight columns would be wider than a terminal.
  return [`${instances}`, `${overdue}`, `${covered}/${volumes}`, `${snapshots}/${quotaWords(headroom)}`];
}

/** How many snapshots the Region may hold; AWS's default where nobody could say it. */
export function quotaWords({ quota, from }: AuditedUnit["headroom"]): string {
  return from === "default" ? `${quota}?` : String(quota);
}

function findingLines(
  { severity, kind, unit, what, why, advice, command }: AuditFinding,
  width: number,
  out: Terminal,
): string[] {
  const front = `${severity} ${kind} ${unit}: `;
  const indent = "    ";
  // Names and tags may say what they like.
  const [first = "", ...rest] = wrapped(`${front}${harmless(what)}`, width - indent.length);
  const painted = first.startsWith(front)
    ? `${out.paint(paints[severity], severity)} ${out.paint("bold", `${kind} ${unit}`)}: ${first.slice(front.length)}`
    : first;
  const told = [`why: ${why}`, ...(advice === undefined ? [] : [`do:  ${harmless(advice)}`])];
  return [
    painted.trimEnd(),
    ...rest.map((line) => `${indent}${line}`),
    ...told.flatMap((text) => wrapped(text, width - indent.length).map((line) => `${indent}${line}`)),
    ...(command === undefined ? [] : [`${indent}$ ${harmless(command)}`]),
  ];
}

/** What another retention would save, in words; empty where nobody asked. */
export function savingsWords({ savings }: AuditReport): string {
  if (savings === undefined) return "";
  const { retention, points, snapshots, volumeGiB } = savings;
  if (points === 0) return `A retention of ${retention} would save nothing beyond what is given up today.`;
  return `A retention of ${retention} would give up ${counted(points, "point")} more (${counted(snapshots, "snapshot")} of ${volumeGiB} GiB of volumes; a snapshot costs what no other one needs).${savedWords(savings)}`;
}

/** The audit in one sentence. */
export function headline({ findings, totals, units }: AuditReport): string {
  const count = (severity: AuditFinding["severity"]): number =>
    findings.filter((one) => one.severity === severity).length;
  const parts = (["error", "warning", "note"] as const).flatMap((severity) => {
    const number = count(severity);
    return number === 0 ? [] : [counted(number, severity)];
  });
  const where = `${counted(totals.volumes, "volume")} in ${counted(units.length, "unit")}`;
  return parts.length === 0 ? `Nothing found: ${where}.` : `${parts.join(", ")}: ${where}.`;
}

/** The document of `sweep audit --json`. */
export function auditJson({ run, units, audited, findings, totals, savings, cost }: AuditReport) {
  const known = new Map(audited.map((one) => [one.unit.id, one]));
  return {
    run,
    units: units.map(({ unit, outcome, ms, failure }) => {
      const one = known.get(unit.id);
      return {
        unit,
        outcome,
        ms,
        ...(failure && { failure }),
        ...(one && { asOf: one.asOf, totals: one.totals, headroom: one.headroom }),
        ...(one?.cost && { cost: one.cost }),
        ...(one?.savings && { savings: one.savings }),
      };
    }),
    totals,
    cost,
    findings,
    ...(savings && { savings }),
  };
}
