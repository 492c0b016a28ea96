import { brake } from "../core/brake.ts";
import { failureOf, interrupted } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import type { Audit, AuditLine, Clock, Engine, Listing, Log, Removal } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { type RetentionReport, summaryOf } from "../core/report.ts";
import { planRetention, type RetentionOverrides, type RetentionPlan } from "../core/retention.ts";
import { describePolicy } from "../core/retention-policy.ts";
import type { Recorder } from "./steps.ts";

export interface PruneDeps {
  readonly engine: Pick<Engine, "find" | "withHolds" | "remove">;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: Audit;
  readonly record: Recorder;
  readonly run: string;
  /** Of points that lie in a repository. */
  readonly repository?: string;
  /** Of copies: where they are. */
  readonly region?: string;
}

/** What a person allowed beyond the policy, and what the run forbids of it. */
export interface PruneConsent extends RetentionOverrides {
  /** Releases the brake. */
  readonly yes?: boolean;
  /** Remove failed sets and nothing else: while new points fail, the old ones are all there is. */
  readonly failedOnly?: boolean;
  /** What lies in repositories and no job stores any more: it is given up as a whole. */
  readonly former?: readonly FormerContent[];
}

/** A series of a job that is stored no more. */
export interface FormerContent {
  /** `files` or `dump/<name>`. */
  readonly source: string;
  readonly repository: string;
}

/**
 * Decides by the listing and removes what is given up: never more than this plan says. One refusal
 * never stops the others. Nothing is removed unless images could be asked about and the removal could
 * be recorded.
 */
export async function prune(
  job: Job,
  { points, asOf }: Listing,
  consent: PruneConsent,
  deps: PruneDeps,
  signal: AbortSignal,
): Promise<RetentionReport> {
  const first = planRetention(points, job.retention, asOf, consent);
  const known = await lookAgain(first.remove, deps, signal);
  const whole = known === undefined ? keepingAll(first) : replan(points, known, job, asOf, consent);
  const plan = narrowed(whole, points, job, asOf, consent);
  const { remove, postponed, limit } = brake(plan, consent.yes === true);
  if (postponed.length > 0) {
    const { braked } = await import("./prune-refusals.ts");
    deps.record.report("error", braked(job, remove.length + postponed.length, limit, deps.region));
  }
  const removals: (Removal & { point: string })[] = [];
  const until = deps.clock.elapsed() + job.waits.retryFor;
  for (const point of [...remove].reverse()) {
    if (signal.aborted) {
      deps.record.report("error", interrupted("remove old points"));
      break;
    }
    removals.push(...(await removePoint(point, job, until, deps, signal)));
  }
  const denied = removals.filter(({ failure }) => failure?.kind === "denied");
  const refusal = denied[0]?.failure;
  if (refusal !== undefined) {
    const { mayNot } = await import("./prune-refusals.ts");
    deps.record.report("error", mayNot(job, denied.length, refusal, deps.repository));
  }
  return {
    policy: describePolicy(job.retention),
    asOf: asOf.toISOString(),
    keep: plan.keep.map(({ point, reasons }) => ({
      point: summaryOf(point),
      reasons: reasons.map((reason) => reason.detail),
    })),
    remove: remove.map(summaryOf),
    postponed: postponed.map(summaryOf),
    removals,
  };
}

/**
 * Only points that are about to go are asked about, and without an answer nothing goes: which of them
 * images hold, and whether one that looks partial is not in truth whole.
 */
async function lookAgain(
  candidates: readonly RecoveryPoint[],
  { engine, record, repository }: PruneDeps,
  signal: AbortSignal,
): Promise<readonly RecoveryPoint[] | undefined> {
  // No image holds what lies in a repository, and one listing tells all of it.
  if (candidates.length === 0 || repository !== undefined) return candidates;
  const partial = candidates.filter((point) => point.state === "partial");
  const seen = new Map<string, RecoveryPoint>();
  for (const point of partial) {
    const found = await record.step("look again at a partial point", () => engine.find(point.id, signal));
    if (found === undefined) return undefined;
    seen.set(point.id, found);
  }
  const sure = candidates.map((point) => seen.get(point.id) ?? point);
  return record.step("look for images in use", () => engine.withHolds(sure, signal));
}

function replan(
  points: readonly RecoveryPoint[],
  candidates: readonly RecoveryPoint[],
  job: Job,
  asOf: Date,
  consent: PruneConsent,
): RetentionPlan {
  const byId = new Map(candidates.map((point) => [point.id, point]));
  const known = points.map((point) => byId.get(point.id) ?? point);
  return planRetention(known, job.retention, asOf, consent);
}

function keepingAll(plan: RetentionPlan): RetentionPlan {
  const reasons = [{ rule: "held" as const, detail: "whether it may go could not be found out" }];
  return { keep: [...plan.keep, ...plan.remove.map((point) => ({ point, reasons }))], remove: [] };
}

/** The part of a plan that this occasion is for. */
function narrowed(
  plan: RetentionPlan,
  points: readonly RecoveryPoint[],
  job: Job,
  asOf: Date,
  consent: PruneConsent,
): RetentionPlan {
  if (consent.forget !== undefined && consent.whole !== true) {
    // Who gives up a volume gives up what only that volume kept, and nothing else.
    const { forget: _, ...otherwise } = consent;
    const before = planRetention(points, job.retention, asOf, otherwise);
    const kept = new Set(before.keep.map(({ point }) => point.id));
    return only(
      plan,
      (point) => kept.has(point.id),
      "the volume is not what keeps it; the next prune decides",
    );
  }
  if (consent.failedOnly !== true) return plan;
  return only(
    plan,
    (point) => point.state === "failed",
    "the newest settled point is not complete, so older ones stay",
  );
}

function only(plan: RetentionPlan, may: (point: RecoveryPoint) => boolean, detail: string): RetentionPlan {
  const reasons = [{ rule: "held" as const, detail }];
  const others = plan.remove.filter((point) => !may(point)).map((point) => ({ point, reasons }));
  return { keep: [...plan.keep, ...others], remove: plan.remove.filter(may) };
}

/** Removes what a plan gives up, member by member, each recorded before it goes. */
export async function removePoint(
  point: RecoveryPoint,
  job: Pick<Job, "name" | "waits">,
  until: number,
  deps: PruneDeps,
  signal: AbortSignal,
): Promise<(Removal & { point: string })[]> {
  const { engine, record, log } = deps;
  const patience = { clock: deps.clock, waits: job.waits, until };
  const removals: (Removal & { point: string })[] = [];
  try {
    const { removePatiently } = await import("./remove-patiently.ts");
    const { id: image } = point.image ?? {};
    for (const id of [...(image === undefined ? [] : [image]), ...point.snapshots.map((one) => one.id)])
      await deps.audit.append(lineOf(point, id, job, deps, "removing"));
    for await (const removal of removePatiently(engine, point, patience, signal)) {
      removals.push({ ...removal, point: point.id });
      const level = {
        failed: "warn",
        left: "debug",
        held: "info",
        removed: "info",
        "was-gone": "info",
      } as const;
      log(level[removal.outcome], `${removal.outcome}: ${removal.snapshotId}`, {
        job: job.name,
        point: point.id,
        snapshot: removal.snapshotId,
        volume: removal.volumeId,
      });
      if (removal.outcome === "failed" && removal.failure !== undefined && removal.failure.kind !== "denied")
        record.report("error", removal.failure);
      if (removal.outcome === "held" && removal.failure !== undefined)
        record.report("notice", removal.failure);
      await recordOutcome(lineOf(point, removal.snapshotId, job, deps, removal.outcome), deps);
    }
    if (isHalved(removals)) {
      const { halved } = await import("./prune-refusals.ts");
      record.report("error", halved(point, removals));
    }
  } catch (error) {
    record.report("error", failureOf(error, `remove point ${point.id}`));
  }
  return removals;
}

/** That it was to be removed is recorded already; a full disk now must not halve the set. */
async function recordOutcome(line: AuditLine, { audit, record }: PruneDeps): Promise<void> {
  try {
    await audit.append(line);
  } catch (error) {
    record.report("error", failureOf(error, `record that ${line.snapshot} was ${line.outcome}`));
  }
}

function lineOf(
  point: RecoveryPoint,
  snapshotId: string,
  job: Pick<Job, "name">,
  deps: PruneDeps,
  outcome: AuditLine["outcome"],
): AuditLine {
  const snapshot = point.snapshots.find((one) => one.id === snapshotId);
  return {
    time: deps.clock.now().toISOString(),
    run: deps.run,
    job: job.name,
    point: point.id,
    snapshot: snapshotId,
    volume: snapshot?.volumeId ?? "",
    captured: point.captured.toISOString(),
    outcome,
  };
}

function isHalved(removals: readonly Removal[]): boolean {
  const gone = removals.some((one) => one.outcome === "removed" && one.image !== true);
  return gone && removals.some((one) => one.outcome === "held" || one.outcome === "left");
}
