import { pace } from "../actions/pace.ts";
import { listAllSnapshots, listVolumes } from "../aws/audit-listing.ts";
import { listInstances } from "../aws/sweep-listing.ts";
import type { OpenUnit } from "../aws/sweep-units.ts";
import { tagResources } from "../aws/tag-resources.ts";
import { type Adoption, type AdoptionWish, planAdoption } from "../core/adopt.ts";
import type { AdoptReport, UnitAdopted } from "../core/adopt-report.ts";
import { failureOf, interrupted } from "../core/errors.ts";
import type { ForeignTool } from "../core/foreign-tools.ts";
import { partitionOf } from "../core/policy-fill.ts";
import { type Problem, problemOf } from "../core/report.ts";
import type { RetentionPolicy } from "../core/retention-policy.ts";
import type { ScopeWish } from "../core/sweep-order.ts";
import { systemClock } from "../host/clock.ts";
import type { SweepOptions } from "./sweep.ts";
import { inEachUnit, openSweep, unitsTold } from "./sweep-session.ts";

export interface AdoptOrder {
  readonly scope: ScopeWish;
  readonly tool: ForeignTool;
  readonly retention?: Pick<RetentionPolicy, "counts" | "within">;
  /** Write the tags; else nothing is changed. */
  readonly yes: boolean;
}

/** EC2 takes 10 CreateTags a second of an account, and agents mark their points, too. */
const perSecond = 5;

/** Takes over in all accounts and Regions what a tool has made. Nothing is removed. */
export async function adopt(
  order: AdoptOrder,
  options: SweepOptions,
  signal: AbortSignal,
): Promise<AdoptReport> {
  const session = await openSweep(order.scope, options, signal);
  const { tool, retention } = order;
  const wish = { tool, run: session.run, version: options.version, ...(retention && { retention }) };
  const told = unitsTold(session, options.tell);
  const reports = await inEachUnit(
    session,
    (place, stop) => adoptUnit(place, wish, order.yes, told.at(place.unit), stop),
    signal,
    told.ended,
  );
  return { run: session.run, from: tool.id, written: order.yes, units: reports };
}

async function adoptUnit(
  { unit, connection }: OpenUnit,
  wish: AdoptionWish,
  yes: boolean,
  tell: (what: string, share?: number) => void,
  signal: AbortSignal,
): Promise<UnitAdopted> {
  const listed = await listAllSnapshots(connection, signal, (seen) => tell(`${seen} snapshots listed`));
  const volumes = await listVolumes(connection, signal);
  const instances = await listInstances(connection, unit, signal);
  const ground = { unit, partition: partitionOf(unit.region), instances, volumes, foreign: listed.foreign };
  const plan = planAdoption(ground, wish);
  if (!yes) return { plan, adopted: [], problems: [] };
  const all = plan.adopt.length;
  const told = (done: number) => tell(`${done} of ${all} snapshots tagged`, done / all);
  const tag = ({ snapshot, tags }: Adoption) => tagResources(connection, [snapshot], tags, signal);
  return { plan, ...(await written(plan.adopt, tag, told, signal)) };
}

/** One after the other: whoever is interrupted goes on where it ended, since what has tags is no other tool's any more. */
async function written(
  adoptions: readonly Adoption[],
  tag: (one: Adoption) => Promise<void>,
  told: (done: number) => void,
  signal: AbortSignal,
): Promise<Omit<UnitAdopted, "plan">> {
  const turns = pace(perSecond, systemClock);
  const adopted: string[] = [];
  const problems: Problem[] = [];
  for (const one of adoptions) {
    await turns.turn(signal);
    if (signal.aborted) {
      problems.push(problemOf("error", interrupted("tag the snapshots", "the sweep")));
      break;
    }
    try {
      await tag(one);
      adopted.push(one.snapshot);
    } catch (error) {
      const failure = failureOf(error, `tag ${one.snapshot}`);
      problems.push(problemOf("error", failure));
      if (failure.kind === "denied") break;
      if (failure.kind === "throttled") turns.slower();
    }
    told(adopted.length);
  }
  return { adopted, problems };
}
