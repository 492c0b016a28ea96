import { expect, test } from "vitest";
import { printAudit } from "../../src/cli/audit.ts";
import { terminal } from "../../src/cli/terminal.ts";
import type { AuditReport } from "../../src/core/audit-report.ts";

const unit = { id: "111122223333/eu-central-1", account: "111122223333", region: "eu-central-1" };
const totals = { instances: 7, overdue: 2, volumes: 9, covered: 7, points: 32, snapshots: 46 };
const what = `${"a-host-with-a-long-name ".repeat(8)}has no backup since 2026-11-20`;
const finding = { severity: "error", kind: "overdue", unit: unit.id, what, why: what, about: [] };
const sum = {
  snapshots: 1234,
  gib: 123_456.78,
  archiveGiB: 0,
  dollars: 6172.84,
  certainty: "at most",
  unmeasured: 7,
  unknown: 0,
};
const report = {
  run: "r",
  units: [{ unit, outcome: "done", ms: 1 }],
  audited: [{ unit, totals, headroom: { quota: 100_000, from: "default" } }],
  totals,
  findings: [finding],
  cost: {
    ...sum,
    volumes: [{ ...sum, volume: "vol-0123456789abcdef0", instance: "i-0123456789abcdef0" }],
    instances: [{ ...sum, instance: "i-0123456789abcdef0" }],
    prices: { asOf: "2026-09", standard: 0.05, archive: 0.0125 },
    requests: 1000,
    budget: 1000,
  },
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
  const row = /^vol-0123456789abcdef0 +i-0123456789abcdef0 +1234 +123456\.78 +at most \$6172\.84$/;
  expect(lines.filter((line) => row.test(line))).toHaveLength(1);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});
