import { drillsOf } from "../config/drill-settings.ts";
import { type Drill, type DrillSubject, subjectKey, subjectsOf } from "../core/drill.ts";
import type { DrillHost } from "../core/drill-ports.ts";
import { type DrillReport, type DrillState, isTold, withReports } from "../core/drill-report.ts";
import { BackupError, failureOf } from "../core/errors.ts";
import type { Undone } from "../core/restore-result.ts";
import { drillHost } from "../host/drill-host.ts";
import { drillStates } from "../host/drill-state.ts";
import { clearLeftovers, drillDirectory } from "./drill-leftovers.ts";
import { type DrillRound, drillSubject, undrilled } from "./drill-subject.ts";
import { type DrillListeners, drillListeners } from "./drill-tell.ts";
import { alone } from "./restore.ts";
import { choose, type FoundPoints, findPoints } from "./restore-points.ts";
import { openRestore, type RestoreOptions, type RestoreSession } from "./restore-session.ts";
import { concealing } from "./tell.ts";
import { faultyConfiguration } from "./unusable-wish.ts";

/** What `drill` is asked for. */
export interface DrillsOrder {
  /** By name; none = all. */
  readonly drills: readonly string[];
  /** This point in place of the newest complete ones. */
  readonly point?: string;
  readonly trigger: DrillReport["trigger"];
  readonly slot?: string;
  /** Only what would be done. */
  readonly planned: boolean;
}

export interface DrillsAnswer {
  readonly reports: readonly DrillReport[];
  /** What earlier drills and restores had left. */
  readonly removed: readonly Undone[];
}

/** Drills the points of the drills that were asked for, one after the other. */
export async function drilled(
  order: DrillsOrder,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<DrillsAnswer> {
  const session = await openRestore(options, signal);
  const { loaded } = options;
  if (loaded.ok === false) throw faultyConfiguration(session.opened.force.problems);
  const wanted = chosen(drillsOf(loaded.ok === true ? loaded.file : undefined), order.drills);
  if (order.point !== undefined && wanted.length > 1) throw severalForOnePoint(wanted);
  if (order.planned) return { reports: await drillAll(wanted, order, session, options, signal), removed: [] };
  return alone(options, async () => {
    const removed = await clearLeftovers(session, options, false, signal);
    return { reports: await drillAll(wanted, order, session, options, signal), removed };
  });
}

function chosen(drills: readonly Drill[], names: readonly string[]): readonly Drill[] {
  const doing = names.length === 0 ? "drill" : `drill ${names.join(", ")}`;
  if (drills.length === 0)
    throw new BackupError({
      kind: "configuration",
      doing,
      found: "the configuration names no drill",
      remedy: 'add one, such as drill: { weekly: { schedule: "30 5 * * 0" } }',
    });
  const unknown = names.filter((name) => !drills.some((drill) => drill.name === name));
  if (unknown.length > 0)
    throw new BackupError({
      kind: "usage",
      doing,
      found: `the configuration has no drill ${unknown.join(", ")}`,
      remedy: `its drills are ${drills.map(({ name }) => name).join(", ")}`,
    });
  return names.length === 0 ? drills : drills.filter(({ name }) => names.includes(name));
}

function severalForOnePoint(drills: readonly Drill[]): BackupError {
  return new BackupError({
    kind: "usage",
    doing: "drill one point",
    found: `there are several drills: ${drills.map(({ name }) => name).join(", ")}`,
    remedy: "name the one whose checks are meant",
  });
}

async function drillAll(
  drills: readonly Drill[],
  order: DrillsOrder,
  session: RestoreSession,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<readonly DrillReport[]> {
  const reports: DrillReport[] = [];
  for (const drill of drills) {
    if (signal.aborted) break;
    const listeners = drillListeners(session, drill, options, signal);
    reports.push(...(await drillOne(drill, order, { session, options, listeners }, signal)));
  }
  return reports;
}

interface Ground {
  readonly session: RestoreSession;
  readonly options: RestoreOptions;
  readonly listeners: DrillListeners;
}

async function drillOne(
  drill: Drill,
  order: DrillsOrder,
  { session, options, listeners }: Ground,
  signal: AbortSignal,
): Promise<readonly DrillReport[]> {
  const { trigger, slot, planned, point } = order;
  const { opened } = session;
  const round: DrillRound = {
    run: opened.session.run,
    trigger,
    ...(slot === undefined ? {} : { slot }),
    planned,
    session,
    deps: { ...session.deps, host: drillHost(commandOf(options)) },
    directory: drillDirectory(options),
  };
  const states = drillStates(options.stateDirectory, opened.session.identity.instanceId);
  let state: DrillState | undefined = await states.read(drill.name);
  const done: { key: string; subject: DrillSubject; listed: boolean; report: DrillReport }[] = [];
  const conceal = concealing(opened.force.jobs, options);
  for await (const { subject, found, failure } of subjects(drill, point, session, signal)) {
    if (signal.aborted) break;
    const report =
      found === undefined
        ? undrilled(subject, drill, failureOf(failure, `drill ${drill.name}`), round)
        : await drillSubject(subject, drill, found, round, signal);
    const plain = concealed(report, conceal);
    const key = subjectKey(subject);
    for (const problem of plain.problems)
      options.log(levels[problem.severity], `${problem.doing}: ${problem.found}`);
    const deaf = await listeners.tell(plain, state?.subjects[key]?.lastGood);
    const listed = found !== undefined;
    done.push({ key, subject, listed, report: { ...plain, problems: [...plain.problems, ...deaf] } });
    if (planned || !listed || !isTold(plain)) continue;
    state = withReports(state, drill.name, [{ key, subject, report: plain }], { whole: false });
    await states.write(state);
  }
  if (planned) return done.map(({ report }) => report);
  // Of what could not even be listed nobody knows what it holds: what is remembered of it stays.
  const told = done.filter(({ report, listed }) => listed && isTold(report));
  const whole = point === undefined && told.length === done.length && !signal.aborted;
  // One that was told to stop has not drilled all: the daemon makes up for it.
  const served = signal.aborted || slot === undefined ? {} : { slot };
  const after = withReports(state, drill.name, told, { whole, ...served });
  const heard = await listeners.tellAge(after);
  await states.write(heard ? { ...after, told: session.deps.clock.now().toISOString() } : after);
  return done.map(({ report }) => report);
}

const levels = { error: "error", warning: "warn", notice: "info" } as const;

/** What is to be drilled, with the listing that it is of; a source that cannot be listed is told by its failure. */
async function* subjects(
  drill: Drill,
  point: string | undefined,
  session: RestoreSession,
  signal: AbortSignal,
): AsyncGenerator<{ subject: DrillSubject; found?: FoundPoints; failure?: unknown }> {
  const sources = drill.of.length === 0 ? [undefined] : drill.of;
  let met = false;
  for (const of of sources) {
    const nothing = {
      ...(of === undefined ? {} : { of }),
      job: drill.jobs.length === 1 ? (drill.jobs[0] ?? "") : "all",
    };
    let found: FoundPoints;
    try {
      const query = {
        jobs: [],
        tags: [],
        ...(of === undefined ? {} : { instance: of }),
        ...(point && { point }),
      };
      found = await findPoints(query, session, signal);
    } catch (failure) {
      yield { subject: nothing, failure };
      continue;
    }
    if (point !== undefined) {
      if (found.points.length === 0) continue;
      met = true;
      const { point: named } = choose(found);
      yield { subject: { ...nothing, job: named.job, point: named }, found };
      continue;
    }
    const all = subjectsOf(found.points, drill.jobs, of);
    for (const subject of all.length === 0 ? [nothing] : all) yield { subject, found };
  }
  if (point === undefined || met) return;
  throw new BackupError({
    kind: "not-found",
    doing: `drill point ${point}`,
    found: `no source of drill ${drill.name} has such a point`,
    remedy: "see `ec2-backup restore list`",
  });
}

function concealed(report: DrillReport, conceal: (text: string) => string): DrillReport {
  const clean = (_: string, value: unknown) => (typeof value === "string" ? conceal(value) : value);
  return JSON.parse(JSON.stringify(report), clean) as DrillReport;
}

/** Only a drill that has a program of the user loads what runs it. */
function commandOf({ self }: RestoreOptions): DrillHost["command"] {
  return async (command, facts, signal) => {
    const { checkCommand } = await import("../hooks/check-command.ts");
    return checkCommand(command, facts, self, signal);
  };
}
