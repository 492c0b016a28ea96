import type { FailedCopy } from "./copy-report.ts";
import { exitCodeOfKinds, exitCodes, type Problem } from "./report.ts";
import { outcomeOf, type SweepUnit, type UnitOutcome } from "./sweep-ports.ts";

/** One series of which something was or would be removed, or of which nobody may say what is to go. */
export interface SeriesSwept {
  readonly series: string;
  readonly points: number;
  readonly kept: number;
  /** Ids of points. Of a dry run those that would go. */
  readonly removed: readonly string[];
  readonly marked: readonly string[];
  readonly unmarked: readonly string[];
  readonly waiting: number;
  readonly postponed: number;
  /** Given up, and held by an image, a lock or another service. */
  readonly held: number;
  /** Given up, and without a policy that can be read. */
  readonly silent: number;
  /** Of those removed or marked: the last of what is gone. */
  readonly expired: number;
  readonly left?: string;
}

/** What the pruner did in a unit. */
export interface PruneSwept {
  /** EC2's clock, which the decisions went by. */
  readonly asOf: string;
  readonly series: number;
  readonly points: number;
  readonly snapshots: number;
  readonly removedSnapshots: number;
  /** Of series without any of it nothing is said. */
  readonly details: readonly SeriesSwept[];
}

/**
 * An instance that was overdue. `recent`: somebody else has captured it meanwhile; `claimed`: another sweep is about to, or was
 * and died; `overdue`: of a dry run; `others`: another sweep is about to stop it; `left`: there was no time to stop it.
 */
export interface InstanceCaptured {
  readonly instance: string;
  readonly name?: string;
  readonly job: string;
  /** Its newest point until now, ISO 8601; absent where it had none. */
  readonly last?: string;
  readonly outcome: "created" | "recent" | "claimed" | "failed" | "overdue" | "others" | "left";
  readonly point?: string;
  /** Of a dry run: it would be stopped for it. */
  readonly stops?: boolean;
  /** Why it was captured as it ran, where it was to be stopped for it. */
  readonly notStopped?: string;
  /** Milliseconds from the request to stop until it ran again. */
  readonly offFor?: number;
}

/** Instances that sweeps have stopped for their captures, by their ids. Of a dry run: what would become of them. */
export interface StopsSwept {
  /** Started again for a sweep that is gone. */
  readonly started: readonly string[];
  /** They run, or others have stopped them: the tags were taken off. */
  readonly cleared: readonly string[];
  /** Another sweep is about them. */
  readonly left: readonly string[];
  /** They do not run again. */
  readonly down: readonly string[];
}

/** A volume without an instance that was overdue; the words are those of instances. */
export interface VolumeCaptured extends Omit<InstanceCaptured, "instance" | "job"> {
  readonly volume: string;
}

/** What the creator did in a unit. */
export interface CreateSwept {
  readonly asOf: string;
  /** Instances that are there. */
  readonly instances: number;
  readonly captured: readonly InstanceCaptured[];
  /** Absent where nobody asked for them. */
  readonly volumes?: readonly VolumeCaptured[];
}

/** What became of alarms, by their names. Of a dry run: what would. */
export interface AlarmsSwept {
  readonly found: number;
  readonly removed: readonly string[];
  readonly muted: readonly string[];
  readonly woken: readonly string[];
  /** Of running instances, and disabled by somebody else. */
  readonly disabled: readonly string[];
}

/** What the copier did into one Region; of a dry run, what it would do. */
export interface DestinationSwept {
  readonly region: string;
  /** EC2's clock there; absent where the Region could not be asked. */
  readonly asOf?: string;
  /** Series that are copied there. */
  readonly series: number;
  readonly begun: readonly {
    readonly series: string;
    readonly point: string;
    readonly source: string;
    readonly copy?: string;
  }[];
  /** Snapshots that are due and have no room yet, or of which it was not tried. */
  readonly waiting: number;
  /** Points that their own agents are to copy by their next run. */
  readonly leftToAgents: number;
  /** Points that cannot be copied, by the reason. */
  readonly left: readonly { readonly because: string; readonly points: number }[];
  readonly failed: readonly (FailedCopy & { readonly series: string })[];
  readonly cleared: readonly { readonly snapshot: string; readonly because: string }[];
  /** Age of the oldest point that is wanted there and is not whole there; 0 if there is none. */
  readonly lagSeconds?: number;
  /** Another sweep is at work there, so that this one has gone no further. */
  readonly yielded?: true;
  /** What was removed there, where that Region is no unit of this sweep. */
  readonly prune?: PruneSwept;
}

/** What the copier did in a unit. */
export interface CopySwept {
  readonly asOf: string;
  readonly destinations: readonly DestinationSwept[];
}

/** What one sweep did in one unit. */
export interface UnitSwept {
  readonly create?: CreateSwept;
  readonly stops?: StopsSwept;
  readonly alarms?: AlarmsSwept;
  readonly prune?: PruneSwept;
  readonly copy?: CopySwept;
  readonly problems: readonly Problem[];
}

/** A unit of a sweep as it is printed. */
export interface SweptUnit extends UnitSwept {
  readonly unit: SweepUnit;
  readonly outcome: UnitOutcome;
  /** Milliseconds. */
  readonly ms: number;
}

export interface SweepReport {
  readonly run: string;
  readonly dryRun: boolean;
  readonly units: readonly SweptUnit[];
}

export const totalsOf = (swept: PruneSwept) => {
  const sum = (of: (one: SeriesSwept) => number) => swept.details.reduce((total, one) => total + of(one), 0);
  return {
    removed: sum(({ removed }) => removed.length),
    marked: sum(({ marked }) => marked.length),
    unmarked: sum(({ unmarked }) => unmarked.length),
    waiting: sum(({ waiting }) => waiting),
    postponed: sum(({ postponed }) => postponed),
    held: sum(({ held }) => held),
    silent: sum(({ silent }) => silent),
    expired: sum(({ expired }) => expired),
    left: swept.details.filter(({ left }) => left !== undefined).length,
  };
};

/** Whether anything is other than before. */
export function didSomething(swept: Omit<UnitSwept, "problems"> | undefined): boolean {
  const { prune, alarms, create, copy, stops } = swept ?? {};
  if (stops !== undefined && stops.started.length + stops.cleared.length > 0) return true;
  if (copy?.destinations.some(copiedSomething)) return true;
  const captured = [...(create?.captured ?? []), ...(create?.volumes ?? [])];
  if (captured.some(({ outcome }) => outcome === "created")) return true;
  if (alarms !== undefined && [alarms.removed, alarms.muted, alarms.woken].some((list) => list.length > 0))
    return true;
  return prune !== undefined && prunedSomething(prune);
}

function prunedSomething(prune: PruneSwept): boolean {
  const { removed, marked, unmarked } = totalsOf(prune);
  return removed + marked + unmarked > 0;
}

/** A Region in which nothing was left to do counts as done. */
function copiedSomething(one: CopySwept["destinations"][number]): boolean {
  if (one.begun.length + one.cleared.length > 0) return true;
  if (one.asOf !== undefined && one.waiting === 0) return true;
  return one.prune !== undefined && prunedSomething(one.prune);
}

/** How a unit ended, seen that its work came to an end: with errors it is what they agree on. */
export function endOf(problems: readonly Problem[], didSomething: boolean): UnitOutcome {
  const kinds = problems.filter(({ severity }) => severity === "error").map(({ kind }) => kind);
  const [first] = kinds;
  if (first === undefined) return "done";
  if (didSomething) return "partly";
  return kinds.every((kind) => kind === first) ? outcomeOf(first) : "failed";
}

/** 0 = all done; 1 = something done and anything wrong; else the code that all causes agree on, or 2. */
export function exitCodeOfSweep({ units }: Pick<SweepReport, "units">): number {
  const errors = units.flatMap(({ problems }) => problems.filter(({ severity }) => severity === "error"));
  if (errors.length === 0)
    return units.every(({ outcome }) => outcome === "done") ? exitCodes.done : exitCodes.partlyDone;
  const some = (one: SweptUnit) => one.outcome === "done" || one.outcome === "partly" || didSomething(one);
  if (units.some(some)) return exitCodes.partlyDone;
  return exitCodeOfKinds(errors.map(({ kind }) => kind));
}
