import { Turns } from "../actions/turns.ts";
import type { OpenUnit } from "../aws/sweep-units.ts";
import { sweepSettingsOf } from "../config/sweep-settings.ts";
import { BackupError, failureOf } from "../core/errors.ts";
import type { Audit } from "../core/ports.ts";
import { type Problem, problemOf } from "../core/report.ts";
import type { Stanza } from "../core/stanzas.ts";
import { type SweepOrder, type SweepPart, settingsFor, sweepParts } from "../core/sweep-order.ts";
import type { UnitReport } from "../core/sweep-ports.ts";
import {
  didSomething,
  endOf,
  type SweepReport,
  type SweptUnit,
  type UnitSwept,
} from "../core/sweep-report.ts";
import type { SweepSettings } from "../core/sweep-settings.ts";
import { systemClock } from "../host/clock.ts";
import { alarmDeps, createDeps, listedOnce, type PartGround, pruneDeps, waitsOf } from "./sweep-parts.ts";
import { inEachUnit, openSweep, type SweepSession, type SweepTold, unitsTold } from "./sweep-session.ts";
import type { AgentOptions } from "./wish.ts";

export interface SweepOptions extends AgentOptions, Pick<SweepSession, "until"> {
  readonly tell: SweepTold;
  /** Where removals are recorded; absent: in a file of the state directory. */
  readonly audit?: Audit;
}

/** Does in all accounts and Regions what is wanted of them. */
export async function sweep(
  order: SweepOrder,
  options: SweepOptions,
  signal: AbortSignal,
): Promise<SweepReport> {
  // Whatever is wrong with what somebody wrote is told before anything is asked or done.
  const stanzas = await stanzasFor(order, options);
  const opened = await openSweep(order.scope, options, signal);
  const session = { ...opened, settings: settingsFor(order, opened.settings), stanzas };
  const told = unitsTold(session, options.tell);
  const turns = new Turns(systemClock);
  const reports = await inEachUnit(
    session,
    async (place, stop, until) => {
      const tell = told.at(place.unit);
      const swept = await sweepUnit(place, order, { session, options, tell, turns, until }, stop);
      if (swept.stops === undefined || order.dryRun) return swept;
      const { tellStops } = await import("./sweep-stops-tell.ts");
      const untold = await tellStops(place, session.run, swept, options);
      return { ...swept, problems: [...swept.problems, ...untold] };
    },
    signal,
    told.ended,
  );
  return { run: session.run, dryRun: order.dryRun, units: reports.map(sweptOf) };
}

async function stanzasFor(order: SweepOrder, { loaded }: SweepOptions): Promise<readonly Stanza[]> {
  if (loaded.ok === false) return [];
  const settings = sweepSettingsOf(loaded.ok === true ? loaded.file : undefined);
  const { stanzas } = settingsFor(order, settings);
  if (stanzas === undefined) return [];
  const { loadStanzas } = await import("../config/load-stanzas.ts");
  return loadStanzas(stanzas);
}

interface Ground {
  readonly session: SweepSession & { readonly stanzas: readonly Stanza[] };
  readonly options: SweepOptions;
  readonly tell: (what: string, share: number) => void;
  readonly turns: Turns;
  /** When this unit is ended, by the clock: of a function it has a share of the time only. */
  readonly until: number;
}

/** The parts that are asked for, or those that the configuration has. */
export function partsOf(
  { only }: Pick<SweepOrder, "only">,
  { alarms, creates, copies, stanzas }: Pick<SweepSettings, "alarms" | "creates" | "copies" | "stanzas">,
): readonly SweepPart[] {
  if (only.length > 0) return sweepParts.filter((part) => only.includes(part));
  const usual: Readonly<Record<SweepPart, boolean>> = {
    create: creates || stanzas !== undefined,
    prune: true,
    alarms: alarms.clean,
    copy: copies,
  };
  return sweepParts.filter((part) => usual[part]);
}

type Part = (order: SweepOrder, ground: PartGround, signal: AbortSignal) => Promise<UnitSwept>;

const parts: Readonly<Record<SweepPart, Part>> = {
  async create({ dryRun }, ground, signal) {
    const { sweepCreate } = await import("../actions/sweep-create.ts");
    const { stopsDeps } = await import("./sweep-stops.ts");
    const deps = await createDeps(ground, await stopsDeps(ground));
    const created = await sweepCreate(dryRun, deps, signal);
    const { create, problems } = created;
    if (!ground.settings.create.unattached || create === undefined || signal.aborted) return created;
    const { sweepVolumes } = await import("../actions/sweep-volumes.ts");
    const { volumeDeps } = await import("./sweep-volume-parts.ts");
    const waits = waitsOf(ground.options);
    const more = await sweepVolumes(dryRun, volumeDeps(ground, deps, waits), signal);
    return {
      ...created,
      create: { ...create, volumes: more.swept },
      problems: [...problems, ...more.problems],
    };
  },
  async prune(order, ground, signal) {
    const { sweepPrune } = await import("../actions/sweep-prune.ts");
    const { swept: prune, problems } = await sweepPrune(order, pruneDeps(ground), signal);
    return { prune, problems };
  },
  async alarms({ dryRun }, ground, signal) {
    const { sweepAlarms } = await import("../actions/sweep-alarms.ts");
    const { swept: alarms, problems } = await sweepAlarms(dryRun, await alarmDeps(ground, signal), signal);
    return { alarms, problems };
  },
  async copy(order, ground, signal) {
    const { sweepCopy } = await import("../actions/sweep-copy.ts");
    const { copyDeps } = await import("./sweep-copy-parts.ts");
    const { swept: copy, problems } = await sweepCopy(order.dryRun, await copyDeps(order, ground), signal);
    return { copy, problems };
  },
};

const resumed: Part = async ({ dryRun }, ground, signal) => {
  const { resumeStops } = await import("./sweep-stops.ts");
  return resumeStops(ground, dryRun, signal);
};

/** One part that fails keeps no other from its turn, and one that is told to stop takes nothing away from what is done. */
async function sweepUnit(
  place: OpenUnit,
  order: SweepOrder,
  { session, options, tell, turns, until }: Ground,
  signal: AbortSignal,
): Promise<UnitSwept> {
  const { sweepPoints } = await import("../engines/sweep-points.ts");
  const { run, settings, stanzas } = session;
  const wanted = partsOf(order, settings);
  const asking = wanted.filter((part) => part !== "alarms").length;
  const ec2 = listedOnce(sweepPoints(place.connection, place.unit), asking);
  const units = new Set(session.units.open.map(({ unit }) => unit.id));
  const leftOver = (id: string) => wanted.includes("prune") && !units.has(id);
  const ground = { place, ec2, run, settings, options, turns, leftOver, until, stanzas };
  const problems: Problem[] = [];
  let done: Omit<UnitSwept, "problems"> = {};
  // An instance that a sweep has stopped and left is started by every sweep, whatever else it does.
  const works: (SweepPart | "stops")[] = wanted.includes("create") ? [...wanted] : ["stops", ...wanted];
  for (const [index, part] of works.entries()) {
    if (signal.aborted) break;
    const told = (what: string, share = 0) => tell(what, (index + share) / works.length);
    try {
      const { problems: more, ...swept } = await (part === "stops" ? resumed : parts[part])(
        order,
        { ...ground, tell: told },
        signal,
      );
      done = { ...done, ...swept };
      problems.push(...more);
    } catch (error) {
      const isStopped = error instanceof BackupError && error.kind === "interrupted";
      if (isStopped && problems.length + Object.keys(done).length === 0) throw error;
      const problem = problemOf("error", failureOf(error, `sweep ${place.unit.id} (${part})`));
      // What keeps a unit out of reach is told once, not by each part.
      if (!problems.some(({ found }) => found === problem.found)) problems.push(problem);
    }
  }
  return { ...done, problems };
}

function sweptOf({ unit, outcome, ms, result, failure }: UnitReport<UnitSwept>): SweptUnit {
  const problems = [
    ...(result?.problems ?? []),
    ...(failure === undefined ? [] : [problemOf("error", failure)]),
  ];
  const ended = outcome === "done" ? endOf(problems, didSomething(result)) : outcome;
  return { unit, outcome: ended, ms, ...result, problems };
}
