import type { Failure } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import type { Listing } from "../core/ports.ts";
import { type RetentionReport, summaryOf } from "../core/report.ts";
import { planRetention } from "../core/retention.ts";
import { describePolicy } from "../core/retention-policy.ts";
import type { Recorder } from "./steps.ts";

/**
 * What retention gives up of a job that another role prunes: told and left. Nothing is asked for that only a removal
 * needs, so what images or locks hold is among it.
 */
export function leaveBeyond(
  job: Job,
  { points, asOf }: Listing,
  record: Recorder,
  repository?: { readonly name: string; readonly appendOnly: boolean },
): RetentionReport {
  const plan = planRetention(points, job.retention, asOf);
  const [beyond, kept] = [plan.remove.length, plan.keep.length];
  // One round of another's pruning is always due; more than is kept, and nobody prunes.
  const piled = beyond > Math.max(3, kept);
  if (beyond > 0) record.report(piled ? "warning" : "notice", left(job, beyond, piled, repository));
  return {
    policy: describePolicy(job.retention),
    asOf: asOf.toISOString(),
    keep: plan.keep.map(({ point, reasons }) => ({
      point: summaryOf(point),
      reasons: reasons.map(({ detail }) => detail),
    })),
    remove: [],
    postponed: [],
    beyond: plan.remove.map(summaryOf),
    removals: [],
  };
}

function left(
  job: Job,
  count: number,
  piled: boolean,
  repository: { readonly name: string; readonly appendOnly: boolean } | undefined,
): Failure {
  const points = count === 1 ? "1 point is" : `${count} points are`;
  return {
    kind: "refused",
    doing:
      repository?.appendOnly === true
        ? `leave the pruning of ${repository.name} to another host (appendOnly)`
        : `leave the pruning of job ${job.name} to another role (prune: elsewhere)`,
    found: `${points} beyond retention${piled ? ", more than are kept: it seems that nobody prunes" : ""}`,
    remedy: `who may delete runs: ec2-backup prune ${job.name}`,
    code: piled ? "PointsPileUp" : "PrunedElsewhere",
  };
}
