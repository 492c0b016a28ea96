import type { Patience } from "../actions/patiently.ts";
import { publish } from "../actions/publish.ts";
import { defaultWaits, type Settings } from "../config/defaults.ts";
import { concealer, secretsOf } from "../core/conceal.ts";
import { concealReport } from "../core/conceal-report.ts";
import type { Job } from "../core/job.ts";
import type { Log } from "../core/ports.ts";
import type { RunReport } from "../core/report.ts";
import { systemClock } from "../host/clock.ts";
import type { Listening } from "./around.ts";
import { type Opened, requestTimeout } from "./open.ts";
import type { AgentOptions, Wish } from "./wish.ts";

/**
 * Publishes a report: to the log, the state and whoever else is to hear of it, a plan to nobody. Returns it as it
 * was told.
 */
export async function tell(
  report: RunReport,
  opened: Opened,
  options: AgentOptions,
  wish: Wish,
  signal: AbortSignal,
  given?: Listening,
): Promise<RunReport> {
  const { session, force } = opened;
  const conceal = concealing(force.jobs, options);
  if (wish.planned) return concealReport(report, conceal);
  const { namespace, enabled, dimensions } = force.settings.metrics;
  const heard = given ?? (await listening(opened, options, wish, signal));
  return publish(report, {
    log: options.log,
    dimensions,
    conceal,
    patience: patienceOf(force.jobs, options.log, signal)(report.job),
    ...(heard ?? (enabled && session.unheard !== true && { metrics: session.metrics(namespace) })),
    record: (one) => session.state.record(one),
  });
}

/** Who is told beside CloudWatch, or otherwise than all hosts do it. Most have nobody, and load nothing of it. */
export async function listening(
  { session, force }: Opened,
  options: AgentOptions,
  wish: Wish,
  signal: AbortSignal,
): Promise<Listening | undefined> {
  if (isUsual(force.settings)) return undefined;
  const { listenersOf } = await import("./listeners.ts");
  return listenersOf({
    ...options,
    settings: force.settings,
    run: session.run,
    server: session.identity.instanceId,
    requestTimeout: requestTimeout(options.loaded),
    jobs: force.jobs.map(({ name }) => name),
    capture: wish.capture,
    ...(session.unheard !== true && { metrics: session.metrics }),
    patience: patienceOf(force.jobs, options.log, signal),
    state: session.state,
  });
}

/** Takes out the secrets of this process and those that the configuration hands to hooks. */
export function concealing(
  jobs: readonly Job[],
  { self }: Pick<AgentOptions, "self">,
): (text: string) => string {
  const given = jobs.flatMap(({ hooks }) => hooks.map((hook) => ("env" in hook ? hook.env : {})));
  return concealer([self.env, ...given].flatMap(secretsOf));
}

/** How long metrics of a job are tried again, as its waits have it. */
export function patienceOf(jobs: readonly Job[], log: Log, signal: AbortSignal): (job: string) => Patience {
  return (job) => {
    const { waits = defaultWaits } = jobs.find(({ name }) => name === job) ?? {};
    return { waits, clock: systemClock, log, signal };
  };
}

export function isUsual({ metrics, outputs, notify }: Settings): boolean {
  return outputs === undefined && notify === undefined && !metrics.dimensions.includes("Drive");
}
