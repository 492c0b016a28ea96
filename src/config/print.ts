import type { CopyTarget } from "../core/copy-target.ts";
import { formatDuration } from "../core/duration.ts";
import { harmless } from "../core/harmless.ts";
import type { FreezeHookConfig } from "../core/hook-config.ts";
import type { Job, VolumeMatcher, Waits } from "../core/job.ts";
import { countedRules, describePolicy, keepsAll } from "../core/retention-policy.ts";
import type { Settings } from "./defaults.ts";
import { quoted } from "./fault.ts";
import { type Path, pathText } from "./path.ts";
import { valuesOfOutputs } from "./print-outputs.ts";
import { valuesOfRepositories, valuesOfStored } from "./print-stored.ts";
import type { Resolution } from "./resolve.ts";

/** A value in force, as the file would have it, and where it comes from. */
export interface EffectiveValue {
  readonly path: string;
  readonly value: string;
  readonly origin: string;
}

/** Every value in force with its origin, in the order of the file. */
export function effectiveValues(resolution: Resolution): EffectiveValue[] {
  const { jobs, settings, origins } = resolution;
  const [first] = jobs;
  const values: [Path, string][] = [
    [["protection"], resolution.protection],
    ...jobs.flatMap(valuesOfJob),
    ...(first === undefined ? [] : valuesOfTags(first)),
    [["metrics", "namespace"], settings.metrics.namespace],
    [["metrics", "dimensions"], settings.metrics.dimensions.join(", ")],
    [["metrics", "enabled"], String(settings.metrics.enabled)],
    ...valuesOfRepositories(settings),
    ...valuesOfOutputs(settings),
    [["log", "level"], settings.log.level],
    [["log", "format"], settings.log.format],
    ...valuesOfSinks(settings.log),
    [["stateDirectory"], settings.stateDirectory ?? "the usual place"],
    [["daemon", "bootDelay"], formatDuration(settings.daemon.bootDelay)],
    [["daemon", "stopWithin"], formatDuration(settings.daemon.stopWithin)],
  ];
  return values.map(([path, value]) => ({
    path: pathText(path),
    value,
    origin: origins[pathText(path)] ?? "built-in",
  }));
}

/** The same as lines in three columns: `jobs.default.retention.daily  7  config.yaml:9`. */
export function formatResolution(resolution: Resolution): string[] {
  const values = effectiveValues(resolution).map((one) => ({ ...one, value: harmless(one.value) }));
  const width = (column: "path" | "value") => Math.max(...values.map((value) => value[column].length));
  const [paths, texts] = [width("path"), width("value")];
  return values.map(({ path, value, origin }) => `${path.padEnd(paths)}  ${value.padEnd(texts)}  ${origin}`);
}

function valuesOfJob(job: Job): [Path, string][] {
  const under = (...path: Path): Path => ["jobs", job.name, ...path];
  const { root, include, exclude } = job.volumes;
  return [
    [under("schedule"), job.schedule ?? "by hand only"],
    [under("timezone"), job.timezone],
    [under("splay"), formatDuration(job.splay)],
    [
      under("missedAfter"),
      job.missedAfter === undefined ? "by its schedule" : formatDuration(job.missedAfter),
    ],
    ...(job.stored?.volumes === false
      ? [[under("volumes"), "none"] as [Path, string]]
      : ([
          [under("volumes", "root"), String(root)],
          [under("volumes", "include"), include === undefined ? "all" : matchersText(include)],
          [under("volumes", "exclude"), matchersText(exclude)],
        ] as [Path, string][])),
    ...valuesOfStored(job),
    ...rulesOf(job).map(([rule, value]): [Path, string] => [under("retention", ...rule), value]),
    [under("shrinkDelay"), formatDuration(job.retention.shrinkDelay)],
    [under("hooks"), hooksText(job)],
    [under("consistency"), job.consistency ?? "what the hooks can give"],
    [under("whenLess"), job.whenLess],
    ...(job.vss === undefined ? [] : [[under("vss"), job.vss] as [Path, string]]),
    ...(job.image === undefined ? [] : [[under("image"), job.image] as [Path, string]]),
    ...(job.prune === undefined ? [] : [[under("prune"), job.prune] as [Path, string]]),
    ...Object.entries(job.lock ?? {}).map(([key, value]): [Path, string] => [
      under("lock", key),
      key === "coolOff" ? `${value}h` : String(value),
    ]),
    ...(job.copy ?? []).flatMap((target, index) => valuesOfTarget(target, under("copy", index))),
    ...Object.keys(job.waits).map((key): [Path, string] => [
      under("waits", key),
      formatDuration(job.waits[key as keyof Waits]),
    ]),
  ];
}

function valuesOfTarget(
  { region, kmsKeyId, retention, completeWithin }: CopyTarget,
  path: Path,
): [Path, string][] {
  const kept = retention === undefined ? "that of the job" : describePolicy(retention);
  return [
    [[...path, "region"], region],
    ...(kmsKeyId === undefined ? [] : [[[...path, "kmsKeyId"], kmsKeyId] as [Path, string]]),
    [[...path, "retention"], kept],
    ...(completeWithin === undefined
      ? []
      : [[[...path, "completeWithin"], formatDuration(completeWithin * 60_000)] as [Path, string]]),
  ];
}

function hooksText({ hooks }: Job): string {
  if (hooks.length === 0) return "none";
  return hooks.map((hook) => (hook.kind === "freeze" ? freezeText(hook) : hook.name)).join(", ");
}

function freezeText({ name, mounts, deadline }: FreezeHookConfig): string {
  return `${name} ${mounts === "data" ? mounts : mounts.join(" ")} for at most ${formatDuration(deadline)}`;
}

function rulesOf({ retention }: Job): [Path, string][] {
  if (keepsAll(retention)) return [[[], "everything is kept"]];
  const counted = countedRules.flatMap((rule): [Path, string][] => {
    const count = retention.counts[rule];
    return count === undefined ? [] : [[[rule], String(count)]];
  });
  return retention.within === undefined
    ? counted
    : [...counted, [["within"], formatDuration(retention.within)]];
}

function valuesOfTags({ addTags, dialect }: Job): [Path, string][] {
  const added = Object.entries(addTags).map(([key, value]): [Path, string] => [
    ["tags", "add", key],
    quoted(value),
  ]);
  return [...added, [["tags", "dialect"], dialect]];
}

function valuesOfSinks({ file, syslog, eventLog, flushWithin }: Settings["log"]): [Path, string][] {
  const network = syslog !== undefined && syslog.protocol !== "local";
  const unused = new Set(network ? ["socket"] : ["host", "port"]);
  const under = (name: string, values: object = {}): [Path, string][] =>
    Object.entries(values)
      .filter(([key]) => !unused.has(key))
      .map(([key, value]) => [["log", name, key], key === "maxSize" ? `${value} bytes` : String(value)]);
  return [
    ...(file === undefined ? ([[["log", "file"], "none"]] as [Path, string][]) : under("file", file)),
    ...(syslog === undefined ? ([[["log", "syslog"], "none"]] as [Path, string][]) : under("syslog", syslog)),
    [["log", "eventLog"], String(eventLog)],
    [["log", "flushWithin"], formatDuration(flushWithin)],
  ];
}

function matchersText(matchers: readonly VolumeMatcher[]): string {
  if (matchers.length === 0) return "none";
  return matchers.map((matcher) => Object.entries(matcher).flat().join(" ")).join(", ");
}
