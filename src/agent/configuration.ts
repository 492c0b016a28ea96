import { defaultSettings, type Settings } from "../config/defaults.ts";
import type { Loaded } from "../config/load.ts";
import { effectiveValues } from "../config/print.ts";
import { resolve } from "../config/resolve.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { Volume } from "../core/instance.ts";
import type { Problem } from "../core/report.ts";
import type { JobTiming } from "../core/timetable.ts";
import type { StateDirectory } from "../host/state.ts";
import type { CheckedHooks } from "./check-hooks.ts";
import { type InForce, inForce } from "./in-force.ts";
import { type Opened, open } from "./open.ts";
import type { AgentOptions } from "./wish.ts";

/** The settings as the file has them; where it is faulty or absent, the built-in ones. */
export function writtenSettings(loaded: Loaded): Settings {
  return loaded.ok === true ? resolve({ tags: {}, file: loaded.file }).settings : defaultSettings;
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
      ...factsOf(force, await checkHooks(force, options, undefined, signal)),
      withoutTags: plain(failureOf(error, "read the instance's tags")),
      timetable: [],
    };
  }
  const { session, force } = opened;
  const hooks = await checkHooks(force, options, session.discovery.volumes, signal);
  const timetable = timetableOf(force.jobs, session.state);
  return { ...factsOf(force, hooks), instance: session.identity.instanceId, timetable };
}

/** What is written is checked, not what is in force instead of it. Most jobs have no hooks to be looked at. */
async function checkHooks(
  { resolution }: InForce,
  { self, stateDirectory }: AgentOptions,
  volumes: readonly Volume[] | undefined,
  signal: AbortSignal,
): Promise<CheckedHooks> {
  const jobs = (resolution?.jobs ?? []).filter(
    ({ hooks, consistency }) => hooks.length > 0 || consistency !== undefined,
  );
  if (jobs.length === 0) return { faults: [], warnings: [] };
  const check = await import("./check-hooks.ts");
  const known = volumes === undefined ? {} : { volumes };
  return check.checkHooks({ jobs, self, stateDirectory, ...known }, signal);
}

function factsOf({ problems, resolution }: InForce, hooks: CheckedHooks) {
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
