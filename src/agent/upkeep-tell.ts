import { patiently } from "../actions/patiently.ts";
import { attempt } from "../actions/publish.ts";
import { outputDefaults } from "../config/outputs.ts";
import { concealReport } from "../core/conceal-report.ts";
import { sentenceOf } from "../core/errors.ts";
import type { MetricName } from "../core/metrics.ts";
import type { MetricSink } from "../core/ports.ts";
import type { Problem } from "../core/report.ts";
import { metricsJob, metricsOfUpkeep, type UpkeepReport } from "../core/upkeep.ts";
import { writtenSettings } from "./configuration.ts";
import { requestTimeout } from "./open.ts";
import { concealing, patienceOf } from "./tell.ts";
import type { UpkeepHost } from "./upkeep-host.ts";
import type { AgentOptions } from "./wish.ts";

const levels = { error: "error", warning: "warn", notice: "info" } as const;

/** Tells a report to the log and to who gets metrics; returns it as it was told, with what was not heard. */
export function upkeepTeller(
  host: UpkeepHost,
  options: AgentOptions,
  signal: AbortSignal,
): (report: UpkeepReport) => Promise<UpkeepReport> {
  const { log } = options;
  const settings = writtenSettings(options.loaded);
  const conceal = concealing([], options);
  return async (found) => {
    const report = concealReport(found, conceal);
    const { run, repository, action, outcome, elapsedMs: ms } = report;
    const job = metricsJob(repository);
    for (const { severity, ...failure } of report.problems) {
      const text = severity === "error" ? sentenceOf(failure) : `${failure.doing}: ${failure.found}`;
      log(levels[severity], text, { run, job, ...(failure.code && { code: failure.code }) });
    }
    const isWell = outcome === "done";
    log(isWell ? "info" : "warn", `${action} ${outcome}`, { run, job, ms });
    const metrics = metricsOfUpkeep(report);
    if (metrics.length === 0 || !settings.metrics.enabled) return report;
    const { only, prometheus, output = outputDefaults.output } = settings.outputs ?? {};
    const wanted = metrics.filter(({ name }) => only?.includes(name as MetricName) !== false);
    const outputs = [output].flat();
    const deaf: Problem[] = [];
    if (outputs.includes("prometheus"))
      deaf.push(
        ...(await attempt("write the metrics for Prometheus", log, () =>
          writeTextfile(report, host.id, prometheus?.directory ?? outputDefaults.directory, options),
        )),
      );
    const values = { Server: host.id, Job: job, Drive: "" };
    const names = Object.fromEntries(settings.metrics.dimensions.map((one) => [one, values[one]]));
    const patience = patienceOf([], log, signal)("");
    for (const sink of await sinksOf(outputs, host, run, options))
      deaf.push(
        ...(await attempt("publish the metrics", log, () =>
          patiently(() => sink.publish(wanted, names), patience),
        )),
      );
    return { ...report, problems: [...report.problems, ...concealReport(deaf, conceal)] };
  };
}

async function sinksOf(
  outputs: readonly string[],
  { identity }: UpkeepHost,
  run: string,
  options: AgentOptions,
): Promise<readonly MetricSink[]> {
  const settings = writtenSettings(options.loaded);
  const sinks: MetricSink[] = [];
  if (outputs.includes("cloudwatch") && identity !== undefined) {
    const { metricsFor } = await import("./session.ts");
    const timeout = requestTimeout(options.loaded);
    sinks.push(metricsFor(identity, options, run, settings.metrics.namespace, timeout));
  }
  if (!outputs.includes("emf")) return sinks;
  const { emf } = await import("./listeners.ts");
  return [...sinks, emf({ settings, self: options.self })];
}

async function writeTextfile(
  report: UpkeepReport,
  server: string,
  directory: string,
  { stateDirectory, loaded }: AgentOptions,
): Promise<void> {
  const { samplesIn, textOf } = await import("../core/prometheus.ts");
  const { rewriteTextfile } = await import("../host/textfile.ts");
  const { fileLocks } = await import("../host/lock.ts");
  const { samplesOfUpkeep } = await import("../core/upkeep-samples.ts");
  const { only } = writtenSettings(loaded).outputs ?? {};
  await rewriteTextfile(directory, fileLocks(`${stateDirectory}/locks`), (there) =>
    textOf(samplesOfUpkeep(samplesIn(there), report, server, only)),
  );
}
