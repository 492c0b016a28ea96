import type { Failure } from "./errors.ts";
import { seriesOf } from "./mirror-plan.ts";
import { isMixed, type RecoveryPoint } from "./recovery-point.ts";
import type { StoreFacts, StoreLock } from "./store-answers.ts";
import { snapshotIdsOf } from "./store-point.ts";
import type { StoredSnapshot } from "./store-ports.ts";
import type { UpkeepReport, UpkeepState } from "./upkeep.ts";
import type { UpkeepKind } from "./upkeep-names.ts";

/** One series of a repository. */
export interface ListedSeries {
  readonly series: string;
  /** Complete points that can be believed. */
  readonly complete: number;
  readonly partial: number;
  /** Points that are held and count for nothing. */
  readonly disbelieved: number;
  /** When the newest complete point was made, ISO 8601. */
  readonly newest?: string;
  readonly oldest?: string;
}

/** What came of one kind of upkeep, as far as this host remembers. */
export interface ListedUpkeep {
  readonly kind: UpkeepKind;
  readonly schedule?: string;
  /** When it was last done with nothing wrong, ISO 8601. */
  readonly lastGood?: string;
  readonly last?: { readonly at: string; readonly outcome: UpkeepReport["outcome"]; readonly found?: string };
}

/** A repository as `repository list` shows it. */
export interface ListedRepository {
  readonly repository: string;
  readonly url: string;
  readonly appendOnly: boolean;
  readonly mirrorTo?: string;
  readonly facts?: StoreFacts;
  readonly series: readonly ListedSeries[];
  /** Snapshots that are no points of ours. */
  readonly foreign: number;
  readonly locks: readonly StoreLock[];
  readonly upkeep: readonly ListedUpkeep[];
  /** Why it cannot be shown. */
  readonly failure?: Failure;
}

/** The series of a repository, by name. */
export function listedSeries(points: readonly RecoveryPoint[]): readonly ListedSeries[] {
  return seriesOf(points).map(([series, all]) => {
    const believed = all.filter((point) => !isMixed(point));
    const complete = believed
      .filter(({ state }) => state === "complete")
      .sort((a, b) => b.captured.getTime() - a.captured.getTime());
    const [newest, oldest] = [complete[0], complete.at(-1)];
    return {
      series,
      complete: complete.length,
      partial: believed.length - complete.length,
      disbelieved: all.length - believed.length,
      ...(newest && { newest: newest.captured.toISOString() }),
      ...(oldest && { oldest: oldest.captured.toISOString() }),
    };
  });
}

/** Snapshots that belong to no point: those of other programs, or of restic by hand. */
export function foreignSnapshots(
  snapshots: readonly StoredSnapshot[],
  points: readonly RecoveryPoint[],
): number {
  const own = new Set(points.flatMap(snapshotIdsOf));
  return snapshots.filter(({ id }) => !own.has(id)).length;
}

/** What is remembered of the upkeep that is configured, or was done. */
export function listedUpkeep(
  state: UpkeepState | undefined,
  schedules: Readonly<Partial<Record<UpkeepKind, string | undefined>>>,
): readonly ListedUpkeep[] {
  return (["check", "prune", "mirror"] as const).flatMap((kind): ListedUpkeep[] => {
    const known = state?.[kind];
    const schedule = schedules[kind];
    if (known === undefined && schedule === undefined) return [];
    const { report, lastGood } = known ?? {};
    const wrong = report?.problems.find(({ severity }) => severity === "error");
    const last = report && {
      at: report.finished,
      outcome: report.outcome,
      ...(wrong && { found: wrong.found }),
    };
    return [{ kind, ...(schedule && { schedule }), ...(lastGood && { lastGood }), ...(last && { last }) }];
  });
}
