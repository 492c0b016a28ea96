import { BackupError, failureOf } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { outcomeOf, type SweepScope, type SweepUnit, shareOf, type UnitReport } from "../core/sweep-ports.ts";

/** A unit and the way to it. */
export interface UnitPlace {
  readonly unit: SweepUnit;
}

type Limits = Pick<SweepScope, "parallel" | "unitDeadline"> & {
  /** When all must be over, by the clock; absent where nobody waits. */
  readonly until?: number;
};

/** `until`: when this unit is ended, by the clock. */
type UnitWork<P, T> = (place: P, signal: AbortSignal, until: number) => Promise<T>;

/**
 * Does the work of each unit, so many of them at a time. One that hangs, is denied or fails is told by its report and
 * delays no other: its deadline ends it whatever it does. The reports are in the order of the units. Never throws.
 */
export async function eachUnit<P extends UnitPlace, T>(
  places: readonly P[],
  limits: Limits,
  clock: Pick<Clock, "elapsed">,
  work: UnitWork<P, T>,
  signal: AbortSignal,
  ended: (report: UnitReport<T>) => void = () => undefined,
): Promise<readonly UnitReport<T>[]> {
  const reports: UnitReport<T>[] = [];
  const waiting = places.map((place, index) => ({ place, index }));
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const deadline = deadlineOf(limits, waiting.length + 1, clock);
      const report = await oneUnit(next.place, deadline, clock, work, signal);
      reports[next.index] = report;
      ended(report);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limits.parallel, places.length) }, worker));
  return reports;
}

function deadlineOf(
  { unitDeadline, until, parallel }: Limits,
  waiting: number,
  clock: Pick<Clock, "elapsed">,
): Deadline {
  const share =
    until === undefined ? Number.POSITIVE_INFINITY : shareOf(until - clock.elapsed(), waiting, parallel);
  return share < unitDeadline
    ? { ms: share, of: "its share of the function's time" }
    : { ms: unitDeadline, of: "sweep.unitDeadline" };
}

interface Deadline {
  readonly ms: number;
  /** What set it. */
  readonly of: string;
}

async function oneUnit<P extends UnitPlace, T>(
  place: P,
  deadline: Deadline,
  clock: Pick<Clock, "elapsed">,
  work: UnitWork<P, T>,
  signal: AbortSignal,
): Promise<UnitReport<T>> {
  const { unit } = place;
  const began = clock.elapsed();
  const limit = new AbortController();
  const both = AbortSignal.any([signal, limit.signal]);
  const doing = `sweep ${unit.id}`;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const end = () => reject(signal.aborted ? stopped(doing) : tooLate(doing, deadline));
    // What listens to the signal ends at once and tells what it has done; what does not is left behind.
    both.addEventListener("abort", () => setTimeout(end, grace), { once: true });
    if (both.aborted) end();
    timer = setTimeout(() => limit.abort(), deadline.ms);
  });
  const told = (more: Omit<UnitReport<T>, "unit" | "ms">): UnitReport<T> => ({
    unit,
    ms: Math.round(clock.elapsed() - began),
    ...more,
  });
  try {
    const result = await Promise.race([work(place, both, began + deadline.ms), late]);
    const outcome = signal.aborted ? "interrupted" : limit.signal.aborted ? "late" : "done";
    return told({ outcome, result });
  } catch (error) {
    const failure = failureOf(error, doing);
    if (signal.aborted) return told({ outcome: "interrupted", failure });
    if (limit.signal.aborted) return told({ outcome: "late", failure: tooLate(doing, deadline) });
    return told({ outcome: outcomeOf(failure.kind), failure });
  } finally {
    clearTimeout(timer);
    late.catch(() => undefined);
  }
}

/** Milliseconds for what was told to stop to say how far it came. */
const grace = 2_000;

function tooLate(doing: string, { ms, of }: Deadline): BackupError {
  return new BackupError({
    kind: "unreachable",
    doing,
    found: `it was not done within ${Math.round(ms / 1000)} s (${of})`,
    remedy: "the next sweep goes on where this one ended; see whether AWS can be reached there",
    code: "UnitDeadline",
  });
}

function stopped(doing: string): BackupError {
  return new BackupError({ kind: "interrupted", doing, found: "the sweep was told to stop" });
}
