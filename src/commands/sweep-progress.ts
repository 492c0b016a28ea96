import type { SweepTold } from "../agent/sweep-session.ts";
import type { ProgressBar } from "../cli/progress.ts";
import { unitWords } from "../cli/sweep.ts";

/** The bar shows how much of all units is done, and what the last one to say something is at. It never goes back. */
export function tellOn(bar: ProgressBar): SweepTold {
  const shares = new Map<string, number>();
  return ({ ended, units, unit, what, share = 0 }) => {
    if (unit !== undefined) shares.set(unit.id, Math.max(share, shares.get(unit.id) ?? 0));
    const done = [...shares.values()].reduce((total, one) => total + one, 0);
    // What is at work comes first: a narrow terminal cuts the end off.
    const at = unit === undefined || what === undefined ? "" : `: ${what}, ${unitWords(unit)}`;
    bar.update((done / Math.max(1, units)) * 100, `${ended} of ${units} units${at}`);
  };
}
