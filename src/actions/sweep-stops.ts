import { type Failure, failureOf, interrupted } from "../core/errors.ts";
import type { Overdue } from "../core/sweep-create.ts";
import type { SweepInstance } from "../core/sweep-ports.ts";
import type { InstanceCaptured, StopsSwept } from "../core/sweep-report.ts";
import { readIntents } from "../core/sweep-stop.ts";
import { resumeStopped } from "./sweep-restart.ts";
import { type ReadyCapture, refusal, type StopDeps, stopAndCapture } from "./sweep-stop.ts";

export interface SweepStopsDeps extends StopDeps {
  /** Whether file and tags together want an instance stopped for its capture. */
  readonly wanted: (instance: SweepInstance) => boolean;
  /** Whether anything may be stopped in this sweep; then it tells that nothing is off as well. */
  readonly enabled: boolean;
  /** Milliseconds until the unit must end. */
  readonly left: () => number;
}

/** What became of stops in a unit, while it becomes. */
export interface Stops {
  readonly swept: { [K in keyof StopsSwept]: string[] } | undefined;
  /** Instances that are not to be captured otherwise. */
  readonly touched: ReadonlySet<string>;
  readonly failures: Failure[];
  readonly captured: (Omit<InstanceCaptured, "instance" | "job" | "name" | "last"> & {
    readonly of: Overdue;
  })[];
}

/** Starts what a sweep has stopped that is gone by now; nothing is told where nothing is or could be stopped. */
export async function stopsOf(
  instances: readonly SweepInstance[],
  deps: SweepStopsDeps,
  dryRun: boolean,
  signal: AbortSignal,
  before?: (id: string) => Promise<void>,
): Promise<Stops> {
  const bearing = instances
    .filter((one) => one.state !== "terminated" && readIntents(one).length > 0)
    .map(({ id }) => id);
  const { swept, failures } = await resumeStopped(bearing, deps, dryRun, signal, before);
  const told = bearing.length > 0 || deps.enabled;
  const { started, cleared, left, down } = swept;
  return {
    swept: told
      ? { started: [...started], cleared: [...cleared], left: [...left], down: [...down] }
      : undefined,
    // One whose tag is cleared runs, and is like any other.
    touched: new Set(bearing.filter((id) => !cleared.includes(id))),
    failures: [...failures],
    captured: [],
  };
}

/** Those that may be stopped, and those that are captured as they run, with the reason. Costs questions only. */
export interface JudgedStops {
  readonly allowed: readonly Overdue[];
  readonly refused: readonly { readonly of: Overdue; readonly why: string; readonly failure?: Failure }[];
}

export async function judgeStops(
  overdue: readonly Overdue[],
  stops: Stops,
  deps: SweepStopsDeps,
  signal: AbortSignal,
): Promise<JudgedStops> {
  const allowed: Overdue[] = [];
  const refused: JudgedStops["refused"][number][] = [];
  for (const of of overdue) {
    if (signal.aborted) break;
    const { id } = of.instance;
    try {
      const { why, failure } = await refusal(await deps.power.look(id, signal), deps, signal);
      if (why === undefined) allowed.push(of);
      else refused.push({ of, why, ...(failure && { failure }) });
    } catch (error) {
      stops.failures.push(failureOf(error, `stop ${id} for its capture`));
      stops.captured.push({ of, outcome: "failed" });
    }
  }
  return { allowed, refused };
}

/** Tells of what was captured without being stopped why that is. */
export function withReasons(
  captured: readonly InstanceCaptured[],
  { refused }: JudgedStops,
  { failures }: Stops,
): InstanceCaptured[] {
  const reasons = new Map(refused.map((one) => [one.of.instance.id, one]));
  return captured.map((one) => {
    const reason = reasons.get(one.instance);
    if (reason === undefined || (one.outcome !== "created" && one.outcome !== "overdue")) return one;
    const { why, failure } = reason;
    if (one.outcome === "created") failures.push(failure ?? asItRan(one.instance, why));
    return { ...one, notStopped: why };
  });
}

/**
 * Captures instances that are stopped for it, one after the other, and none after one that has not come up again: what
 * keeps one down may keep others down.
 */
export async function captureStopped(
  overdue: readonly Overdue[],
  stops: Stops,
  ready: (one: Overdue) => Promise<ReadyCapture>,
  deps: SweepStopsDeps,
  signal: AbortSignal,
): Promise<void> {
  const { captured, failures } = stops;
  for (const one of overdue) {
    const { id } = one.instance;
    if (signal.aborted) {
      failures.push(interrupted("stop instances for their captures", "the sweep"));
      return;
    }
    try {
      captured.push({ of: one, ...(await captureOne(one, stops, ready, deps, signal)) });
    } catch (error) {
      failures.push(failureOf(error, `capture ${id}`));
      captured.push({ of: one, outcome: "failed" });
    }
  }
}

type Became = Omit<Stops["captured"][number], "of">;

async function captureOne(
  one: Overdue,
  { swept, failures }: Stops,
  ready: (one: Overdue) => Promise<ReadyCapture>,
  deps: SweepStopsDeps,
  signal: AbortSignal,
): Promise<Became> {
  const { stopFor, startFor } = deps.waits;
  const { id } = one.instance;
  if (swept !== undefined && swept.down.length > 0) {
    const capture = await ready(one);
    if (await capture.isRecent()) return { outcome: "recent" };
    const notStopped = `${swept.down[0]}, which a sweep had stopped, does not run again`;
    failures.push(asItRan(id, notStopped));
    return { outcome: "created", point: (await capture.capture()).id, notStopped };
  }
  // Better none than one that is off when the sweep has to end.
  if (deps.left() < stopFor + startFor) return { outcome: "left" };
  const { failures: more, down, ...became } = await stopAndCapture(id, await ready(one), deps, signal);
  failures.push(...more);
  if (down === true) swept?.down.push(id);
  if (became.notStopped !== undefined && more.length === 0) failures.push(asItRan(id, became.notStopped));
  return became;
}

/** Less than was asked for. */
function asItRan(id: string, found: string): Failure {
  return {
    kind: "refused",
    doing: `stop ${id} for its capture`,
    found,
    remedy:
      "it was captured as it ran, as after a power failure; take its tag Backup_Stop off if that will do",
    code: "NotStopped",
  };
}
