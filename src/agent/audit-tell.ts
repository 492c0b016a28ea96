import type { OpenUnit } from "../aws/sweep-units.ts";
import { resolve } from "../config/resolve.ts";
import { auditEvent, auditNotice, wrongIn } from "../core/audit-notice.ts";
import type { AuditOrder } from "../core/audit-order.ts";
import type { AuditReport } from "../core/audit-report.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { overdueMetric } from "../core/fleet-alarm.ts";
import type { Notice } from "../core/notice.ts";
import { pingAddress } from "../core/ping-address.ts";
import type { stoppedMetric } from "../core/sweep-stop.ts";
import { requestTimeout } from "./open.ts";
import { urlOf } from "./pinging.ts";
import { routeOf } from "./route.ts";
import type { AgentOptions } from "./wish.ts";

type Options = Pick<AgentOptions, "loaded" | "self" | "version">;

/** What the file says of metrics and of those who are to be told; there is no instance whose tags could say more. */
export function settingsOf({ loaded }: Pick<Options, "loaded">) {
  return resolve({ file: loaded.ok === true ? loaded.file : undefined, tags: {} }).settings;
}

/**
 * Numbers of instances as metrics of the account and Region that they are of, where one alarm on them stands for those
 * of all instances. A zero is told as well: silence means that nobody has looked.
 */
export async function publishCounts(
  { unit, connection, connecting }: OpenUnit,
  counts: Readonly<Partial<Record<typeof overdueMetric | typeof stoppedMetric, number>>>,
  options: Options,
): Promise<void> {
  const { connectCloudWatch } = await import("../aws/connection.ts");
  const { cloudWatchSink } = await import("../aws/cloudwatch.ts");
  const client = connectCloudWatch(connecting, connection);
  const { namespace } = settingsOf(options).metrics;
  const metrics = Object.entries(counts).map(([name, value]) => ({ name, unit: "Count", value }) as const);
  await cloudWatchSink(client, namespace, connecting.requestTimeout * 4).publish(metrics, {
    Account: unit.account,
    Region: unit.region,
  });
}

/** Tells those whom `notify` names; what cannot be told is returned, and keeps nobody else from hearing it. */
export async function tellAudit(
  report: AuditReport,
  { notify, webhookFile }: Pick<AuditOrder, "notify" | "webhookFile">,
  options: Options,
): Promise<readonly Failure[]> {
  const { topic, on = "failure", ping } = (notify && settingsOf(options).notify) || {};
  const isWrong = wrongIn(report).length > 0;
  const ways: (() => Promise<void>)[] = [];
  if (topic !== undefined && (isWrong || on === "always"))
    ways.push(() => toTopic(topic, auditNotice(report, options.version), report.run, options));
  if (ping !== undefined)
    ways.push(async () => {
      const url = await urlOf(ping, options);
      const { run } = report;
      const address = pingAddress(url, isWrong ? "fail" : "success", { job: "sweep-audit", run });
      await send(address, auditNotice(report, options.version).text, undefined, options);
    });
  if (webhookFile !== undefined)
    ways.push(async () => {
      const { secretIn } = await import("../host/private-file.ts");
      const url = await secretIn(webhookFile, options.self.uid, "URL");
      const body = JSON.stringify(auditEvent(report, options.version));
      await send(URL.canParse(url) ? new URL(url) : undefined, body, "application/json", options);
    });
  const told = await Promise.allSettled(ways.map((way) => way()));
  return told.flatMap((one) => (one.status === "rejected" ? failureOf(one.reason, "tell of the audit") : []));
}

/** Tells the topic of the file, where it names one. */
export async function tellTopic(notice: Notice, run: string, options: Options): Promise<void> {
  const { topic } = settingsOf(options).notify ?? {};
  if (topic !== undefined) await toTopic(topic, notice, run, options);
}

async function toTopic(
  topic: string,
  notice: Notice,
  run: string,
  { loaded, self, version }: Options,
): Promise<void> {
  const { publishNotice } = await import("../aws/notice.ts");
  await publishNotice(topic, notice, {
    userAgent: [
      ["ec2-backup-agent", version],
      ["sweep", run],
    ],
    requestTimeout: requestTimeout(loaded),
    route: routeOf(self.env),
  });
}

const timeout = 10_000;

async function send(
  address: URL | undefined,
  body: string,
  contentType: string | undefined,
  { self }: Pick<Options, "self">,
): Promise<void> {
  const doing = "tell of the audit by its URL";
  if (address === undefined || !/^https?:$/.test(address.protocol))
    throw new BackupError({ kind: "configuration", doing, found: "it is no http:// or https:// URL" });
  const { ping } = await import("../host/ping.ts");
  await ping(address, body, { doing, timeout, env: self.env, ...(contentType && { contentType }) });
}
