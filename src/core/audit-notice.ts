import type { AuditFinding } from "./audit-ports.ts";
import type { AuditReport } from "./audit-report.ts";
import { counted } from "./counted.ts";
import { harmless } from "./harmless.ts";
import { asciiLine, longestSubject, type Notice } from "./notice.ts";

/** More would be read by nobody; the report has them all. */
const most = 20;

/** What is wrong: notes are no reason to wake anybody. */
export function wrongIn({ findings }: Pick<AuditReport, "findings">): readonly AuditFinding[] {
  return findings.filter(({ severity }) => severity !== "note");
}

/** The audit as a message for people. */
export function auditNotice(report: AuditReport, version: string): Notice {
  const wrong = wrongIn(report);
  const { totals, units } = report;
  const where = `${counted(totals.volumes, "volume")} in ${counted(units.length, "unit")}`;
  const said = wrong.length === 0 ? "nothing is wrong" : counted(wrong.length, "finding");
  const lines = wrong
    .slice(0, most)
    .flatMap(({ severity, kind, unit, what, advice, command }) => [
      `${severity} ${kind} ${unit}: ${what}`,
      ...(advice === undefined ? [] : [`  To do: ${advice}`]),
      ...(command === undefined ? [] : [`  $ ${command}`]),
    ]);
  const more = wrong.length > most ? [`and ${wrong.length - most} more; see ec2-backup sweep audit`] : [];
  const text = [
    `Audit of ${where}: ${said}. Overdue: ${totals.overdue}.`,
    "",
    ...lines,
    ...more,
    "",
    `Run ${report.run}, ec2-backup-agent ${version}`,
  ];
  return {
    subject: asciiLine(`Backup audit: ${said}, ${where}`, longestSubject),
    text: `${text.map(harmless).join("\n")}\n`,
  };
}

/**
 * The same for a program. Its `dedupKey` is that of every audit of the same accounts and Regions, so that who receives
 * a second one while the first is open makes no second incident of it, and closes it at `resolve`.
 */
export function auditEvent(report: AuditReport, version: string) {
  const wrong = wrongIn(report);
  const units = report.units.map(({ unit }) => unit.id).sort();
  return {
    dedupKey: `ec2-backup-audit/${units.join("+")}`.slice(0, 255),
    action: wrong.length === 0 ? "resolve" : "trigger",
    severity: wrong.some(({ severity }) => severity === "error") ? "error" : "warning",
    summary: auditNotice(report, version).subject,
    source: `ec2-backup-agent ${version}`,
    run: report.run,
    totals: report.totals,
    findings: wrong.slice(0, most).map(({ severity, kind, unit, what }) => ({ severity, kind, unit, what })),
    more: Math.max(0, wrong.length - most),
  };
}
