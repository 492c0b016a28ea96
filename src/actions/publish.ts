import { concealReport } from "../core/conceal-report.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import type { Listener } from "../core/listener.ts";
import { commonDimensions, type Dimension, metricsOf } from "../core/metrics.ts";
import type { Log, MetricSink } from "../core/ports.ts";
import { type Problem, problemOf, type RunReport } from "../core/report.ts";
import { type Patience, patiently } from "./patiently.ts";

export interface PublishDeps {
  readonly log: Log;
  /** Absent where no metrics are wanted or nobody could be reached. */
  readonly metrics?: MetricSink;
  readonly dimensions: readonly Dimension[];
  readonly patience: Patience;
  /** Takes out what must not be seen: the report goes to files, to services of others and to people. */
  readonly conceal: (text: string) => string;
  /** Writes the report into the state. */
  readonly record: (report: RunReport) => Promise<void>;
  /** Others who are told, side by side, once the report is kept. */
  readonly listeners?: readonly Listener[];
}

/**
 * Tells the outcome to all who listen. A listener that fails is logged and changes nothing but that it stands
 * as a warning in the report that is returned.
 */
export async function publish(found: RunReport, deps: PublishDeps): Promise<RunReport> {
  const report = concealReport(found, deps.conceal);
  const { log, metrics, listeners = [] } = deps;
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
  // While CloudWatch is tried again, nothing else waits for it.
  const measured = attempt("publish the metrics", log, async () => {
    if (metrics === undefined) return;
    const [values, common] = [metricsOf(report), commonDimensions(report, deps.dimensions)];
    await patiently(() => metrics.publish(values, common), deps.patience);
  });
  const recorded =
    report.outcome === "skipped" ? [] : await attempt("record the report", log, () => deps.record(report));
  const told = listeners.map((one) => attempt(one.doing, log, () => one.tell(report)));
  const deaf = [await measured, recorded, ...(await Promise.all(told))].flat();
  return { ...report, problems: [...report.problems, ...concealReport(deaf, deps.conceal)] };
}

const levels = { error: "error", warning: "warn", notice: "info" } as const;

/** Does what may fail without any harm but this: it is logged, and is a warning in the report. */
export async function attempt(doing: string, log: Log, body: () => Promise<void>): Promise<Problem[]> {
  try {
    await body();
    return [];
  } catch (error) {
    const failure = failureOf(error, doing);
    log("error", sentenceOf(failure));
    return [problemOf("warning", failure)];
  }
}
