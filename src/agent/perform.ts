import { publish } from "../actions/publish.ts";
import type { Identity } from "../aws/metadata.ts";
import { toLastGood } from "../config/last-good.ts";
import { resolve } from "../config/resolve.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import type { Problem, RunReport } from "../core/report.ts";
import { systemClock } from "../host/clock.ts";
import { StateDirectory } from "../host/state.ts";
import { failedReport } from "./failed-report.ts";
import { type InForce, inForce, unknownJobs } from "./in-force.ts";
import { type Opened, open, requestTimeout } from "./open.ts";
import type { AgentOptions, Outcome, Wish } from "./wish.ts";

/** Runs the wished jobs one after the other and publishes their reports. */
export async function perform(wish: Wish, options: AgentOptions, signal: AbortSignal): Promise<Outcome> {
  const { newRunId } = await import("./session.ts");
  const run = newRunId();
  let identity: Identity | undefined;
  let opened: Opened;
  try {
    opened = await open(run, options, signal, wish, (found) => {
      identity = found;
    });
  } catch (error) {
    return failEarly(run, wish, failureOf(error, "find this instance"), options, identity);
  }
  const { session, force } = opened;
  if (force.protection !== "configured") return unprotected(opened, wish, options, signal);
  if (force.problems.length > 0 && !wish.lenient && force.faulty) throw faultyConfiguration(force.problems);
  if (force.jobs.length === 0) return unusable(opened, wish, options);
  const wished = chosen(force.jobs, wish.jobs);
  const reports: RunReport[] = [];
  for (const job of wished) {
    const report = await session.perform(
      {
        job,
        trigger: wish.trigger,
        ...(wish.slot === undefined ? {} : { slot: wish.slot }),
        ...(wish.missed === undefined ? {} : { missed: wish.missed }),
        ...(wish.overlapped === undefined ? {} : { overlapped: wish.overlapped }),
        capture: wish.capture,
        prune: !force.faulty,
        wait: wish.wait,
        consent: wish.consent,
        planned: wish.planned,
        problems:
          reports.length === 0 ? force.problems : force.problems.filter((one) => one.severity === "error"),
      },
      signal,
    );
    reports.push(report);
    if (!wish.planned) await tell(report, opened, options);
  }
  if (!force.faulty && !wish.planned && wish.capture) await remember(opened, options);
  return { reports };
}

function chosen(jobs: readonly Job[], names: readonly string[]): readonly Job[] {
  const unknown = unknownJobs(jobs, names);
  if (unknown.length > 0) {
    throw new BackupError({
      kind: "usage",
      doing: `run ${unknown.join(", ")}`,
      found: "the configuration has no such job",
      remedy: `its jobs are ${jobs.map((job) => job.name).join(", ")}`,
    });
  }
  return names.length === 0 ? jobs : jobs.filter((job) => names.includes(job.name));
}

/** All faults of the configuration in one error. */
export function faultyConfiguration(problems: readonly Problem[]): BackupError {
  const faults = problems.filter((problem) => problem.severity === "error");
  return new BackupError({
    kind: "configuration",
    doing: "use the configuration",
    found: faults.map((one) => one.found).join("\n  "),
    remedy: "correct it and look at `ec2-backup check-config`",
  });
}

/**
 * Nobody asked for a backup of this instance. That is normal on one that never had any; on one that
 * had, it means that a tag or a file was lost.
 */
async function unprotected(
  opened: Opened,
  wish: Wish,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { session, force } = opened;
  const { instance } = session.discovery;
  if (force.protection === "left-out") {
    return {
      reports: [],
      message: `${instance.id} is left out by its tag ${force.leftOutBy ?? "Backup"}: nothing to do.`,
    };
  }
  const before =
    session.state.known ||
    (await session.engine.list({ instanceArn: instance.arn }, signal)).points.length > 0;
  if (!before) {
    return {
      reports: [],
      message:
        `${instance.id} is not protected: it has no Backup tag and there is no configuration.\n` +
        "Add the tag Backup=yes to the instance, write /etc/ec2-backup/config.yaml, or run with --all.",
    };
  }
  const failure: Failure = {
    kind: "configuration",
    doing: `back up ${instance.id}`,
    found: "it was protected before, and now it has neither a configuration nor a Backup tag",
    remedy: "restore the file or the tag Backup=yes; Backup=no says that this is meant",
  };
  const report = failedReport(session.run, "default", wish, failure, session);
  if (!wish.planned) await tell(report, opened, options);
  return { reports: [report] };
}

/** The file is faulty and no good one is remembered: nothing can be done, and that must be seen. */
async function unusable({ session, force }: Opened, wish: Wish, options: AgentOptions): Promise<Outcome> {
  const [first] = force.problems;
  const report = failedReport(
    session.run,
    wish.jobs[0] ?? "default",
    wish,
    first ?? nothingConfigured,
    session,
  );
  const whole = { ...report, problems: force.problems };
  if (!wish.planned) await tell(whole, { session, force }, options);
  return { reports: [whole] };
}

const nothingConfigured: Failure = {
  kind: "configuration",
  doing: "use the configuration",
  found: "it names no job",
};

/** A run that came no further is reported all the same, as far as anybody can be reached. */
async function failEarly(
  run: string,
  wish: Wish,
  failure: Failure,
  options: AgentOptions,
  identity: Identity | undefined,
): Promise<Outcome> {
  const force = inForce({ loaded: options.loaded, tags: {}, flags: options.flags });
  const named = wish.jobs.length > 0 ? wish.jobs : force.jobs.map((job) => job.name);
  const reports = (named.length > 0 ? named : ["default"]).map((job) => {
    const report = failedReport(run, job, wish, failure);
    const instance = identity === undefined ? {} : { instance: { id: identity.instanceId, arn: "" } };
    return { ...report, ...instance, problems: [...force.problems, ...report.problems] };
  });
  if (wish.planned) return { reports };
  for (const report of reports) await tellEarly(report, force, options, identity);
  return { reports };
}

async function tellEarly(
  report: RunReport,
  force: InForce,
  options: AgentOptions,
  identity: Identity | undefined,
): Promise<void> {
  const { namespace, enabled, dimensions } = force.settings.metrics;
  const { metricsFor } = await import("./session.ts");
  const timeout = requestTimeout(options.loaded);
  await publish(report, {
    log: options.log,
    dimensions,
    ...(enabled && identity !== undefined
      ? { metrics: metricsFor(identity, options.version, report.run, namespace, timeout) }
      : {}),
    record: async (one) => {
      if (identity === undefined) return;
      const state = await StateDirectory.open(options.stateDirectory, identity.instanceId);
      // What never was protected does not become so by failing.
      if (state.known) await state.record(one);
    },
  });
}

async function tell(report: RunReport, { session, force }: Opened, { log }: AgentOptions): Promise<void> {
  const { namespace, enabled, dimensions } = force.settings.metrics;
  await publish(report, {
    log,
    dimensions,
    ...(enabled ? { metrics: session.metrics(namespace) } : {}),
    record: (one) => session.state.record(one),
  });
}

/** Keeps a configuration that proved good for the day when it is not. */
async function remember({ session }: Opened, { loaded, log }: AgentOptions): Promise<void> {
  try {
    // Without the flags, which are meant for one run.
    const { tags } = session.discovery.instance;
    const resolution = resolve({ tags, ...(loaded.ok === true ? { file: loaded.file } : {}) });
    const record = toLastGood(resolution, systemClock.now());
    if (record !== undefined) await session.state.keepGood(record);
  } catch (error) {
    log("error", `cannot keep the configuration: ${failureOf(error, "keep it").found}`);
  }
}
