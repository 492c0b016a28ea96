import { brake } from "../core/brake.ts";
import { policyThere } from "../core/copy-target.ts";
import type { Explanation } from "../core/explanation.ts";
import { planRetention } from "../core/retention.ts";
import { describePolicy } from "../core/retention-policy.ts";
import type { CopiesInRegion } from "./copies-seen.ts";

/** What becomes of a copy: by the retention of its Region alone, whatever becomes of its source. */
export function explainCopy(id: string, { job, target, points, asOf }: CopiesInRegion): Explanation {
  const retention = policyThere(job, target);
  const plan = planRetention(points, retention, asOf);
  const isMeant = ({ id: point, snapshots }: (typeof points)[number]) =>
    point === id || snapshots.some((one) => one.id === id);
  const kept = plan.keep.find(({ point }) => isMeant(point));
  const point = kept?.point ?? plan.remove.find(isMeant);
  if (point === undefined) throw new Error(`${id} is in no point of ${target.region}`);
  const facts = { snapshot: id, point, policy: describePolicy(retention), region: target.region };
  if (kept !== undefined)
    return { ...facts, verdict: "keep", reasons: kept.reasons.map(({ detail }) => detail) };
  if (job.prune !== undefined) return { ...facts, verdict: "elsewhere", reasons: [] };
  const left = brake(plan, false).postponed.includes(point);
  return { ...facts, verdict: left ? "postponed" : "remove", reasons: [] };
}
