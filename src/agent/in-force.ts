import { readBackupTag } from "../config/backup-tag.ts";
import { defaultSettings, type Settings } from "../config/defaults.ts";
import { type Fault, formatFault } from "../config/fault.ts";
import type { LastGood } from "../config/last-good.ts";
import type { Loaded } from "../config/load.ts";
import { type Flags, type Protection, type Resolution, resolve } from "../config/resolve.ts";
import type { Tags } from "../core/instance.ts";
import type { Job } from "../core/job.ts";
import type { Problem } from "../core/report.ts";

/** The configuration that a run goes by: the written one, or the last good one where that is faulty. */
export interface InForce {
  readonly jobs: readonly Job[];
  readonly settings: Settings;
  readonly protection: Protection;
  /** The tag that leaves the instance out. */
  readonly leftOutBy?: string;
  /** Whether what is written has faults; then nothing may be removed. */
  readonly faulty: boolean;
  readonly problems: readonly Problem[];
  /** The written configuration, if it could be read. */
  readonly resolution?: Resolution;
}

/** Decides which configuration is in force. Pure. `lastGood` matters only where what is written is faulty. */
export function inForce(given: {
  readonly loaded: Loaded;
  readonly tags: Tags;
  readonly flags: Flags;
  readonly lastGood?: LastGood | undefined;
}): InForce {
  const { loaded, tags, flags, lastGood } = given;
  if (loaded.ok === false) {
    const { take, tag } = readBackupTag(tags);
    const left = take === false && flags.all !== true;
    // --all asks for nothing that the file could say.
    const jobs = flags.all === true ? resolve({ tags, flags }).jobs : (lastGood?.jobs ?? []);
    return {
      jobs,
      settings: lastGood?.settings ?? defaultSettings,
      protection: left ? "left-out" : "configured",
      ...(left && tag !== undefined ? { leftOutBy: tag } : {}),
      faulty: true,
      problems: loaded.faults.map((fault) => faultOf(fault, lastGood === undefined ? "none" : lastGood.asOf)),
    };
  }
  const resolution = resolve({ tags, flags, ...(loaded.ok === true ? { file: loaded.file } : {}) });
  const { faults, warnings, protection, settings } = resolution;
  const tag = readBackupTag(tags).tag;
  return {
    jobs: faults.length === 0 ? resolution.jobs : withLastGood(resolution.jobs, lastGood?.jobs ?? []),
    settings,
    protection,
    ...(protection === "left-out" && tag !== undefined ? { leftOutBy: tag } : {}),
    faulty: faults.length > 0,
    problems: [
      ...faults.map((fault) => faultOf(fault, lastGood?.asOf ?? "none")),
      ...warnings.map(warningOf),
    ],
    resolution,
  };
}

/** With a faulty tag each job is as it last was; one that is new is as the rest of the configuration says. */
function withLastGood(jobs: readonly Job[], earlier: readonly Job[]): readonly Job[] {
  return jobs.map((job) => earlier.find((one) => one.name === job.name) ?? job);
}

function faultOf(fault: Fault, lastGood: Date | "none"): Problem {
  return {
    severity: "error",
    kind: "configuration",
    doing: "use the configuration",
    found: formatFault(fault),
    remedy:
      lastGood === "none"
        ? "correct it; see `ec2-backup check-config`"
        : "correct it; meanwhile the last good configuration makes backups and nothing is removed",
    code: "FaultyConfiguration",
  };
}

function warningOf(found: string): Problem {
  return { severity: "warning", kind: "configuration", doing: "use the configuration", found };
}

/** Names that no job has. */
export function unknownJobs(jobs: readonly Job[], names: readonly string[]): string[] {
  return names.filter((name) => !jobs.some((job) => job.name === name));
}
