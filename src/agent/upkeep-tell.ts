import { patiently } from "../actions/patiently.ts";
import { attempt } from "../actions/publish.ts";
import { outputDefaults } from "../config/outputs.ts";
import { concealReport } from "../core/conceal-report.ts";
import { sentenceOf } from "../core/errors.ts";
import type { MetricName } from "../core/metrics.ts";
import { pingAddress } from "../core/ping-address.ts";
import type { MetricSink } from "../core/ports.ts";
import { metricsJob, metricsOfUpkeep, type UpkeepReport, wasStopped } from "../core/upkeep.ts";
import { writtenSettings } from "./configuration.ts";
import { requestTimeout } from "./open.ts";
import { routeOf } from "./route.ts";
import { concealing, patienceOf } from "./tell.ts";
import type { UpkeepHost } from "./upkeep-host.ts";
import type { AgentOptions } from "./wish.ts";

/** What is known of a repository beside what was just done to it. */
export interface KnownUpkeep {
  /** How much is wrong with its other upkeep. */
  readonly others: number;
  /** When this kind last went well before, ISO 8601. */
  readonly lastGood?: string;
}

const levels = { error: "error", warning: "warn", notice: "info" } as const;

/** Tells a report to the log and to who gets metrics; returns it as it was told, with what was not heard. */
export function upkeepTeller(
  host: UpkeepHost,
  options: AgentOptions,
  signal: AbortSignal,
): (report: UpkeepReport, known: KnownUpkeep) => Promise<UpkeepReport> {
  const { log } = options;
  const settings = writtenSettings(options.loaded);
  const conceal = concealing([], options);
  return async (found, { others, lastGood }) => {
    const report = concealReport(found, conceal);
    const { run, repository, action, outcome, elapsedMs: ms } = report;
    const job = metricsJob(repository);
    for (const { severity, ...failure } of report.problems) {
      const text = severity === "error" ? sentenceOf(failure) : `${failure.doing}: ${failure.found}`;
      log(levels[severity], text, { run, job, ...(failure.code && { code: failure.code }) });
    }
    const isWell = outcome === "done";
    log(isWell ? "info" : "warn", `${action} ${outcome}`, { run, job, ms });
    const deaf = await attempt("tell people of the upkeep", log, () => notify(report, lastGood, options));
    const heard = (): UpkeepReport => ({
      ...report,
      problems: [...report.problems, ...concealReport(deaf, conceal)],
    });
    const metrics = metricsOfUpkeep(report, others);
    if (metrics.length === 0 || !settings.metrics.enabled) return heard();
    const { only, prometheus, output = outputDefaults.output } = settings.outputs ?? {};
    const wanted = metrics.filter(({ name }) => only?.includes(name as MetricName) !== false);
    const outputs = [output].flat();
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
    return heard();
  };
}

/** By the ways that failed runs take. A good upkeep pings nobody: that would look like a good backup. */
async function notify(
  report: UpkeepReport,
  lastGood: string | undefined,
  { version, loaded, self }: AgentOptions,
): Promise<void> {
  const { topic, on, ping } = writtenSettings(loaded).notify ?? {};
  const { run, action, repository, host, planned, outcome, trigger } = report;
  if (planned || action === "init" || action === "unlock") return;
  // Who asks by hand sees that another one is at work, and knows what he has stopped himself.
  if ((outcome === "skipped" && trigger === "manual") || wasStopped(report)) return;
  const isGood = outcome === "done";
  const tellsTopic = topic !== undefined && (!isGood || on === "always");
  if (!tellsTopic && (ping === undefined || isGood)) return;
  const { noticeOfUpkeep } = await import("../core/upkeep-notice.ts");
  const notice = noticeOfUpkeep({ ...report, action }, lastGood, version);
  if (tellsTopic) {
    const { publishNotice } = await import("../aws/notice.ts");
    const userAgent = [
      ["ec2-backup-agent", version],
      ["upkeep", run],
    ] as const;
    const route = routeOf(self.env);
    await publishNotice(topic, notice, { userAgent, requestTimeout: requestTimeout(loaded), route });
  }
  if (ping === undefined || isGood) return;
  const { urlOf } = await import("./pinging.ts");
  const about = { job: metricsJob(repository), run, server: host };
  const address = pingAddress(await urlOf(ping, { self }), "fail", about);
  if (address === undefined) return;
  const { ping: send } = await import("../host/ping.ts");
  const { timeout = outputDefaults.pingTimeout } = ping;
  const doing = "ping the URL of notify.ping";
  await send(address, notice.text.slice(0, 8_000), { doing, timeout, env: self.env });
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
