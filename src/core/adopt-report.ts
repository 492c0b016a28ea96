import type { AdoptionPlan } from "./adopt.ts";
import { exitCodeOfKinds, exitCodes, type Problem } from "./report.ts";
import type { UnitReport } from "./sweep-ports.ts";

/** What was taken over in a unit. */
export interface UnitAdopted {
  readonly plan: AdoptionPlan;
  /** Ids of snapshots that were given their tags; none where it was only shown. */
  readonly adopted: readonly string[];
  readonly problems: readonly Problem[];
}

export interface AdoptReport {
  readonly run: string;
  readonly from: string;
  readonly written: boolean;
  readonly units: readonly UnitReport<UnitAdopted>[];
}

/** 0 = all done or shown; 1 = something done and anything wrong; else what all causes agree on. */
export function exitCodeOfAdopt({ units }: Pick<AdoptReport, "units">): number {
  const kinds = units.flatMap(({ failure, result }) => [
    ...(failure === undefined ? [] : [failure.kind]),
    ...(result?.problems ?? []).map(({ kind }) => kind),
  ]);
  if (kinds.length === 0) return exitCodes.done;
  const some = units.some(
    ({ result }) => result !== undefined && (result.adopted.length > 0 || result.problems.length === 0),
  );
  return some ? exitCodes.partlyDone : exitCodeOfKinds(kinds);
}
