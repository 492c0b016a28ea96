import type { CopyTarget } from "../core/copy-target.ts";
import type { Job, VolumeMatcher, VolumeSelection, Waits } from "../core/job.ts";
import type { LockWish } from "../core/lock.ts";
import {
  type Consistency,
  type CountedRule,
  countedRules,
  defaultRetention,
  type RetentionPolicy,
} from "../core/retention-policy.ts";
import { consistencyOfVss } from "../core/vss-consistency.ts";
import type { FileCopy } from "./copy-schema.ts";
import { defaultSplay, defaultTimezone, defaultWaits } from "./defaults.ts";
import { hooksOf } from "./hooks-of.ts";
import type { FileJob } from "./job-schema.ts";
import type { FileLock } from "./lock-schema.ts";
import type { FileMatcher } from "./matcher.ts";
import type { Origins } from "./origins.ts";
import type { FileRetention } from "./retention-schema.ts";
import type { FileConfig } from "./schema.ts";

/** The job as built-in values and the file make it; `job` is absent if the file does not name it. */
export function jobOf(
  name: string,
  job: FileJob | undefined,
  config: FileConfig | undefined,
  builtInSchedule: string | undefined,
  origins: Origins,
): Job {
  const path = ["jobs", name];
  const schedule = origins.pick([...path, "schedule"], job?.schedule, builtInSchedule);
  const timezone = timezoneOf(name, job, config, origins);
  const missedAfter = origins.pick([...path, "missedAfter"], job?.missedAfter, undefined);
  const policy = policyOf(name, job, timezone, origins);
  return {
    name,
    ...(schedule === undefined ? {} : { schedule }),
    timezone,
    splay: origins.pick([...path, "splay"], job?.splay, schedule === undefined ? 0 : defaultSplay),
    ...(missedAfter === undefined ? {} : { missedAfter }),
    volumes: volumesOf(name, job, origins),
    ...storedOf(name, job, origins),
    retention: policy,
    ...stillnessOf(name, job, origins),
    addTags: addedTagsOf(config, origins),
    dialect: origins.pick(["tags", "dialect"], config?.tags?.dialect, "none"),
    ...(job?.image === undefined ? {} : { image: origins.pick([...path, "image"], job.image, job.image) }),
    ...(job?.recordUserData === true
      ? { recordUserData: origins.pick([...path, "recordUserData"], job.recordUserData, false) }
      : {}),
    ...(job?.vss === undefined ? {} : { vss: origins.pick([...path, "vss"], job.vss, job.vss) }),
    ...(job?.prune === "elsewhere" ? { prune: origins.pick([...path, "prune"], job.prune, job.prune) } : {}),
    ...(job?.lock === undefined ? {} : { lock: lockOf(name, job.lock, origins) }),
    ...(job?.copy === undefined || job.copy.length === 0
      ? {}
      : { copy: targetsOf(name, job.copy, policy, origins) }),
    waits: waitsOf(name, job, origins),
  };
}

/** A target's own rules go with the zone and the demands of the job. */
function targetsOf(
  name: string,
  copy: FileCopy,
  { timezone, demanded, shrinkDelay }: RetentionPolicy,
  origins: Origins,
): readonly CopyTarget[] {
  return copy.map(({ region, kmsKeyId, retention, completeWithin }, index) => {
    const path = ["jobs", name, "copy", index];
    origins.given(path, copy[index] ?? {});
    origins.pick([...path, "retention"], retention, undefined);
    return {
      region,
      ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
      ...(retention && { retention: { ...rulesOf(retention), timezone, demanded, shrinkDelay } }),
      ...(completeWithin === undefined ? {} : { completeWithin: completeWithin / 60_000 }),
    };
  });
}

function lockOf(name: string, lock: FileLock, origins: Origins): LockWish {
  const path = ["jobs", name, "lock"];
  const mode = origins.pick([...path, "mode"], lock.mode, "governance");
  const days = origins.pick([...path, "days"], lock.days, lock.days);
  if (mode === "governance") return { mode, days };
  const coolOff = origins.pick([...path, "coolOff"], lock.coolOff, 72 * 3_600_000);
  return { mode, days, coolOff: coolOff / 3_600_000 };
}

function timezoneOf(
  name: string,
  job: FileJob | undefined,
  config: FileConfig | undefined,
  origins: Origins,
): string {
  const path = ["jobs", name, "timezone"];
  const common = origins.pick(["timezone"], config?.timezone, defaultTimezone);
  if (job?.timezone !== undefined || config?.timezone === undefined)
    return origins.pick(path, job?.timezone, common);
  origins.note(path, origins.inFile(["timezone"]));
  return common;
}

function volumesOf(name: string, job: FileJob | undefined, origins: Origins): VolumeSelection {
  const path = ["jobs", name, "volumes"];
  if (job !== undefined && !takesVolumes(job)) return noVolumes;
  const given = job?.volumes === "none" ? undefined : job?.volumes;
  const include = origins.pick([...path, "include"], given?.include?.map(matcherOf), undefined);
  return {
    root: origins.pick([...path, "root"], given?.root, true),
    ...(include === undefined ? {} : { include }),
    exclude: origins.pick([...path, "exclude"], given?.exclude?.map(matcherOf), []),
  };
}

const noVolumes: VolumeSelection = { root: false, include: [], exclude: [] };

/** A job of files or dumps takes volumes only where it says which. */
function takesVolumes(job: FileJob): boolean {
  const { volumes, files } = job;
  return volumes === undefined ? files === undefined && (job.dumps ?? []).length === 0 : volumes !== "none";
}

function storedOf(name: string, job: FileJob | undefined, origins: Origins): Pick<Job, "stored"> {
  if (job === undefined) return {};
  const { files, dumps = [] } = job;
  if (files === undefined && dumps.length === 0) return {};
  const path = ["jobs", name];
  if (files !== undefined) origins.given([...path, "files"], files);
  if (job.volumes === "none") origins.pick([...path, "volumes"], job.volumes, job.volumes);
  dumps.forEach((dump, index) => {
    origins.pick([...path, "dumps", index], dump, dump);
  });
  return { stored: { ...(files && { files }), dumps, volumes: takesVolumes(job) } };
}

function matcherOf({ tag, device, id, mount }: FileMatcher): VolumeMatcher {
  if (mount !== undefined) return { mount };
  if (tag !== undefined) return { tag };
  return device === undefined ? { id: id ?? "" } : { device };
}

function stillnessOf(
  name: string,
  job: FileJob | undefined,
  origins: Origins,
): Pick<Job, "hooks" | "consistency" | "whenLess"> {
  const path = ["jobs", name];
  const written = origins.pick([...path, "hooks"], job?.hooks, []);
  const consistency = origins.pick([...path, "consistency"], job?.consistency, undefined);
  return {
    hooks: hooksOf(written),
    ...(consistency === undefined ? {} : { consistency }),
    whenLess: origins.pick([...path, "whenLess"], job?.whenLess, "degrade"),
  };
}

/** What retention prefers: what is demanded or, without a word of it, the best that such hooks can give. */
function preferred(job: FileJob | undefined): Consistency {
  if (job?.consistency !== undefined) return job.consistency;
  if (job?.vss !== undefined) return consistencyOfVss(job.vss);
  const hooks = job?.hooks ?? [];
  if (hooks.some((hook) => hook.freeze === undefined)) return "application";
  return hooks.length > 0 ? "filesystem" : defaultRetention.demanded;
}

function policyOf(
  name: string,
  job: FileJob | undefined,
  timezone: string,
  origins: Origins,
): RetentionPolicy {
  const path = ["jobs", name];
  const shrinkDelay = origins.pick([...path, "shrinkDelay"], job?.shrinkDelay, defaultRetention.shrinkDelay);
  const rules = job?.retention === undefined ? defaultRetention : rulesOf(job.retention);
  origins.pick([...path, "retention"], job?.retention, undefined);
  const counts: Partial<Record<CountedRule, number>> = {};
  for (const rule of countedRules) {
    const count = rules.counts[rule];
    if (count !== undefined)
      counts[rule] = origins.pick([...path, "retention", rule], job?.retention?.[rule], count);
  }
  const policy = { counts, timezone, demanded: preferred(job), shrinkDelay };
  if (rules.within === undefined) return policy;
  const within = origins.pick([...path, "retention", "within"], job?.retention?.within, rules.within);
  return { ...policy, within };
}

function rulesOf({ within, ...counts }: FileRetention): Pick<RetentionPolicy, "counts" | "within"> {
  return within === undefined ? { counts } : { counts, within };
}

function addedTagsOf(config: FileConfig | undefined, origins: Origins): Record<string, string> {
  const add = config?.tags?.add ?? {};
  for (const key of Object.keys(add))
    origins.note(["tags", "add", key], origins.inFile(["tags", "add", key]));
  return { ...add };
}

function waitsOf(name: string, job: FileJob | undefined, origins: Origins): Waits {
  const wait = (key: keyof Waits) =>
    origins.pick(["jobs", name, "waits", key], job?.waits?.[key], defaultWaits[key]);
  return {
    request: wait("request"),
    capture: wait("capture"),
    retryFor: wait("retryFor"),
    retryEvery: wait("retryEvery"),
    reconcileFor: wait("reconcileFor"),
    reconcileEvery: wait("reconcileEvery"),
    settleFor: wait("settleFor"),
    settleEvery: wait("settleEvery"),
  };
}
