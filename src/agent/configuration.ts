import { defaultSettings, type Settings } from "../config/defaults.ts";
import type { Loaded } from "../config/load.ts";
import { logOf } from "../config/log-of.ts";
import { type Resolution, resolve } from "../config/resolve.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { Volume } from "../core/instance.ts";
import type { Problem } from "../core/report.ts";
import type { RootNews } from "../core/root-news.ts";
import { rootReplacementTag } from "../core/root-tag.ts";
import type { TerminationWatch } from "../core/termination.ts";
import type { JobTiming } from "../core/timetable.ts";
import { systemClock } from "../host/clock.ts";
import type { StateDirectory } from "../host/state.ts";
import type { CheckedHooks } from "./check-hooks.ts";
import { type InForce, inForce } from "./in-force.ts";
import { type Opened, open } from "./open.ts";
import type { AgentOptions } from "./wish.ts";

/** The settings as the file has them; where it is faulty or absent, the built-in ones. The log is still believed. */
export function writtenSettings(loaded: Loaded): Settings {
  if (loaded.ok === true) return resolve({ tags: {}, file: loaded.file }).settings;
  return { ...defaultSettings, log: logOf(loaded.absent ? undefined : loaded.log) };
}

/** What check-config found out. */
export interface Checked {
  readonly ok: boolean;
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
  readonly values: readonly { readonly path: string; readonly value: string; readonly origin: string }[];
  /** Why the instance's tags are not part of the result; absent if they are. */
  readonly withoutTags?: Failure;
  readonly instance?: string;
  /** The jobs as the daemon is to run them: those in force, also where what is written is faulty. */
  readonly timetable: readonly JobTiming[];
  /** Where the daemon is to watch for a notice of this instance's end. */
  readonly termination?: TerminationWatch;
  /** Where this host's root volume has been ordered to be replaced: what became of it so far. */
  readonly root?: RootNews;
}

/**
 * Checks file and tags, and whether this host could hold still as they say. On a host that is no instance, or
 * whose tags cannot be read, nothing is checked that goes by tags and volumes, and that is said.
 */
export async function checkConfiguration(options: AgentOptions, signal: AbortSignal): Promise<Checked> {
  let opened: Opened;
  try {
    opened = await open("check-config", options, signal);
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind === "interrupted") throw error;
    const force = inForce({ loaded: options.loaded, tags: {}, flags: options.flags });
    return {
      ...(await withAlarms(
        await factsOf(force, await checkHooks(force, options, undefined, signal)),
        force,
        options,
      )),
      withoutTags: plain(failureOf(error, "read the instance's tags")),
      timetable: [],
    };
  }
  const { session, force } = opened;
  // With a faulty file the jobs and outputs are those of an earlier one, or built in.
  const isOutside = session.discovery.elsewhere === true && options.loaded.ok === true;
  const outside = isOutside ? await checkOutside(opened) : nothingWrong;
  const hooks = await checkHooks(force, options, session.discovery.volumes, signal);
  const timetable = [
    ...timetableOf(force.jobs, session.state),
    ...(await drillsIn(options, session.identity.instanceId)),
    ...(await upkeepIn(options, session.identity.instanceId)),
  ];
  const whole = {
    faults: [...hooks.faults, ...outside.faults],
    warnings: [...hooks.warnings, ...outside.warnings],
  };
  const facts = await withAlarms(await factsOf(force, whole), force, options);
  const root = await rootNews(opened, options, signal);
  const { terminationWatch } = await import("./termination-watch.ts");
  const termination = await terminationWatch(opened, options, signal);
  const daemon = { ...(root && { root }), ...(termination && { termination }) };
  return { ...facts, instance: session.identity.instanceId, timetable, ...daemon };
}

const nothingWrong: CheckedHooks = { faults: [], warnings: [] };

/** What a host outside EC2 cannot do. */
async function checkOutside(opened: Opened): Promise<CheckedHooks> {
  return (await import("./check-elsewhere.ts")).checkElsewhere(opened);
}

async function rootNews(opened: Opened, options: AgentOptions, signal: AbortSignal) {
  if (opened.session.discovery.instance.tags[rootReplacementTag] === undefined) return undefined;
  const { rootAtBoot } = await import("./root-confirmation.ts");
  return rootAtBoot(opened, options, signal);
}

/** Drills run as the written file says, and not at all by one that is faulty. */
async function drillsIn(
  { loaded, stateDirectory }: Pick<AgentOptions, "loaded" | "stateDirectory">,
  instance: string,
): Promise<JobTiming[]> {
  if (loaded.ok !== true || loaded.file.config.drill === undefined) return [];
  const { drillTimetable } = await import("./drill-timetable.ts");
  return drillTimetable(loaded.file, stateDirectory, instance);
}

/** Repositories are looked after as the written file says, as drills are. `host`: its id or name. */
async function upkeepIn(
  options: Pick<AgentOptions, "loaded" | "stateDirectory">,
  host: string,
): Promise<JobTiming[]> {
  const { loaded } = options;
  if (loaded.ok !== true || loaded.file.config.repositories === undefined) return [];
  const { upkeepTimetable } = await import("./upkeep-timetable.ts");
  return upkeepTimetable(options, host);
}

/** What a file says of alarms, drills and sweeps is nothing that a run would read. */
async function withAlarms<F extends Pick<Checked, "values" | "warnings">>(
  facts: F,
  { resolution }: InForce,
  { loaded }: AgentOptions,
): Promise<F> {
  if (loaded.ok !== true || resolution === undefined) return facts;
  const { alarmValues } = await import("../config/alarm-settings.ts");
  const { checkWatching } = await import("./check-watching.ts");
  const termination = await ofTermination(loaded, resolution);
  return {
    ...facts,
    warnings: [
      ...facts.warnings,
      ...checkWatching(resolution, loaded, systemClock.now()),
      ...termination.warnings,
    ],
    values: [
      ...facts.values,
      ...alarmValues(loaded.file),
      ...(await valuesOfDrills(loaded)),
      ...(await valuesOfSweep(loaded)),
      ...termination.values,
    ],
  };
}

async function valuesOfDrills({ file }: Loaded & { ok: true }): Promise<Checked["values"]> {
  if (file.config.drill === undefined) return [];
  return (await import("../config/drill-settings.ts")).drillValues(file);
}

async function valuesOfSweep({ file }: Loaded & { ok: true }): Promise<Checked["values"]> {
  if (file.config.sweep === undefined) return [];
  return (await import("../config/sweep-settings.ts")).sweepValues(file);
}

async function ofTermination(
  { file }: Loaded & { ok: true },
  { jobs }: Resolution,
): Promise<Pick<Checked, "values" | "warnings">> {
  if (file.config.termination === undefined) return { values: [], warnings: [] };
  const { terminationValues, uselessJobs } = await import("../config/termination-settings.ts");
  return { values: terminationValues(file), warnings: uselessJobs(file, jobs) };
}

/** What is written is checked, not what is in force instead of it. Most jobs have no hooks to be looked at. */
async function checkHooks(
  { resolution }: InForce,
  { self, stateDirectory }: AgentOptions,
  volumes: readonly Volume[] | undefined,
  signal: AbortSignal,
): Promise<CheckedHooks> {
  const jobs = (resolution?.jobs ?? []).filter(
    // With VSS there are no hooks, and what it gives is known.
    ({ hooks, consistency, vss }) => vss === undefined && (hooks.length > 0 || consistency !== undefined),
  );
  const told = withVss(resolution, self, await checkOutputs(resolution, self));
  if (jobs.length === 0) return told;
  const check = await import("./check-hooks.ts");
  const known = volumes === undefined ? {} : { volumes };
  const { faults, warnings } = await check.checkHooks({ jobs, self, stateDirectory, ...known }, signal);
  return { faults: [...faults, ...told.faults], warnings: [...warnings, ...told.warnings] };
}

/** The Volume Shadow Copy Service is a part of Windows. */
function withVss(
  resolution: Resolution | undefined,
  { platform }: AgentOptions["self"],
  told: CheckedHooks,
): CheckedHooks {
  if (platform === "win32") return told;
  const faults = (resolution?.jobs ?? [])
    .filter(({ vss }) => vss !== undefined)
    .map(({ name }) => `jobs.${name}.vss: expected nothing on this host, which is no Windows; use hooks`);
  return { ...told, faults: [...told.faults, ...faults] };
}

async function checkOutputs(
  resolution: Resolution | undefined,
  self: AgentOptions["self"],
): Promise<CheckedHooks> {
  const { settings, jobs = [] } = resolution ?? {};
  if (settings?.outputs === undefined && settings?.notify === undefined) return { faults: [], warnings: [] };
  const check = await import("./check-outputs.ts");
  const names = jobs.map(({ name }) => name);
  return check.checkOutputs(settings, names, self);
}

async function factsOf({ problems, resolution }: InForce, hooks: CheckedHooks) {
  // Beside check-config stand commands of which most runs are made, and they print no configuration.
  const { effectiveValues } = await import("../config/print.ts");
  const of = (severity: Problem["severity"]) =>
    problems.filter((problem) => problem.severity === severity).map((problem) => problem.found);
  const faults = [...of("error"), ...hooks.faults];
  return {
    ok: faults.length === 0,
    faults,
    warnings: [...of("warning"), ...hooks.warnings],
    values: resolution === undefined ? [] : effectiveValues(resolution),
  };
}

function plain({ kind, doing, found, remedy }: Failure): Failure {
  return { kind, doing, found, ...(remedy === undefined ? {} : { remedy }) };
}

function timetableOf(jobs: ReturnType<typeof inForce>["jobs"], state: StateDirectory): JobTiming[] {
  return jobs.flatMap(({ name, schedule, timezone, splay }) => {
    if (schedule === undefined) return [];
    const lastSlot = state.job(name)?.lastSlot;
    return [{ job: name, schedule, timezone, splay, ...(lastSlot === undefined ? {} : { lastSlot }) }];
  });
}
