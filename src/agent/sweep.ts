import type { SweepAlarmDeps } from "../actions/sweep-alarms.ts";
import type { SweepPruneDeps } from "../actions/sweep-prune-deps.ts";
import type { OpenUnit } from "../aws/sweep-units.ts";
import type { Audit } from "../core/ports.ts";
import { type Problem, problemOf } from "../core/report.ts";
import { type SweepOrder, type SweepPart, sweepParts } from "../core/sweep-order.ts";
import type { SweepUnit, UnitReport } from "../core/sweep-ports.ts";
import { endOf, type SweepReport, type SweptUnit, totalsOf, type UnitSwept } from "../core/sweep-report.ts";
import type { SweepSettings } from "../core/sweep-settings.ts";
import { appendLine } from "../host/atomic-file.ts";
import { systemClock } from "../host/clock.ts";
import { inEachUnit, openSweep, type SweepSession } from "./sweep-session.ts";
import type { AgentOptions } from "./wish.ts";

/** How far a sweep is. `unit` is absent where it is of all of them. */
export type SweepTold = (told: {
  readonly ended: number;
  readonly units: number;
  readonly unit?: SweepUnit;
  readonly what?: string;
}) => void;

export interface SweepOptions extends AgentOptions {
  readonly tell: SweepTold;
}

/** Does in all accounts and Regions what is wanted of them. */
export async function sweep(
  order: SweepOrder,
  options: SweepOptions,
  signal: AbortSignal,
): Promise<SweepReport> {
  const session = await openSweep(order.scope, options, signal);
  const units = session.units.open.length + session.units.lost.length;
  let ended = 0;
  const reports = await inEachUnit(
    session,
    (place, stop) => {
      const tell = (what: string) => options.tell({ ended, units, unit: place.unit, what });
      return sweepUnit(place, order, { session, options, tell }, stop);
    },
    signal,
    () => {
      ended += 1;
      options.tell({ ended, units });
    },
  );
  return { run: session.run, dryRun: order.dryRun, units: reports.map(sweptOf) };
}

interface Ground {
  readonly session: SweepSession;
  readonly options: SweepOptions;
  readonly tell: (what: string) => void;
}

/** The parts that are asked for, or those that the configuration does not switch off. */
export function partsOf({ only }: Pick<SweepOrder, "only">, { alarms }: SweepSettings): readonly SweepPart[] {
  if (only.length > 0) return sweepParts.filter((part) => only.includes(part));
  return sweepParts.filter((part) => part !== "alarms" || alarms.clean);
}

async function sweepUnit(
  place: OpenUnit,
  order: SweepOrder,
  ground: Ground,
  signal: AbortSignal,
): Promise<UnitSwept> {
  const parts = partsOf(order, ground.session.settings);
  const problems: Problem[] = [];
  let done: Omit<UnitSwept, "problems"> = {};
  if (parts.includes("prune")) {
    const { sweepPrune } = await import("../actions/sweep-prune.ts");
    const { swept, problems: more } = await sweepPrune(order, await pruneDeps(place, ground), signal);
    done = { ...done, prune: swept };
    problems.push(...more);
  }
  if (parts.includes("alarms") && !signal.aborted) {
    const { sweepAlarms } = await import("../actions/sweep-alarms.ts");
    const { swept, problems: more } = await sweepAlarms(order.dryRun, await alarmDeps(place, signal), signal);
    done = { ...done, alarms: swept };
    problems.push(...more);
  }
  return { ...done, problems };
}

async function alarmDeps(
  { unit, connection, connecting }: OpenUnit,
  signal: AbortSignal,
): Promise<SweepAlarmDeps> {
  const { cloudWatchAlarms } = await import("../aws/alarms.ts");
  const { connectCloudWatch } = await import("../aws/connection.ts");
  const { livingInstances } = await import("../aws/living-instances.ts");
  const { listInstances } = await import("../aws/sweep-listing.ts");
  const client = connectCloudWatch(connecting, connection);
  return {
    alarms: cloudWatchAlarms(client, connecting.requestTimeout * 4, signal),
    living: livingInstances(connection, signal),
    instances: () => listInstances(connection, unit, signal),
    clock: systemClock,
  };
}

async function pruneDeps(place: OpenUnit, { session, options, tell }: Ground): Promise<SweepPruneDeps> {
  const { sweepPoints } = await import("../engines/sweep-points.ts");
  const { taggedRules } = await import("../config/tagged-rules.ts");
  return {
    unit: place.unit,
    ec2: sweepPoints(place.connection, place.unit),
    clock: systemClock,
    log: options.log,
    audit: auditIn(options.stateDirectory),
    run: session.run,
    rules: session.settings.prune,
    taggedRules,
    tell: (what, done, of) =>
      tell(of === undefined ? `${done} snapshots ${what}` : `${done} of ${of} points ${what}`),
  };
}

/** The record of removals is of this host, like that of its own runs. */
function auditIn(stateDirectory: string): Audit {
  return { append: (line) => appendLine(`${stateDirectory}/removals.jsonl`, JSON.stringify(line)) };
}

function sweptOf({ unit, outcome, ms, result, failure }: UnitReport<UnitSwept>): SweptUnit {
  const problems = [
    ...(result?.problems ?? []),
    ...(failure === undefined ? [] : [problemOf("error", failure)]),
  ];
  const ended = outcome === "done" ? endOf(problems, didSomething(result)) : outcome;
  return { unit, outcome: ended, ms, ...result, problems };
}

function didSomething(result: UnitSwept | undefined): boolean {
  const { prune, alarms } = result ?? {};
  if (alarms !== undefined && alarms.removed.length + alarms.muted.length + alarms.woken.length > 0)
    return true;
  if (prune === undefined) return false;
  const { removed, marked, unmarked } = totalsOf(prune);
  return removed + marked + unmarked > 0;
}
