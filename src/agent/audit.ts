import { Turns } from "../actions/turns.ts";
import { listAllSnapshots, listVolumes } from "../aws/audit-listing.ts";
import type { Keys } from "../aws/key-state.ts";
import { listInstances } from "../aws/sweep-listing.ts";
import type { OpenUnit } from "../aws/sweep-units.ts";
import { readBackupTag } from "../config/backup-tag.ts";
import { loadStanzas } from "../config/load-stanzas.ts";
import { auditUnit, worstFirst } from "../core/audit.ts";
import { copyGroundOf } from "../core/audit-copies.ts";
import type { AuditOrder } from "../core/audit-order.ts";
import { givenUpBy } from "../core/audit-points.ts";
import type { AuditedKey, AuditedUnit, AuditFacts, AuditRules } from "../core/audit-ports.ts";
import { type AuditReport, auditReportOf, type UnitAudit, untoldOf } from "../core/audit-report.ts";
import { costChains } from "../core/cost-chains.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import { overdueMetric } from "../core/fleet-alarm.ts";
import { pointsOf, tagKeys } from "../core/point-tags.ts";
import { readingOnce } from "../core/read-once.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { RequestBudget } from "../core/request-budget.ts";
import { newestFirst } from "../core/retention.ts";
import { shareOf } from "../core/sweep-ports.ts";
import { stoppedMetric } from "../core/sweep-stop.ts";
import { tagOf } from "../core/sweep-tags.ts";
import { temporaryTag } from "../core/temporary-tag.ts";
import { systemClock } from "../host/clock.ts";
import { costOfUnit } from "./audit-cost.ts";
import { quotaOf } from "./audit-quota.ts";
import type { SweepOptions } from "./sweep.ts";
import { inEachUnit, openSweep, type SweepSession, unitsTold } from "./sweep-session.ts";

/** Looks into all accounts and Regions that are asked about, and changes nothing there. */
export async function audit(
  order: AuditOrder,
  options: SweepOptions,
  signal: AbortSignal,
): Promise<AuditReport> {
  const session = await openSweep(order.scope, options, signal);
  const { stanzas: file } = session.settings;
  const written = order.stanzas ?? (file === undefined ? undefined : await loadStanzas(file));
  const rules = rulesOf({ ...order, ...(written && { stanzas: written }) });
  const { requests, prices } = session.settings.audit;
  const budget = new RequestBudget(
    order.requests ?? requests,
    session.units.open.map(({ unit }) => unit.id),
  );
  const turns = new Turns(systemClock);
  const units = unitsTold(session, options.tell);
  const reports = await inEachUnit(
    session,
    async (place, stop): Promise<UnitAudit> => {
      const tell = units.at(place.unit);
      const measuring = AbortSignal.any([stop, AbortSignal.timeout(timeToMeasure(session))]);
      const { audited, ground, chains } = await turns.taking(stop, async (moving) => {
        const told = (what: string, share?: number) => {
          moving();
          tell(what, share);
        };
        const facts = await factsOf(place, order, told, stop);
        const more = rules.instead && givenUpBy(facts, rules.instead);
        const gone = new Set(more?.flatMap(({ snapshots }) => snapshots.map(({ id }) => id)));
        return {
          audited: auditUnit(facts, rules, more),
          ground: copyGroundOf(facts),
          chains: costChains(facts, gone),
        };
      });
      const untold = order.publish ? await overdueTold(place, audited, options) : undefined;
      tell("what it costs", 2 / 3);
      const cost = await costOfUnit(place, chains, prices, budget, measuring);
      return { audited: { ...audited, cost }, ground, ...(untold && { untold }) };
    },
    signal,
    (report) => {
      budget.done(report.unit.id);
      units.ended(report);
    },
  );
  const { copyLag, retention } = order;
  const report = auditReportOf(session.run, reports, {
    copyLag,
    prices,
    requests: budget.total,
    ...(retention === undefined ? {} : { retention: retention.text }),
  });
  if (!order.notify && order.webhookFile === undefined) return report;
  const { tellAudit } = await import("./audit-tell.ts");
  const failures = await tellAudit(report, order, options);
  return {
    ...report,
    findings: worstFirst([...report.findings, ...failures.map((one) => untoldOf(one, "notify"))]),
  };
}

/** Half of what a unit may take at least, in milliseconds: without the rest nothing of it would be told. */
function timeToMeasure({ scope, units, until }: SweepSession): number {
  const left = until === undefined ? Number.POSITIVE_INFINITY : until - systemClock.elapsed();
  return Math.ceil(Math.min(scope.unitDeadline, shareOf(left, units.open.length, scope.parallel)) / 2);
}

async function overdueTold(
  place: OpenUnit,
  { totals, findings }: AuditedUnit,
  options: SweepOptions,
): Promise<Failure | undefined> {
  const { publishCounts } = await import("./audit-tell.ts");
  // Sweeps tell of none: here only what a sweep has left that nobody runs any more.
  const stopped = findings.filter(({ kind }) => kind === "stopped").length;
  try {
    const counts = { [overdueMetric]: totals.overdue, ...(stopped > 0 && { [stoppedMetric]: stopped }) };
    await publishCounts(place, counts, options);
    return undefined;
  } catch (error) {
    return failureOf(error, "publish the metric Overdue");
  }
}

function rulesOf({ overdueAfter, retention, stanzas }: AuditOrder): AuditRules {
  return {
    overdueAfter,
    wish(tags) {
      // A volume that somebody looks into for a while is no data of anybody.
      if (Object.hasOwn(tags, temporaryTag)) return "unwanted";
      const { take } = readBackupTag(tags);
      return take === undefined ? undefined : take ? "wanted" : "unwanted";
    },
    ...(stanzas === undefined ? {} : { stanzas }),
    ...(retention === undefined ? {} : { instead: retention.rules }),
  };
}

/** Listings of a unit, one after the other: they share one bucket of requests. */
async function factsOf(
  place: OpenUnit,
  { quota }: Pick<AuditOrder, "quota">,
  tell: (what: string, share?: number) => void,
  signal: AbortSignal,
): Promise<AuditFacts> {
  const { unit, connection } = place;
  const { own, copies, foreign, asOf, count, unencrypted, keys } = await listAllSnapshots(
    connection,
    signal,
    (seen) => tell(`${seen} snapshots listed`),
  );
  const volumes = await listVolumes(connection, signal);
  const instances = await listInstances(connection, unit, signal);
  const points = pointsOf(own, asOf, readingOnce());
  const volumeKeys = Map.groupBy(
    volumes.flatMap(({ kmsKeyId }) => kmsKeyId ?? []),
    (key) => key,
  );
  const used = [...new Set([...keys.keys(), ...volumeKeys.keys()])].map((arn) => ({
    arn,
    snapshots: keys.get(arn) ?? 0,
    volumes: volumeKeys.get(arn)?.length ?? 0,
  }));
  tell(`${used.length} keys`, 1 / 3);
  return {
    unit,
    asOf,
    instances,
    volumes,
    points,
    foreign,
    copies,
    snapshots: count,
    unencryptedSnapshots: unencrypted,
    keys: await stated(used, place, signal),
    quota: await quotaOf(quota, place, signal),
    versions: versionsOf(points),
  };
}

async function stated(
  used: readonly AuditedKey[],
  { connecting, connection }: OpenUnit,
  signal: AbortSignal,
): Promise<AuditedKey[]> {
  if (used.length === 0) return [];
  const { keysOf } = await import("../aws/key-state.ts");
  const keys = keysOf(connecting, connection.ec2.config.credentials);
  const told: AuditedKey[] = [];
  for (const key of used) told.push({ ...key, ...(await stateOf(keys, key.arn, signal)) });
  return told;
}

/** A key that may not be asked about, or that is there no more, is told as such; nothing else of the audit depends on it. */
async function stateOf(
  keys: Keys,
  arn: string,
  signal: AbortSignal,
): Promise<Pick<AuditedKey, "state" | "deletion">> {
  try {
    return await keys.state(arn, signal);
  } catch (error) {
    if (error instanceof BackupError && ["denied", "refused", "not-found"].includes(error.kind)) return {};
    throw error;
  }
}

function versionsOf(points: readonly RecoveryPoint[]): Map<string, string> {
  const versions = new Map<string, string>();
  // The oldest first, so that the newest of an instance has the last word.
  for (const point of points.toSorted(newestFirst).reverse()) {
    const version = tagOf(point, tagKeys.version);
    if (version !== undefined) versions.set(point.instanceArn, version);
  }
  return versions;
}
