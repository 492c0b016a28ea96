import type { Failure } from "../core/errors.ts";

/** A volume is named by a mount that is not there. */
export function nothingMounted(path: string): Failure {
  return {
    kind: "configuration",
    doing: `choose volumes by the mount ${path}`,
    found: "no filesystem on a known volume is mounted there",
    remedy: "see what is mounted where in `ec2-backup plan`; name the volume by id, device or tag",
  };
}

/** Another run is at work. */
export function lockedBy(job: string, holder: string): Failure {
  return {
    kind: "locked",
    doing: `run job ${job}`,
    found: `another run holds its lock (${holder})`,
    remedy: "wait for it to end; see `ec2-backup status`",
  };
}
