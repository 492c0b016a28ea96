import { patiently } from "../actions/patiently.ts";
import { attempt } from "../actions/publish.ts";
import { answered } from "../actions/restore-deps.ts";
import { outputDefaults } from "../config/outputs.ts";
import type { Drill } from "../core/drill.ts";
import {
  ageMetric,
  ageOfDrill,
  type DrillReport,
  type DrillState,
  isTold,
  metricsOfDrill,
  type SubjectState,
  taggedSnapshots,
  verifiedTag,
} from "../core/drill-report.ts";
import type { MetricName } from "../core/metrics.ts";
import { pingAddress } from "../core/ping-address.ts";
import { tagKeys } from "../core/point-tags.ts";
import type { Metric, MetricSink } from "../core/ports.ts";
import type { Problem } from "../core/report.ts";
import { systemClock } from "../host/clock.ts";
import { requestTimeout } from "./open.ts";
import type { RestoreSession } from "./restore-session.ts";
import { routeOf } from "./route.ts";
import { patienceOf } from "./tell.ts";
import type { AgentOptions } from "./wish.ts";

/** Who hears of a drill, and how. */
export interface DrillListeners {
  /** Tells one report to all who listen; what fails is in the problems that are returned. */
  tell(report: DrillReport, lastGood: SubjectState["lastGood"]): Promise<readonly Problem[]>;
  /** Tells how long ago all that the drill covers was last verified; whether anybody was told. */
  tellAge(state: DrillState): Promise<boolean>;
}

/** Those that the configuration names, as for runs; beside them the tag on the point. */
export function drillListeners(
  session: RestoreSession,
  drill: Drill,
  options: AgentOptions,
  signal: AbortSignal,
): DrillListeners {
  const { opened, deps } = session;
  const { settings, jobs } = opened.force;
  const { log } = options;
  const dimensions = settings.metrics.dimensions;
  const patience = patienceOf(jobs, log, signal)(jobs[0]?.name ?? "");
  const publish = (metrics: readonly Metric[], Server: string, Job: string): Promise<Problem[]> =>
    attempt("publish the metrics of the drill", log, async () => {
      const { only } = settings.outputs ?? {};
      const wanted = metrics.filter(({ name }) => only?.includes(name as MetricName) !== false);
      const values = { Server, Job, Drive: "" };
      const names = Object.fromEntries(dimensions.map((one) => [one, values[one]]));
      for (const sink of await sinksOf(session, options))
        await patiently(() => sink.publish(wanted, names), patience);
    });
  return {
    async tell(report, lastGood) {
      if (!isTold(report)) return [];
      const { subject, job } = report;
      const tagging = attempt("tag the point as drilled", log, async () => {
        const snapshots = taggedSnapshots(report);
        if (snapshots.length === 0) return;
        const tags = { [tagKeys.verified]: verifiedTag(report) };
        await answered("tag the point as drilled", deps, signal, () =>
          deps.volumes.tag(snapshots, tags, signal),
        );
      });
      const told = [
        tagging,
        publish(metricsOfDrill(report), subject.id, job),
        attempt("tell people of the drill", log, () => notify(report, lastGood, session, options)),
      ];
      return (await Promise.all(told)).flat();
    },
    async tellAge(state) {
      const { instanceId } = opened.session.identity;
      const age = ageOfDrill(state, systemClock.now());
      const problems = age === undefined ? [] : await publish([ageMetric(age)], instanceId, drill.name);
      await attempt("write the metrics for Prometheus", log, () => writeTextfile(state, session, options));
      return age !== undefined && problems.length === 0;
    },
  };
}

async function sinksOf(
  { opened: { session, force } }: RestoreSession,
  { self }: AgentOptions,
): Promise<readonly MetricSink[]> {
  const { metrics, outputs = {} } = force.settings;
  if (!metrics.enabled) return [];
  const wanted = [outputs.output ?? outputDefaults.output].flat();
  const sinks: MetricSink[] = wanted.includes("cloudwatch") ? [session.metrics(metrics.namespace)] : [];
  if (!wanted.includes("emf")) return sinks;
  const { emf } = await import("./listeners.ts");
  return [...sinks, emf({ settings: force.settings, self })];
}

async function writeTextfile(
  state: DrillState,
  { opened: { session, force } }: RestoreSession,
  { stateDirectory }: AgentOptions,
): Promise<void> {
  const { metrics, outputs = {} } = force.settings;
  if (!metrics.enabled || ![outputs.output ?? outputDefaults.output].flat().includes("prometheus")) return;
  const { samplesIn, textOf } = await import("../core/prometheus.ts");
  const { samplesOfDrill, withDrillSamples } = await import("../core/drill-samples.ts");
  const { rewriteTextfile } = await import("../host/textfile.ts");
  const { fileLocks } = await import("../host/lock.ts");
  const server = session.identity.instanceId;
  const fresh = samplesOfDrill(state, server, outputs.only);
  await rewriteTextfile(
    outputs.prometheus?.directory ?? outputDefaults.directory,
    fileLocks(`${stateDirectory}/locks`),
    (there) => textOf([...withDrillSamples(samplesIn(there), state.drill, fresh, server)]),
  );
}

/** By the ways that failed runs take. A good drill pings nobody: that would look like a good backup. */
async function notify(
  report: DrillReport,
  lastGood: SubjectState["lastGood"],
  { opened: { session, force } }: RestoreSession,
  { version, loaded, self }: AgentOptions,
): Promise<void> {
  const { topic, on, ping } = force.settings.notify ?? {};
  const isGood = report.outcome === "verified";
  if (topic === undefined && ping === undefined) return;
  const { noticeOfDrill } = await import("../core/drill-notice.ts");
  const notice = noticeOfDrill(report, lastGood, version);
  if (topic !== undefined && (!isGood || on === "always")) {
    const { publishNotice } = await import("../aws/notice.ts");
    const userAgent = [
      ["ec2-backup-agent", version],
      ["drill", session.run],
    ] as const;
    await publishNotice(topic, notice, {
      userAgent,
      requestTimeout: requestTimeout(loaded),
      route: routeOf(self.env),
    });
  }
  if (ping === undefined || isGood) return;
  const { urlOf } = await import("./pinging.ts");
  const about = { job: report.job, run: report.run, server: report.subject.id };
  const address = pingAddress(await urlOf(ping, { self }), "fail", about);
  if (address === undefined) return;
  const host = await import("../host/ping.ts");
  const { timeout = outputDefaults.pingTimeout } = ping;
  await host.ping(address, notice.text.slice(0, 8_000), {
    doing: "ping the URL of notify.ping",
    timeout,
    env: self.env,
  });
}
