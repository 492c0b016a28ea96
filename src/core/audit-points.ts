import type { AuditFacts, AuditRules, Found, Savings } from "./audit-ports.ts";
import { counted } from "./counted.ts";
import { foreignTools, toolOf } from "./foreign-tools.ts";
import { isMixed, type RecoveryPoint } from "./recovery-point.ts";
import { newestFirst, planRetention } from "./retention.ts";
import type { RetentionPolicy } from "./retention-policy.ts";

import { volumeOf } from "./sweep-series.ts";

const day = 86_400_000;

/** So long after it has expired a point may still be there: a nightly run removes it, and may have failed once. */
const removedWithin = 2 * day;

/** Sets that EC2 could not complete, and snapshots of others that it could not. */
export function judgeFailed({ points, foreign, asOf }: AuditFacts): Found[] {
  const failed = points.filter(({ state }) => state === "failed");
  const stuck = points.filter(
    ({ state, captured }) => state === "pending" && asOf.getTime() - captured.getTime() > 3 * day,
  );
  const others = foreign.filter(({ state }) => state === "error");
  const findings: Found[] = [];
  if (failed.length > 0)
    findings.push({
      severity: "warning",
      kind: "failed",
      what: `EC2 could not complete ${counted(failed.length, "point")}`,
      why: "nothing can be restored of them, and failed snapshots use up what a volume may have under way",
      advice: "a key that is disabled is the usual cause; the next run or sweep clears them up",
      command: "ec2-backup sweep --only prune --dry-run",
      about: failed.map(({ id }) => id),
    });
  if (stuck.length > 0)
    findings.push({
      severity: "warning",
      kind: "failed",
      what: `${counted(stuck.length, "point")} ${stuck.length === 1 ? "has" : "have"} been pending for more than three days`,
      why: "a point that is not complete cannot be relied on",
      advice: "ask AWS Support if it does not move",
      about: stuck.map(({ id }) => id),
    });
  if (others.length > 0)
    findings.push({
      severity: "warning",
      kind: "failed",
      what: `EC2 could not complete ${counted(others.length, "snapshot")} that other tools made`,
      why: "whoever relies on them has no backup, and they use up what a volume may have under way",
      command: `aws ec2 describe-snapshots --owner-ids self --filters Name=status,Values=error`,
      about: others.map(({ id }) => id),
    });
  return findings;
}

/** What should have gone days ago: whose pruning silently does nothing. */
export function judgeExpired(facts: AuditFacts): Found[] {
  const then = new Date(facts.asOf.getTime() - removedWithin);
  const late = [...bySeries(facts.points).values()].flatMap((its) => {
    const before = its.filter(({ captured }) => captured <= then);
    const policy = policyOf(before);
    return policy === undefined ? [] : planRetention(before, policy, then).remove;
  });
  const findings: Found[] = [];
  if (late.length > 0)
    findings.push({
      severity: "warning",
      kind: "expired",
      what: `${counted(late.length, "point")} of ${new Set(late.map(({ series }) => series)).size} series should have been removed more than two days ago (${size(late)} GiB of volumes)`,
      why: "they cost what nobody wants to pay, and tell that nothing removes them",
      advice: "let a sweep prune where agents may only create, or see why their runs remove nothing",
      command: "ec2-backup sweep --only prune --dry-run",
      about: late.map(({ id }) => id),
    });
  const listed = new Set(facts.instances.filter(({ state }) => state !== "terminated").map(({ arn }) => arn));
  const volumes = new Set(facts.volumes.map(({ id }) => id));
  const isThere = (arn: string) => listed.has(arn) || volumes.has(volumeOf(arn) ?? "");
  const orphans = facts.points.filter(({ instanceArn }) => !isThere(instanceArn));
  if (orphans.length > 0) {
    const gone = new Set(orphans.map(({ instanceArn }) => instanceArn));
    findings.push({
      severity: "note",
      kind: "expired",
      what: `${counted(orphans.length, "point")} of ${counted(gone.size, "instance")} that ${gone.size === 1 ? "is" : "are"} gone (${size(orphans)} GiB of volumes)`,
      why: "no agent is left to remove them; the last of each is kept for ever unless a sweep is told how long",
      advice: "sweep.prune.expireLastAfter says how long",
      command: "ec2-backup sweep --only prune --dry-run",
      about: [...gone],
    });
  }
  return [...findings, ...foreignExpired(facts)];
}

function foreignExpired({ foreign, asOf }: AuditFacts): Found[] {
  const late = foreign.filter((one) => {
    const expiry = toolOf(one)?.expires(one);
    // What is the tool's usual is not what somebody has said.
    return (
      expiry?.at !== undefined &&
      expiry.usual !== true &&
      asOf.getTime() - expiry.at.getTime() > removedWithin
    );
  });
  return [...Map.groupBy(late, (one) => toolOf(one)?.id ?? "")].map(([id, its]): Found => {
    const tool = foreignTools.find((one) => one.id === id);
    return {
      severity: "warning",
      kind: "expired",
      what: `${counted(its.length, "snapshot")} of ${tool?.name} should have been deleted by ${its.length === 1 ? "its" : "their"} own date`,
      why: "the tool that should delete them is gone, or missed the day",
      ...(tool?.ofAws === true
        ? { advice: "see its policy" }
        : { advice: "take them over", command: `ec2-backup sweep adopt --from ${id}` }),
      about: its.map((one) => one.id),
    };
  });
}

/** Agents that lag behind the newest one of the unit. */
export function judgeVersions({ versions }: AuditFacts): Found[] {
  const by = Map.groupBy([...versions], ([, version]) => version);
  const newest = [...by.keys()].sort(compareVersions).at(-1);
  const older = [...by].filter(([version]) => version !== newest);
  if (newest === undefined || older.length === 0) return [];
  const told = older
    .sort(([a], [b]) => compareVersions(a, b))
    .map(([version, its]) => `${version} (${its.length})`);
  return [
    {
      severity: "note",
      kind: "version",
      what: `agents older than ${newest} made the newest points of ${counted(
        older.reduce((sum, [, its]) => sum + its.length, 0),
        "instance",
      )}: ${told.join(", ")}`,
      why: "what later versions mended is not mended there",
      about: older.flatMap(([, its]) => its.map(([arn]) => arn)),
    },
  ];
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** What another retention gives up and the recorded policies keep. */
export function givenUpBy(
  { points, asOf }: AuditFacts,
  instead: NonNullable<AuditRules["instead"]>,
): RecoveryPoint[] {
  return [...bySeries(points).values()].flatMap((its) => {
    const policy = policyOf(its);
    if (policy === undefined) return [];
    const { timezone, demanded, shrinkDelay } = policy;
    const other = { timezone, demanded, shrinkDelay, ...instead };
    const kept = new Set(planRetention(its, policy, asOf).keep.map(({ point }) => point));
    return planRetention(its, other, asOf, { noShrinkDelay: true }).remove.filter((point) => kept.has(point));
  });
}

/** What that would save. */
export function savingsOf(more: readonly RecoveryPoint[]): Savings {
  return {
    points: more.length,
    snapshots: more.reduce((sum, { snapshots }) => sum + snapshots.length, 0),
    volumeGiB: size(more),
  };
}

function bySeries(points: readonly RecoveryPoint[]): Map<string, RecoveryPoint[]> {
  return Map.groupBy(
    points.filter(({ image }) => image === undefined),
    ({ series }) => series,
  );
}

/** The policy that the newest point records, if it can be believed and read. */
function policyOf(points: readonly RecoveryPoint[]): RetentionPolicy | undefined {
  const [newest] = points.filter((point) => point.state !== "failed" && !isMixed(point)).sort(newestFirst);
  return typeof newest?.policy === "object" ? newest.policy : undefined;
}

function size(points: readonly RecoveryPoint[]): number {
  return points.reduce(
    (sum, { snapshots }) => sum + snapshots.reduce((all, one) => all + one.volumeSizeGiB, 0),
    0,
  );
}
