import { publish } from "../actions/publish.ts";
import type { Identity } from "../aws/metadata.ts";
import { concealReport } from "../core/conceal-report.ts";
import { type Failure, sentenceOf } from "../core/errors.ts";
import type { Problem, RunReport } from "../core/report.ts";
import { lastInstance, StateDirectory } from "../host/state.ts";
import { failedReport } from "./failed-report.ts";
import { type InForce, inForce } from "./in-force.ts";
import { type Opened, requestTimeout } from "./open.ts";
import { concealing, isUsual, patienceOf, tell } from "./tell.ts";
import type { AgentOptions, Outcome, Wish } from "./wish.ts";

/**
 * Nobody asked for a backup of this instance. That is normal on one that never had any; on one that
 * had, it means that a tag or a file was lost.
 */
export async function unprotected(
  opened: Opened,
  wish: Wish,
  options: AgentOptions,
  left: readonly Problem[],
  signal: AbortSignal,
): Promise<Outcome> {
  const { session, force } = opened;
  const { instance } = session.discovery;
  for (const problem of left) options.log("error", sentenceOf(problem));
  if (force.protection === "left-out") {
    return {
      reports: [],
      message: `${instance.id} is left out by its tag ${force.leftOutBy ?? "Backup"}: nothing to do.`,
    };
  }
  const before = session.state.known || (await hasPoints(session, signal));
  if (!before && session.discovery.elsewhere === true)
    return { reports: [], message: `${instance.id} is not protected: the configuration names no jobs.` };
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
  return { reports: [await tell(report, opened, options, wish, signal)] };
}

/** None of the jobs that were asked for names a Region to copy to. */
export function nothingToCopy(jobs: readonly string[]): Outcome {
  const whose = jobs.length === 0 ? "No job" : `The job ${jobs.join(", ")}`;
  const message =
    `${whose} copies ${jobs.length === 0 ? "its" : "none of its"} points to another Region. ` +
    "Add `copy: [{ region: eu-west-1 }]` to a job, or the tag Copy_Dest=eu-west-1 to the instance.";
  return { reports: [], message };
}

async function hasPoints({ engine, discovery }: Opened["session"], signal: AbortSignal): Promise<boolean> {
  const { points, images } = await engine.list({ instanceArn: discovery.instance.arn }, signal);
  return points.length > 0 || images !== undefined;
}

/** The file is faulty and no good one is remembered: nothing can be done, and that must be seen. */
export async function unusable(
  { session, force }: Opened,
  wish: Wish,
  options: AgentOptions,
  left: readonly Problem[],
  signal: AbortSignal,
): Promise<Outcome> {
  const [first] = force.problems;
  const report = failedReport(
    session.run,
    wish.jobs[0] ?? "default",
    wish,
    first ?? nothingConfigured,
    session,
  );
  const whole = { ...report, problems: [...left, ...force.problems] };
  return { reports: [await tell(whole, { session, force }, options, wish, signal)] };
}

const nothingConfigured: Failure = {
  kind: "configuration",
  doing: "use the configuration",
  found: "it names no job",
};

/** A run that came no further is reported all the same, as far as anybody can be reached. */
export async function failEarly(
  run: string,
  wish: Wish,
  failure: Failure,
  options: AgentOptions,
  left: readonly Problem[],
  identity: Identity | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const force = inForce({ loaded: options.loaded, tags: {}, flags: options.flags });
  const named = wish.jobs.length > 0 ? wish.jobs : force.jobs.map((job) => job.name);
  const reports = (named.length > 0 ? named : ["default"]).map((job) => {
    const report = failedReport(run, job, wish, failure);
    const instance = identity === undefined ? {} : { instance: { id: identity.instanceId, arn: "" } };
    return { ...report, ...instance, problems: [...left, ...force.problems, ...report.problems] };
  });
  const told: RunReport[] = [];
  for (const report of reports) told.push(await tellEarly(report, force, options, wish, identity, signal));
  return { reports: told };
}

async function tellEarly(
  report: RunReport,
  force: InForce,
  options: AgentOptions,
  wish: Wish,
  identity: Identity | undefined,
  signal: AbortSignal,
): Promise<RunReport> {
  const conceal = concealing(force.jobs, options);
  if (wish.planned) return concealReport(report, conceal);
  const { namespace, enabled, dimensions } = force.settings.metrics;
  const { metricsFor } = await import("./session.ts");
  const timeout = requestTimeout(options.loaded);
  const metrics = identity && ((name: string) => metricsFor(identity, options, report.run, name, timeout));
  // An instance that does not know itself is most likely the one that last wrote its state here.
  const known = identity?.instanceId ?? (await lastInstance(options.stateDirectory));
  const state = known === undefined ? undefined : await StateDirectory.open(options.stateDirectory, known);
  const patience = patienceOf(force.jobs, options.log, signal);
  const heard = isUsual(force.settings)
    ? undefined
    : (await import("./listeners.ts")).listenersOf({
        ...options,
        settings: force.settings,
        run: report.run,
        requestTimeout: timeout,
        jobs: force.jobs.map(({ name }) => name),
        capture: wish.capture,
        patience,
        ...(known && { server: known }),
        ...(metrics && { metrics }),
        ...(state && { state }),
      });
  return publish(report, {
    log: options.log,
    dimensions,
    conceal,
    patience: patience(report.job),
    ...(heard ?? (enabled && metrics && { metrics: metrics(namespace) })),
    record: async (one) => {
      // What never was protected does not become so by failing.
      if (identity !== undefined && state?.known) await state.record(one);
    },
  });
}
