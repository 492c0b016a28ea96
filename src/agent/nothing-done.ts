import { publish } from "../actions/publish.ts";
import type { Identity } from "../aws/metadata.ts";
import { type Failure, sentenceOf } from "../core/errors.ts";
import type { Problem, RunReport } from "../core/report.ts";
import { StateDirectory } from "../host/state.ts";
import { failedReport } from "./failed-report.ts";
import { type InForce, inForce } from "./in-force.ts";
import { type Opened, requestTimeout } from "./open.ts";
import { tell } from "./tell.ts";
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
export async function unusable(
  { session, force }: Opened,
  wish: Wish,
  options: AgentOptions,
  left: readonly Problem[],
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
  if (!wish.planned) await tell(whole, { session, force }, options);
  return { reports: [whole] };
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
): Promise<Outcome> {
  const force = inForce({ loaded: options.loaded, tags: {}, flags: options.flags });
  const named = wish.jobs.length > 0 ? wish.jobs : force.jobs.map((job) => job.name);
  const reports = (named.length > 0 ? named : ["default"]).map((job) => {
    const report = failedReport(run, job, wish, failure);
    const instance = identity === undefined ? {} : { instance: { id: identity.instanceId, arn: "" } };
    return { ...report, ...instance, problems: [...left, ...force.problems, ...report.problems] };
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
