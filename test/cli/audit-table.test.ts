import { expect, test } from "vitest";
import { printAudit } from "../../src/cli/audit.ts";
import { terminal } from "../../src/cli/terminal.ts";
import type { AuditReport } from "../../src/core/audit-report.ts";

const unit = { id: "111122223333/eu-central-1", account: "111122223333", region: "eu-central-1" };
const totals = { instances: 7, overdue: 2, volumes: 9, covered: 7, points: 32, snapshots: 46 };
const what = `${"a-host-with-a-long-name ".repeat(8)}has no backup since 2026-11-20`;
const finding = { severity: "error", kind: "overdue", unit: unit.id, what, why: what, about: [] };
const report = {
  run: "r",
  units: [{ unit, outcome: "done", ms: 1 }],
  audited: [{ unit, totals, headroom: { quota: 100_000, from: "default" } }],
  totals,
  findings: [finding],
} as unknown as AuditReport;

test("an audit fits a terminal of 80 columns", () => {
  const lines: string[] = [];
  const stdout = {
    write: (text: string) => lines.push(...text.trimEnd().split("\n")),
    isTTY: true,
    columns: 80,
  };
  printAudit(report, terminal(stdout, false));
  expect(lines.slice(0, 2).map((line) => line.split(/ {2,}/))).toEqual([
    ["UNIT", "INSTANCES", "OVERDUE", "BACKED UP", "SNAPSHOTS", "AUDIT"],
    [unit.id, "7", "2", "7/9", "46/100000?", "done"],
  ]);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});
