import type { Identity } from "../aws/metadata.ts";
import { toLastGood } from "../config/last-good.ts";
import { resolve } from "../config/resolve.ts";
import { failureOf } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import type { Problem, RunReport } from "../core/report.ts";
import { rootReplacementTag } from "../core/root-tag.ts";
import { temporaryTag } from "../core/temporary-tag.ts";
import { systemClock } from "../host/clock.ts";
import { unknownJobs } from "./in-force.ts";
import { thawBeforeRun } from "./leftovers.ts";
import { type Opened, open } from "./open.ts";
import { listening, tell } from "./tell.ts";
import type { AgentOptions, Outcome, Wish } from "./wish.ts";

/** Runs the wished jobs one after the other and publishes their reports. */
export async function perform(wish: Wish, options: AgentOptions, signal: AbortSignal): Promise<Outcome> {
  const { newRunId } = await import("./session.ts");
  const run = newRunId();
  let identity: Identity | undefined;
  // Before AWS is asked for anything: while that does not answer, nothing must stay frozen.
  const left = wish.planned ? [] : await thawBeforeRun(options.self);
  let opened: Opened;
  try {
    opened = await open(run, options, signal, wish, (found) => {
      identity = found;
    });
  } catch (error) {
    const { failEarly } = await import("./nothing-done.ts");
    return failEarly(run, wish, failureOf(error, "find this instance"), options, left, identity, signal);
  }
  let told = left;
  const { instance } = opened.session.discovery;
  const asked = wish.capture && !wish.planned && opened.force.protection === "configured";
  if (asked && instance.tags[rootReplacementTag] !== undefined) {
    const { rootConfirmed, refusedCapture } = await import("./root-confirmation.ts");
    const { unconfirmed, problems } = await rootConfirmed(opened, options, signal);
    const jobs = await chosen(opened.force.jobs, wish.jobs);
    if (unconfirmed !== undefined) return refusedCapture(unconfirmed, jobs, opened, wish, options, signal);
    told = [...left, ...problems];
    // With the marks that the new root volume has got by now.
    opened = await open(run, options, signal);
  }
  const { session, force } = opened;
  const { elsewhere, volumes } = session.discovery;
  if (force.protection !== "configured") {
    const { unprotected } = await import("./nothing-done.ts");
    return unprotected(opened, wish, options, left, signal);
  }
  if (force.problems.length > 0 && !wish.lenient && force.faulty)
    throw (await import("./unusable-wish.ts")).faultyConfiguration(force.problems);
  if (force.jobs.length === 0) {
    const { unusable } = await import("./nothing-done.ts");
    return unusable(opened, wish, options, left, signal);
  }
  const named = await chosen(force.jobs, wish.jobs);
  const wished = named.filter(({ copy }) => wish.only === undefined || copy);
  if (wished.length === 0) return (await import("./nothing-done.ts")).nothingToCopy(wish.jobs);
  const reports: RunReport[] = [];
  const heard = wish.planned ? undefined : await listening(opened, options, wish, signal);
  for (const job of wished) {
    const overdue = wish.planned || !wish.capture ? [] : await overdueOf(job, opened, options);
    const report = await session.perform(
      {
        job,
        trigger: wish.trigger,
        ...(wish.slot === undefined ? {} : { slot: wish.slot }),
        ...(wish.missed === undefined ? {} : { missed: wish.missed }),
        ...(wish.overlapped === undefined ? {} : { overlapped: wish.overlapped }),
        capture: wish.capture,
        ...(wish.only && { only: wish.only }),
        prune: !force.faulty,
        wait: wish.wait,
        consent: wish.consent,
        planned: wish.planned,
        began: () => heard?.began(job.name),
        problems:
          reports.length === 0
            ? [...told, ...force.problems, ...overdue]
            : [...force.problems.filter((one) => one.severity === "error"), ...overdue],
      },
      force.settings,
      signal,
    );
    reports.push(await tell(report, opened, options, wish, signal, heard));
  }
  if (!force.faulty && !wish.planned && wish.capture) await remember(opened, options);
  const isAlone = wish.trigger !== "manual" || wish.splay !== undefined;
  if (isAlone && reports.some(({ stored }) => stored !== undefined)) {
    const { keepListings } = await import("./keep-listings.ts");
    await keepListings(reports, opened, options, signal);
  }
  const { loaded } = options;
  const drills = loaded.ok === true && loaded.file.config.drill !== undefined && elsewhere !== true;
  // Also of restores, which need no configuration.
  const mayBeLeft = drills || volumes.some(({ tags }) => temporaryTag in tags);
  if (mayBeLeft && !wish.planned && !signal.aborted) {
    const { removeExpired } = await import("./drill-leftovers.ts");
    await removeExpired(opened, options, signal);
  }
  return { reports };
}

/** Most jobs store nothing, and load nothing of it. */
async function overdueOf(job: Job, opened: Opened, options: AgentOptions): Promise<readonly Problem[]> {
  if (job.stored === undefined) return [];
  const { overdueUpkeep } = await import("./upkeep-watch.ts");
  return overdueUpkeep(job, opened, options);
}

async function chosen(jobs: readonly Job[], names: readonly string[]): Promise<readonly Job[]> {
  const unknown = unknownJobs(jobs, names);
  if (unknown.length > 0) throw (await import("./unusable-wish.ts")).noSuchJobs(unknown, jobs);
  return names.length === 0 ? jobs : jobs.filter((job) => names.includes(job.name));
}

/** Keeps a configuration that proved good for the day when it is not. */
async function remember({ session }: Opened, { loaded, log, self }: AgentOptions): Promise<void> {
  try {
    // Without the flags, which are meant for one run.
    const { tags } = session.discovery.instance;
    const resolution = resolve({ tags, ...(loaded.ok === true ? { file: loaded.file } : {}) });
    const record = toLastGood(resolution, systemClock.now());
    if (record !== undefined) await session.state.keepGood(record, self.uid);
  } catch (error) {
    log("error", `cannot keep the configuration: ${failureOf(error, "keep it").found}`);
  }
}
