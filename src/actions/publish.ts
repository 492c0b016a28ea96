import { failureOf, sentenceOf } from "../core/errors.ts";
import { metricsOf } from "../core/metrics.ts";
import type { Log, MetricSink } from "../core/ports.ts";
import type { RunReport } from "../core/report.ts";

export interface PublishDeps {
  readonly log: Log;
  /** Absent where no metrics are wanted or nobody could be reached. */
  readonly metrics?: MetricSink;
  readonly dimensions: readonly ("Server" | "Job")[];
  /** Writes the report into the state. */
  readonly record: (report: RunReport) => Promise<void>;
}

/** Tells the outcome to all who listen. A listener that fails is logged and changes nothing. */
export async function publish(report: RunReport, deps: PublishDeps): Promise<void> {
  const { log } = deps;
  const facts = { run: report.run, job: report.job };
  for (const problem of report.problems) {
    // What was only noticed has failed at nothing.
    const text = problem.severity === "error" ? sentenceOf(problem) : `${problem.doing}: ${problem.found}`;
    log(levels[problem.severity], text, {
      ...facts,
      ...(problem.code === undefined ? {} : { code: problem.code }),
    });
  }
  log(report.outcome === "done" ? "info" : "warn", `run ${report.outcome}`, {
    ...facts,
    ms: report.elapsedMs,
  });
  await attempt("publish the metrics", log, async () => {
    await deps.metrics?.publish(metricsOf(report), dimensionsOf(report, deps));
  });
  if (report.outcome !== "skipped") await attempt("record the report", log, () => deps.record(report));
}

const levels = { error: "error", warning: "warn", notice: "info" } as const;

function dimensionsOf(report: RunReport, deps: PublishDeps): Record<string, string> {
  const values = { Server: report.instance?.id ?? "unknown", Job: report.job };
  return Object.fromEntries(deps.dimensions.map((name) => [name, values[name]]));
}

async function attempt(doing: string, log: Log, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    log("error", sentenceOf(failureOf(error, doing)));
  }
}
