import { fleetAlarms } from "../actions/fleet-alarms.ts";
import { cloudWatchAlarms } from "../aws/alarms.ts";
import { connectCloudWatch } from "../aws/connection.ts";
import type { OpenUnit } from "../aws/sweep-units.ts";
import { snsTopics } from "../aws/topic.ts";
import { connectSns } from "../aws/topic-attributes.ts";
import { alarmSettingsOf } from "../config/alarm-settings.ts";
import { resolve } from "../config/resolve.ts";
import type { FleetOrder, FleetReport, FleetUnit } from "../core/fleet-report.ts";
import { partitionOf } from "../core/policy-fill.ts";
import { systemClock } from "../host/clock.ts";
import type { SweepOptions } from "./sweep.ts";
import { inEachUnit, openSweep, unitsTold } from "./sweep-session.ts";

/** Milliseconds between two changes: CloudWatch takes three a second of an account. */
const pause = 400;

/** The alarms of each account and Region: what is, what should be, and makes it so where that is wanted. */
export async function fleetAlarmsIn(
  order: FleetOrder,
  options: SweepOptions,
  signal: AbortSignal,
): Promise<FleetReport> {
  const session = await openSweep(order.scope, options, signal);
  const file = options.loaded.ok === true ? options.loaded.file : undefined;
  const settings = alarmSettingsOf(file);
  const { namespace } = resolve({ file, tags: {} }).settings.metrics;
  const inUnit = async (
    { unit, connection, connecting }: OpenUnit,
    stop: AbortSignal,
  ): Promise<FleetUnit> => {
    const timeout = connecting.requestTimeout;
    const { account, region } = unit;
    const place = { partition: partitionOf(region), region, account };
    const { auditEvery } = order;
    const { stop: stops } = session.settings.create;
    const often = auditEvery === undefined ? {} : { auditEvery };
    const request = { unit, place, settings, namespace, stops, ...often };
    return fleetAlarms(order, request, {
      alarms: cloudWatchAlarms(connectCloudWatch(connecting, connection), timeout * 2, stop),
      topics: snsTopics(connectSns(connecting, connection.ec2.config.credentials), timeout, stop),
      clock: systemClock,
      pause,
      signal: stop,
    });
  };
  const reports = await inEachUnit(session, inUnit, signal, unitsTold(session, options.tell).ended);
  const { verb, dryRun } = order;
  return { run: session.run, verb, dryRun, prices: settings.prices, units: reports };
}
