import { isLess } from "../core/consistency.ts";
import { summaryOfMounts } from "../core/freeze-verdict.ts";
import type { VssMode } from "../core/job.ts";
import type { CaptureMarks, Prepared } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { CaptureScope } from "../core/selection.ts";
import { consistencyOfVss, demandedOfVss } from "../core/vss-consistency.ts";
import type { Findings, RunRequest } from "./run-request.ts";
import type { Recorder } from "./steps.ts";

/**
 * What became of a capture that VSS was to hold still: reports what went wrong and what the point is called. `made`
 * is absent where there is none; then the reason has been reported already.
 */
export function tellVss(
  mode: VssMode,
  made: RecoveryPoint | undefined,
  prepared: Prepared,
  { job, planned }: RunRequest,
  scope: CaptureScope,
  record: Recorder,
  found: Findings,
): CaptureMarks {
  const demanded = demandedOfVss(mode, job.consistency);
  const achieved = planned ? consistencyOfVss(mode) : (made?.consistency ?? "crash");
  found.stillness = { demanded, achieved, hooks: [] };
  if (found.mounts !== undefined) {
    const set = new Set(scope.expected.map(({ id }) => id));
    found.summary = summaryOfMounts({ map: found.mounts, set, occupied: [] });
  }
  for (const problem of prepared.problems?.() ?? []) record.report("error", problem);
  if ((made !== undefined || planned) && isLess(achieved, demanded))
    record.report("error", {
      kind: "refused",
      doing: `hold job ${job.name} still`,
      found: `${achieved} is less than the demanded consistency, ${demanded}`,
      remedy: "the point is good as far as it is called; see what VSS reports",
      code: "LessConsistent",
    });
  return { consistency: achieved };
}
