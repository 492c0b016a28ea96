import type { Loaded } from "../config/load.ts";
import { outputsOf } from "../config/outputs.ts";
import { pathText } from "../config/path.ts";
import type { Resolution } from "../config/resolve.ts";
import { reachCloudWatch } from "../core/metrics.ts";
import { missedLimit } from "../core/missed-limit.ts";

/** What alarms are made of: without them a missed, failed or slow backup is noticed by nobody. */
const needed = ["SecondsSinceLastBackup", "Errors", "ElapsedTime"] as const;

/**
 * What keeps the alarms that are configured from being made, or from ever hearing of a run, each as a line that
 * begins with its place in the file. Warnings: backups are made without them.
 */
export function checkWatching(
  { jobs, settings }: Pick<Resolution, "jobs" | "settings">,
  loaded: Loaded,
  now: Date,
): string[] {
  const warnings = jobs.flatMap((job) => {
    if (job.missedAfter === undefined) return [];
    const limit = missedLimit(job, now);
    if (limit.kind !== "none") return [];
    const place = pathText(["jobs", job.name, "missedAfter"]);
    return [`${place}: there is no alarm for missed backups: ${limit.because}; ${limit.remedy}`];
  });
  if (loaded.ok !== true || loaded.file.config.alarms === undefined) return warnings;
  const { metrics, outputs = {} } = settings;
  if (!metrics.enabled)
    return [
      ...warnings,
      "metrics.enabled: alarms are configured, and no metrics are published for them to watch",
    ];
  const output = outputsOf(outputs);
  if (!reachCloudWatch(output))
    warnings.push(
      `metrics.output: alarms are configured, and ${output.join(", ")} alone takes no metrics to CloudWatch, where they are watched; add cloudwatch or emf`,
    );
  const lacking = needed.filter((name) => outputs.only?.includes(name) === false);
  if (lacking.length > 0)
    warnings.push(
      `metrics.only: alarms are configured, and it leaves out ${lacking.join(", ")}, which they watch; add ${lacking.length > 1 ? "them" : "it"}`,
    );
  return warnings;
}
