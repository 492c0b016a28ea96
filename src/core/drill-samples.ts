import type { DrillState } from "./drill-report.ts";
import type { MetricName } from "./metrics.ts";
import type { Sample } from "./prometheus.ts";

/**
 * What a drill has to say to Prometheus, of all that it covers: `server` is the host that drills, as of all values of
 * its file, `of` the machine whose point it was. An age is written as the instant that it counts from.
 */
export function samplesOfDrill(
  { drill, subjects }: DrillState,
  server: string,
  only: readonly MetricName[] | undefined,
): readonly Sample[] {
  return Object.values(subjects).flatMap(({ job, lastGood, report }) => {
    const labels = { server, backup_job: job, drill, of: report.subject.id };
    const sample = (name: string, of: MetricName, value: number | undefined): Sample[] =>
      value === undefined || only?.includes(of) === false ? [] : [{ name, labels, value }];
    const { outcome, elapsedMs } = report;
    const seconds = outcome === "not-done" ? undefined : elapsedMs / 1000;
    const good = lastGood && Date.parse(lastGood.at) / 1000;
    return [
      ...sample("ec2_backup_restore_verified", "RestoreVerified", Number(outcome === "verified")),
      ...sample("ec2_backup_restore_seconds", "RestoreSeconds", seconds),
      ...sample("ec2_backup_last_good_drill_timestamp_seconds", "SecondsSinceLastRestoreVerified", good),
    ];
  });
}

/** What the file is to hold after a drill: its values in the place of its earlier ones, and all of others. */
export function withDrillSamples(
  there: readonly Sample[],
  drill: string,
  fresh: readonly Sample[],
  server: string,
): readonly Sample[] {
  const stays = ({ labels }: Sample) => labels["server"] === server && labels["drill"] !== drill;
  return [...there.filter(stays), ...fresh];
}
