import { BackupError } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import type { Problem } from "../core/report.ts";

/** Names were given that no job has. */
export function noSuchJobs(unknown: readonly string[], jobs: readonly Job[]): BackupError {
  return new BackupError({
    kind: "usage",
    doing: `run ${unknown.join(", ")}`,
    found: "the configuration has no such job",
    remedy: `its jobs are ${jobs.map((job) => job.name).join(", ")}`,
  });
}

/** All faults of the configuration in one error. */
export function faultyConfiguration(problems: readonly Problem[]): BackupError {
  const faults = problems.filter((problem) => problem.severity === "error");
  return new BackupError({
    kind: "configuration",
    doing: "use the configuration",
    found: faults.map((one) => one.found).join("\n  "),
    remedy: "correct it and look at `ec2-backup check-config`",
  });
}
