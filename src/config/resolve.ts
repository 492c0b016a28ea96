import type { Tags } from "../core/instance.ts";
import type { Job } from "../core/job.ts";
import { defaultSchedule, defaultSettings, type Settings } from "./defaults.ts";
import type { Fault } from "./fault.ts";
import { jobOf } from "./job-of.ts";
import { logOf } from "./log-of.ts";
import { Origins } from "./origins.ts";
import { withTags } from "./overlay.ts";
import type { ParsedFile } from "./parse.ts";
import type { FileConfig } from "./schema.ts";
import { readTags, type TagOverlay } from "./tags.ts";

/** Flags that stand above all other configuration. */
export interface Flags {
  /** The job `default` over all volumes, configured or not. */
  readonly all?: boolean | undefined;
  /** Milliseconds. */
  readonly splay?: number | undefined;
  readonly logLevel?: Settings["log"]["level"] | undefined;
}

/**
 * Whether the instance is to be backed up: `configured`; `left-out` by its tag `Backup=no`; `unconfigured`
 * if neither a file names a job nor a Backup tag is there.
 */
export type Protection = "configured" | "left-out" | "unconfigured";

/** The configuration in force. */
export interface Resolution {
  /**
   * The jobs as they run or would run. Whether they may is said by `protection` alone; listing, planning
   * and explaining need them in any case.
   */
  readonly jobs: readonly Job[];
  readonly settings: Settings;
  /** By path of the value: `built-in`, `config.yaml:12`, `tag Retention`, `flag --all`. */
  readonly origins: Readonly<Record<string, string>>;
  /** Of tags. What lies below a faulty tag stays in force, so the caller may capture but must not prune. */
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
  readonly protection: Protection;
}

/** The job that tags govern where no file names one. */
const defaultJobName = "default";

/** Puts built-in values, the file, the instance's tags and the flags on top of each other. Never throws. */
export function resolve(input: {
  readonly file?: ParsedFile | undefined;
  readonly tags: Tags;
  readonly flags?: Flags | undefined;
}): Resolution {
  const { file, tags, flags = {} } = input;
  const origins = new Origins(file);
  const overlay = readTags(tags);
  const names = namesOf(file?.config, flags);
  const governed = governedBy(names);
  const faults: Fault[] = [];
  const jobs = names.map((name) => {
    const own = file?.config.jobs?.[name];
    // Describing the job that protects a host by tags must not take its schedule away.
    const builtIn = name === defaultJobName ? defaultSchedule : undefined;
    const job = jobOf(name, own, file?.config, builtIn, origins);
    if (name !== governed) return withFlags(job, flags, origins);
    const tagged = withTags(job, overlay, origins);
    faults.push(...tagged.faults);
    return withFlags(tagged.job, flags, origins);
  });
  return {
    jobs,
    settings: settingsOf(file?.config, flags, origins),
    protection: protectionOf(file, overlay, flags, origins),
    origins: origins.record,
    faults,
    warnings: warningsOf(file, overlay, flags, governed),
  };
}

function namesOf(config: FileConfig | undefined, flags: Flags): string[] {
  const named = Object.keys(config?.jobs ?? {});
  return flags.all === true || named.length === 0 ? [defaultJobName] : named;
}

/** The job that the tags are about; with several and none called default, nobody can tell. */
function governedBy(names: readonly string[]): string | undefined {
  if (names.includes(defaultJobName)) return defaultJobName;
  return names.length === 1 ? names[0] : undefined;
}

function withFlags(job: Job, { all, splay }: Flags, origins: Origins): Job {
  const path = ["jobs", job.name];
  let flagged = job;
  if (all === true) {
    for (const key of ["root", "include", "exclude"]) origins.note([...path, "volumes", key], "flag --all");
    flagged = { ...flagged, volumes: { root: true, exclude: [] } };
    if (flagged.stored) flagged = { ...flagged, stored: { ...flagged.stored, volumes: true } };
  }
  if (splay === undefined) return flagged;
  origins.note([...path, "splay"], "flag --splay");
  return { ...flagged, splay };
}

function protectionOf(
  file: ParsedFile | undefined,
  { backup }: TagOverlay,
  flags: Flags,
  origins: Origins,
): Protection {
  const [protection, origin] = ((): [Protection, string] => {
    if (flags.all === true) return ["configured", "flag --all"];
    if (backup.take === false) return ["left-out", `tag ${backup.tag}`];
    if (file?.config.jobs !== undefined) return ["configured", origins.inFile(["jobs"])];
    return backup.take === true ? ["configured", `tag ${backup.tag}`] : ["unconfigured", "built-in"];
  })();
  origins.note(["protection"], origin);
  return protection;
}

function warningsOf(
  file: ParsedFile | undefined,
  overlay: TagOverlay,
  flags: Flags,
  governed: string | undefined,
): string[] {
  const warnings = [...overlay.warnings];
  if (flags.all === true && overlay.backup.take === false) {
    warnings.push(`the tag ${overlay.backup.tag} is overruled by --all`);
  }
  if (governed === undefined && overlay.governing.length > 0) {
    const tags = overlay.governing.map((key) => `tag ${key}`).join(" and ");
    warnings.push(`${tags} not applied: of several jobs none is called ${defaultJobName}`);
  }
  if (file !== undefined && file.config.jobs === undefined) {
    warnings.push(`${file.name} names no jobs: the instance's tags decide whether it is backed up`);
  }
  return warnings;
}

function settingsOf(config: FileConfig | undefined, flags: Flags, origins: Origins): Settings {
  const { metrics, daemon } = defaultSettings;
  const stateDirectory = origins.pick(["stateDirectory"], config?.stateDirectory, undefined);
  const { namespace, dimensions, enabled, ...outputs } = config?.metrics ?? {};
  return {
    metrics: {
      namespace: origins.pick(["metrics", "namespace"], namespace, metrics.namespace),
      dimensions: origins.pick(["metrics", "dimensions"], dimensions, metrics.dimensions),
      enabled: origins.pick(["metrics", "enabled"], enabled, metrics.enabled),
    },
    // Few hosts have them: what they mean where they are silent is decided where they are used.
    ...(origins.given(["metrics"], outputs) && { outputs }),
    ...(config?.notify && origins.given(["notify"], config.notify) && { notify: config.notify }),
    ...(config?.host && origins.given(["host"], config.host) && { host: config.host }),
    ...(config?.repositories &&
      origins.given(["repositories"], config.repositories) && { repositories: config.repositories }),
    ...(config?.repositories && config.timezone && { timezone: config.timezone }),
    log: logOf(config?.log, flags.logLevel, origins),
    ...(stateDirectory === undefined ? {} : { stateDirectory }),
    daemon: {
      bootDelay: origins.pick(["daemon", "bootDelay"], config?.daemon?.bootDelay, daemon.bootDelay),
      stopWithin: origins.pick(["daemon", "stopWithin"], config?.daemon?.stopWithin, daemon.stopWithin),
    },
  };
}
