import { type Coverage, judgeCoverage, judgeDoubled } from "./audit-coverage.ts";
import { judgeLeft } from "./audit-left.ts";
import { headroomOf, judgeEncryption, judgeKeys, judgeQuota } from "./audit-place.ts";
import { givenUpBy, judgeExpired, judgeFailed, judgeVersions, savingsOf } from "./audit-points.ts";
import {
  type AuditedUnit,
  type AuditFacts,
  type AuditFinding,
  type AuditRules,
  type AuditTotals,
  auditKinds,
} from "./audit-ports.ts";
import { judgeStopped } from "./audit-stopped.ts";

/** All that is wrong in one unit, the worst first. It reads, and changes nothing. `givenUp`: what another retention gives up. */
export function auditUnit(
  facts: AuditFacts,
  rules: AuditRules,
  givenUp = rules.instead && givenUpBy(facts, rules.instead),
): AuditedUnit {
  const coverage = judgeCoverage(facts, rules);
  const found = [
    ...coverage.findings,
    ...judgeStopped(facts),
    ...judgeKeys(facts),
    ...judgeFailed(facts),
    ...judgeQuota(facts),
    ...judgeExpired(facts),
    ...judgeLeft(facts),
    ...judgeDoubled(facts),
    ...judgeEncryption(facts),
    ...judgeVersions(facts),
  ];
  const findings = found.map((one) => ({ ...one, unit: facts.unit.id }));
  return {
    unit: facts.unit,
    asOf: facts.asOf.toISOString(),
    totals: totalsOf(facts, coverage),
    headroom: headroomOf(facts),
    findings: worstFirst(findings),
    ...(givenUp && { savings: savingsOf(givenUp) }),
  };
}

function totalsOf(
  { instances, volumes, points, snapshots }: AuditFacts,
  { newest, overdue }: Coverage,
): AuditTotals {
  return {
    instances: instances.filter(({ state }) => state !== "terminated").length,
    volumes: volumes.length,
    covered: volumes.filter(({ id }) => newest.has(id)).length,
    points: points.length,
    snapshots,
    overdue,
  };
}

const weight = { error: 0, warning: 1, note: 2 } as const;

/** Errors before warnings before notes; of the same severity as the kinds are listed, then by unit. */
export function worstFirst(findings: readonly AuditFinding[]): AuditFinding[] {
  return findings.toSorted(
    (a, b) =>
      weight[a.severity] - weight[b.severity] ||
      auditKinds.indexOf(a.kind) - auditKinds.indexOf(b.kind) ||
      (a.unit < b.unit ? -1 : a.unit > b.unit ? 1 : 0),
  );
}
