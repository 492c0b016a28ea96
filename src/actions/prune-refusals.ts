import type { Failure } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import type { Removal } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";

/** More is given up than one run removes without a person's word. */
export function braked(job: Job, wanted: number, limit: number, region?: string) {
  return {
    kind: "refused" as const,
    doing: `remove ${wanted} ${region === undefined ? "" : "copied "}points of job ${job.name}${region === undefined ? "" : ` in ${region}`}`,
    found: `one run removes at most ${limit} of this series`,
    remedy: `look at \`ec2-backup plan ${job.name}\`, then \`ec2-backup prune ${job.name} --yes\``,
    code: "Brake",
  };
}

/** Told once: a role that may not delete meets it with every point. */
export function mayNot(
  job: Job,
  count: number,
  { kind, found, code }: Failure,
  repository: string | undefined,
): Failure {
  return {
    kind,
    doing: `remove ${count} ${count === 1 ? "point" : "points"} of job ${job.name} that retention gives up`,
    found,
    remedy:
      repository === undefined
        ? ofRole
        : `say appendOnly: true of the repository ${repository} where another host prunes it, or let this one delete there`,
    ...(code === undefined ? {} : { code }),
  };
}

const ofRole =
  "let the role delete its own points (ec2-backup policy agent-self-pruning), or say `prune: elsewhere` in the job where another role prunes";

/** A set of which some members went and others are held. */
export function halved(point: RecoveryPoint, removals: readonly Removal[]): Failure {
  const kept = removals.filter((one) => one.outcome === "held" || one.outcome === "left");
  return {
    kind: "refused",
    doing: `remove point ${point.id}`,
    found: `some of its snapshots are gone, ${kept.map((one) => one.snapshotId).join(", ")} could not be removed`,
    remedy: "the rest is no longer a whole point; the next run tries again",
    code: "Halved",
  };
}
