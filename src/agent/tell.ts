import { publish } from "../actions/publish.ts";
import type { RunReport } from "../core/report.ts";
import type { Opened } from "./open.ts";
import type { AgentOptions } from "./wish.ts";

/** Publishes a report: to the log, the state and, if wished, as metrics. */
export async function tell(
  report: RunReport,
  { session, force }: Opened,
  { log }: AgentOptions,
): Promise<void> {
  const { namespace, enabled, dimensions } = force.settings.metrics;
  await publish(report, {
    log,
    dimensions,
    ...(enabled ? { metrics: session.metrics(namespace) } : {}),
    record: (one) => session.state.record(one),
  });
}
