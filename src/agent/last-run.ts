import type { Identity } from "../aws/metadata.ts";
import { terminationOf } from "../config/termination-settings.ts";
import { BackupError, failureOf } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import { takesVolumes, toPublish } from "../core/last-job.ts";
import type { HeldLock } from "../core/ports.ts";
import type { RunReport } from "../core/report.ts";
import type { TerminationSettings } from "../core/termination.ts";
import { systemClock as clock } from "../host/clock.ts";
import { fileLocks } from "../host/lock.ts";
import { timeLimit } from "../host/time-limit.ts";
import { within } from "../host/within.ts";
import { unknownJobs } from "./in-force.ts";
import { captureLast } from "./last-capture.ts";
import { thawBeforeRun } from "./leftovers.ts";
import { type Opened, open } from "./open.ts";
import { tell } from "./tell.ts";
import { isOf } from "./termination-watch.ts";
import { type AgentOptions, type Outcome, type Wish, wishOf } from "./wish.ts";

/** What is wanted of a last run. */
export interface LastWish {
  readonly jobs: readonly string[];
  /** The notice that it is made on; without it somebody has asked for it. */
  readonly notice?: string;
  /** Milliseconds for all of it. */
  readonly within?: number;
}

/** Of a job no name can look like this: a job has no underscore. */
const lockName = "last_run";

/** No leftover of another run is waited for longer than this, in milliseconds. */
const thawWithin = 3_000;

/**
 * One last run of all jobs that capture volumes, before this instance ends: nothing is spread, pruned, copied or
 * stored, all captures come before the first report, and all of it has one budget. Of a notice it is made once.
 */
export async function lastRun(asked: LastWish, options: AgentOptions, signal: AbortSignal): Promise<Outcome> {
  const began = clock.elapsed();
  const { loaded } = options;
  const settings = terminationOf(loaded.ok === true ? loaded.file : undefined);
  const budget = asked.within ?? settings.budget;
  const left = () => budget - (clock.elapsed() - began);
  const limit = timeLimit(budget, signal);
  const lock = await onlyOne(options, limit);
  try {
    return await run(asked, settings, options, { signal, limit, left, budget });
  } finally {
    await lock.release();
  }
}

/** One that a daemon has left behind which died goes on, and is waited for: it may do all that is to be done. */
async function onlyOne({ stateDirectory, owner }: AgentOptions, limit: AbortSignal): Promise<HeldLock> {
  const locks = fileLocks(`${stateDirectory}/locks`);
  for (;;) {
    const lock = await locks.take(lockName, owner);
    if (!("heldBy" in lock)) return lock;
    await clock.sleep(500, limit);
    if (!limit.aborted) continue;
    const { lockedBy } = await import("../actions/run-refusals.ts");
    throw new BackupError({ ...lockedBy("", lock.heldBy), doing: "make a last capture" });
  }
}

interface Time {
  /** Of who stops the run. */
  readonly signal: AbortSignal;
  /** The same, and that of the budget. */
  readonly limit: AbortSignal;
  readonly left: () => number;
  readonly budget: number;
}

async function run(
  asked: LastWish,
  settings: TerminationSettings,
  options: AgentOptions,
  time: Time,
): Promise<Outcome> {
  const { newRunId } = await import("./session.ts");
  const id = newRunId();
  const requestTimeout = Math.max(1_000, time.budget / 12);
  const wish: Wish = {
    ...wishOf({ jobs: asked.jobs, trigger: "termination" }, { capture: true }),
    requestTimeout,
  };
  const thawed = (await within(thawWithin, thawBeforeRun(options.self), undefined)) ?? [];
  let identity: Identity | undefined;
  let opened: Opened;
  try {
    opened = await open(id, options, time.limit, wish, (found) => {
      identity = found;
    });
  } catch (error) {
    const { failEarly } = await import("./nothing-done.ts");
    const failure = failureOf(error, "find this instance");
    const failing = failEarly(id, wish, failure, options, thawed, identity, time.limit);
    const outcome = await within(forTelling(time), failing, undefined);
    if (outcome === undefined) throw new BackupError(failure);
    return outcome;
  }
  const { force } = opened;
  if (force.protection !== "configured") {
    const { unprotected } = await import("./nothing-done.ts");
    return unprotected(opened, wish, options, thawed, time.limit);
  }
  if (force.jobs.length === 0) {
    const { unusable } = await import("./nothing-done.ts");
    return unusable(opened, wish, options, thawed, time.limit);
  }
  const jobs = await chosen(force.jobs, asked.jobs, settings, options);
  if (jobs.length === 0) return { reports: [], message: "No job captures volumes: there is nothing to do." };
  const problems = [...thawed, ...force.problems];
  const captured = await captureLast(jobs, { opened, options, ...asked, problems }, time);
  if (captured.length === 0)
    return { reports: [], message: "All of it was captured for this notice already." };
  return { reports: await toldInTime(captured, opened, options, wish, time) };
}

/** Those that hold still first: of two that take the same volumes their point is the better one. */
async function chosen(
  jobs: readonly Job[],
  names: readonly string[],
  settings: TerminationSettings,
  { log }: AgentOptions,
): Promise<readonly Job[]> {
  const unknown = unknownJobs(jobs, names);
  if (unknown.length > 0) throw (await import("./unusable-wish.ts")).noSuchJobs(unknown, jobs);
  const named = jobs.filter(({ name }) => (names.length > 0 ? names.includes(name) : isOf(settings, name)));
  for (const { name, stored } of named)
    if (stored !== undefined)
      log("info", "files and dumps are no part of a last run: they would not be whole in its time", {
        job: name,
      });
  const holds = ({ hooks }: Job) => Number(hooks.length > 0);
  return named.filter(takesVolumes).sort((a, b) => holds(b) - holds(a));
}

/** Side by side, and for no longer than there is time: a report that nobody hears is the least of what can be lost. */
async function toldInTime(
  reports: readonly RunReport[],
  opened: Opened,
  options: AgentOptions,
  wish: Wish,
  time: Time,
): Promise<readonly RunReport[]> {
  const telling = reports.map((report) => tell(report, opened, options, wish, time.limit));
  const told = await within(forTelling(time), Promise.all(telling), undefined);
  if (told === undefined)
    options.log("warn", "not all who hear of runs were reached in the time of a last run");
  return told ?? reports;
}

/** A capture may have taken its time and more; somebody is told of it all the same. */
function forTelling({ left, budget }: Time): number {
  return Math.max(left(), toPublish(budget));
}
