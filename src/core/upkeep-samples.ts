import type { MetricName } from "./metrics.ts";
import type { Sample } from "./prometheus.ts";
import { metricsJob, metricsOfUpkeep, type UpkeepReport } from "./upkeep.ts";

const names: Readonly<Record<string, string>> = {
  Errors: "ec2_backup_errors",
  ElapsedTime: "ec2_backup_elapsed_seconds",
};

/** What the file is to hold after an upkeep: its values in the place of its earlier ones, and all of others. */
export function samplesOfUpkeep(
  there: readonly Sample[],
  report: UpkeepReport,
  server: string,
  only: readonly MetricName[] | undefined,
): readonly Sample[] {
  const job = metricsJob(report.repository);
  const labels = { server, backup_job: job, upkeep: report.action };
  const fresh = metricsOfUpkeep(report)
    .filter(({ name }) => only?.includes(name as MetricName) !== false)
    .map(({ name, value }) => ({ name: names[name] ?? "", labels, value }));
  const stays = ({ labels: one }: Sample) =>
    one["server"] === server && !(one["backup_job"] === job && one["upkeep"] === report.action);
  return [...there.filter(stays), ...fresh];
}
