import { isLess } from "../core/consistency.ts";
import type { Failure } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import type { Consistency } from "../core/retention-policy.ts";
import type { StillnessPlan } from "./plan-stillness.ts";
import type { Recorder } from "./steps.ts";

/** What to make of a point all the same. */
export const madeAllTheSame = "the point is good as far as it is called; see what the hooks report";

/** A point that is, or would be, less consistent than its job demands. */
export function lessThanDemanded(
  found: Consistency,
  demanded: Consistency,
  { name, whenLess }: Pick<Job, "name" | "whenLess">,
): Failure {
  return {
    kind: "refused",
    doing: `hold job ${name} still`,
    found: `${found} is less than the demanded consistency, ${demanded}`,
    remedy:
      whenLess === "fail"
        ? "whenLess: fail says that there is no point then; see what the hooks report"
        : madeAllTheSame,
    code: "LessConsistent",
  };
}

/** Tells of a dry run, which holds nothing, if the best that could be held is too little. */
export function foreseen(
  { attainable, demanded }: Pick<StillnessPlan, "attainable" | "demanded">,
  job: Pick<Job, "name" | "whenLess">,
  record: Recorder,
): void {
  if (isLess(attainable, demanded)) record.report("error", lessThanDemanded(attainable, demanded, job));
}
