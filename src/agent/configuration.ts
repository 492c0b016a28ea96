import { effectiveValues } from "../config/print.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { Problem } from "../core/report.ts";
import type { JobTiming } from "../core/timetable.ts";
import type { StateDirectory } from "../host/state.ts";
import { inForce } from "./in-force.ts";
import { open } from "./open.ts";
import type { AgentOptions } from "./wish.ts";

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
 * Checks file and tags. On a host that is no instance, or whose tags cannot be read, the file alone is
 * checked, and that is said.
 */
export async function checkConfiguration(options: AgentOptions, signal: AbortSignal): Promise<Checked> {
  try {
    const { session, force } = await open("check-config", options, signal);
    const timetable = timetableOf(force.jobs, session.state);
    return { ...factsOf(force), instance: session.identity.instanceId, timetable };
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind === "interrupted") throw error;
    const force = inForce({ loaded: options.loaded, tags: {}, flags: options.flags });
    return {
      ...factsOf(force),
      withoutTags: plain(failureOf(error, "read the instance's tags")),
      timetable: [],
    };
  }
}

function factsOf({ problems, resolution }: ReturnType<typeof inForce>) {
  const of = (severity: Problem["severity"]) =>
    problems.filter((problem) => problem.severity === severity).map((problem) => problem.found);
  return {
    ok: of("error").length === 0,
    faults: of("error"),
    warnings: of("warning"),
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
