import type { SweepTold } from "../agent/sweep.ts";
import type { ProgressBar } from "../cli/progress.ts";
import { unitWords } from "../cli/sweep.ts";

/** The bar shows how many units have ended, and what the last one to say something is at. */
export function tellOn(bar: ProgressBar): SweepTold {
  return ({ ended, units, unit, what }) => {
    // What is at work comes first: a narrow terminal cuts the end off.
    const at = unit === undefined || what === undefined ? "" : `: ${what}, ${unitWords(unit)}`;
    bar.update((ended / Math.max(1, units)) * 100, `${ended} of ${units} units${at}`);
  };
}
