import { descriptionOfCopy, tagsOfCopy } from "../../core/copy-tags.ts";
import { type CopyTarget, policyThere } from "../../core/copy-target.ts";
import { BackupError, type Failure } from "../../core/errors.ts";
import type { Finding } from "../../core/finding.ts";
import { roleIn } from "../../core/grant.ts";
import type { Job } from "../../core/job.ts";
import type { RecoveryPoint } from "../../core/recovery-point.ts";
import { copyRegionOf } from "../copy-region.ts";
import type { DoctorOptions } from "./ground.ts";
import type { Reach } from "./reach.ts";

/** Whether the copies that jobs are to make may be made: the very request of a point that is there, as a dry run. */
export async function copyRights(
  jobs: readonly Job[],
  points: readonly RecoveryPoint[],
  reach: Reach,
  given: Pick<DoctorOptions, "version" | "self">,
  signal: AbortSignal,
): Promise<Finding[]> {
  const asked = jobs.flatMap((job) => (job.copy ?? []).map((target) => ({ job, target })));
  const all = await Promise.all(asked.map((one) => rehearse(one, points, reach, given, signal)));
  return all.flat();
}

async function rehearse(
  { job, target }: { readonly job: Job; readonly target: CopyTarget },
  points: readonly RecoveryPoint[],
  { connection, identity }: Reach,
  given: Pick<DoctorOptions, "version" | "self">,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { region, kmsKeyId, completeWithin } = target;
  const why = `points are made here all the same, and there is no copy of them in ${region}`;
  const command = `ec2-backup copy ${job.name} --dry-run`;
  if (region === identity.region) {
    const what = `job ${job.name} is to copy its points to ${region}, where they are already`;
    const advice = "name another Region in `copy`, or in the tag Copy_Dest";
    return [{ severity: "error", what, why, advice, command, kind: "configuration" }];
  }
  const there = copyRegionOf(region, connection, given);
  const key = kmsKeyId === undefined ? undefined : await there.keyTrouble(kmsKeyId, signal);
  if (key !== undefined) return [keyFinding(key, region, why, command)];
  const point = points.find((one) => one.state === "complete" && one.job === job.name);
  const [source] = point?.snapshots ?? [];
  if (point === undefined || source === undefined) return [];
  const birth = {
    point,
    source,
    from: identity.region,
    target,
    policy: policyThere(job, target),
    attempt: 1,
  };
  const request = {
    source: source.id,
    from: identity.region,
    description: descriptionOfCopy(birth),
    tags: tagsOfCopy(birth).tags,
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...(completeWithin === undefined ? {} : { completeWithin }),
  };
  try {
    await there.rehearse(request, signal);
    return [];
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind === "interrupted") throw error;
    // Limits say nothing of the permission.
    if (error.kind === "throttled" || error.code === "ResourceLimitExceeded") return [];
    if (error.kind !== "denied")
      return [{ severity: "error", what: `${region}: ${error.found.slice(0, 240)}`, why, command }];
    const grant = `aws iam put-role-policy --role-name ${roleIn(error.found) ?? "ROLE"} --policy-name ec2-backup-copy --policy-document file://policies/copy.json`;
    const what = `job ${job.name} may not copy to ${region} (${error.found.slice(0, 240)})`;
    return [{ severity: "error", what, why, command: grant, kind: "denied" }];
  }
}

function keyFinding(
  { doing, found, remedy }: Failure,
  region: string,
  why: string,
  command: string,
): Finding {
  return {
    severity: "error",
    what: `${region}: cannot ${doing}: ${found}`,
    why,
    ...(remedy !== undefined && { advice: remedy }),
    command,
  };
}
