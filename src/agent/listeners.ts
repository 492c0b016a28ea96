import { patiently } from "../actions/patiently.ts";
import { emfEndpoint, outputDefaults, outputsOf } from "../config/outputs.ts";
import { BackupError } from "../core/errors.ts";
import type { Listener } from "../core/listener.ts";
import { type MetricShape, shapedMetrics } from "../core/metric-shape.ts";
import { commonDimensions } from "../core/metrics.ts";
import type { MetricSink } from "../core/ports.ts";
import type { Around, Listening } from "./around.ts";
import { noticeAbout } from "./notice-about.ts";
import { type Pinging, pinging } from "./pinging.ts";
import { routeOf } from "./route.ts";

/** Milliseconds for handing metrics to a process on this host. */
const handOver = 5_000;

/** All who are to hear of the runs of this process, as the configuration names them. */
export function listenersOf(around: Around): Listening {
  const { outputs, metrics, notify = {} } = around.settings;
  const wanted = metrics.enabled ? outputsOf(outputs) : [];
  const listeners = wanted.flatMap((output) => {
    if (output === "prometheus") return [textfile(around)];
    if (output === "emf") return [shaped(emf(around), around)];
    const sink = around.metrics?.(metrics.namespace);
    return sink === undefined ? [] : [shaped(sink, around, around.patience)];
  });
  const ping: Pinging | undefined = notify.ping && pinging(notify.ping, around);
  if (notify.topic !== undefined) listeners.push(topic(notify.topic, around));
  if (ping !== undefined) listeners.push(ping.listener);
  return { listeners, began: (job) => ping?.began(job) };
}

/** A sink of metrics that gets them as the configuration cuts them. */
function shaped(
  sink: MetricSink,
  { settings, server, state }: Around,
  patience?: Around["patience"],
): Listener {
  const { dimensions } = settings.metrics;
  const { only, perVolume = false } = settings.outputs ?? {};
  const shape: MetricShape = { dimensions, perVolume, ...(only && { only }) };
  return {
    doing: "publish the metrics",
    tell: (report) => {
      const before = state?.job(report.job)?.volumes?.map(({ device }) => device);
      const common = commonDimensions(report, dimensions, server);
      const send = () => sink.publish(shapedMetrics(report, shape, before), common);
      return patience === undefined ? send() : patiently(send, patience(report.job));
    },
  };
}

/** The CloudWatch agent, or a file for it. */
export function emf({ settings, self }: Pick<Around, "settings" | "self">): MetricSink {
  const { endpoint, file, logGroup } = settings.outputs?.emf ?? {};
  const order = { namespace: settings.metrics.namespace, ...(logGroup && { logGroup }) };
  return {
    async publish(metrics, dimensions) {
      const { emfLines } = await import("../core/emf.ts");
      const { appendLines, sendLines } = await import("../host/emf.ts");
      const lines = emfLines(metrics, dimensions, order, new Date());
      if (lines.length === 0) return;
      if (file !== undefined) return appendLines(lines, file);
      return sendLines(lines, endpoint ?? endpointIn(self.env), handOver);
    },
  };
}

function endpointIn(env: Readonly<Record<string, string | undefined>>): string {
  const given = env["AWS_EMF_AGENT_ENDPOINT"];
  if (given === undefined || given === "") return outputDefaults.endpoint;
  if (emfEndpoint.test(given)) return given;
  throw new BackupError({
    kind: "configuration",
    doing: "send the metrics to the CloudWatch agent",
    found: `AWS_EMF_AGENT_ENDPOINT is ${JSON.stringify(given)}`,
    remedy: `it must be an address such as ${outputDefaults.endpoint}`,
  });
}

function textfile({ settings, server, jobs, loaded, stateDirectory }: Around): Listener {
  const { only, perVolume = false, prometheus } = settings.outputs ?? {};
  const volumes = perVolume || settings.metrics.dimensions.includes("Drive");
  const doing = "write the metrics for Prometheus";
  return {
    doing,
    async tell(report) {
      if (server === undefined)
        throw new BackupError({ kind: "unreachable", doing, found: "this instance does not know its id" });
      const { mergedSamples, samplesIn, samplesOf, textOf } = await import("../core/prometheus.ts");
      const { rewriteTextfile } = await import("../host/textfile.ts");
      const { fileLocks } = await import("../host/lock.ts");
      const fresh = samplesOf(report, server, { perVolume: volumes, ...(only && { only }) });
      // With --all the job default runs beside those that the file names; a faulty file names none.
      const named = loaded.ok === true ? Object.keys(loaded.file.config.jobs ?? {}) : undefined;
      const scope = { server, ...(named && { jobs: [...named, ...jobs] }) };
      await rewriteTextfile(
        prometheus?.directory ?? outputDefaults.directory,
        fileLocks(`${stateDirectory}/locks`),
        (there) => textOf(mergedSamples(samplesIn(there), report, fresh, scope)),
      );
    },
  };
}

function topic(arn: string, around: Around): Listener {
  const { version, run, requestTimeout, settings } = around;
  const always = settings.notify?.on === "always";
  return {
    doing: `publish a notice to ${arn}`,
    async tell(report) {
      if (report.outcome === "done" && !always) return;
      const { publishNotice } = await import("../aws/notice.ts");
      const userAgent = [
        ["ec2-backup-agent", version],
        ["run", run],
      ] as const;
      const route = routeOf(around.self.env);
      await publishNotice(arn, await noticeAbout(report, around), { userAgent, requestTimeout, route });
    },
  };
}
