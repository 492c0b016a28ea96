import type { AlarmFacts } from "../core/alarms.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import { seriesOf } from "../core/job.ts";
import { commonDimensions, metricTable } from "../core/metrics.ts";
import type { Listing, MetricSink } from "../core/ports.ts";

/** What was told of a job between its runs. */
export interface ToldAge {
  readonly job: string;
  /** Of the newest complete point, in seconds; absent if there is none, and then nothing was told. */
  readonly ageSeconds?: number;
  readonly failure?: Failure;
}

export interface AgeDeps {
  readonly list: (series: string) => Promise<Listing>;
  readonly metrics: MetricSink;
  /** Remembers that an age was told. */
  readonly note: (job: string) => Promise<void>;
}

/** Publishes the age as EC2 lists it, and nothing where it could not be listed: silence is what rings. */
export async function tellAges(
  names: readonly string[],
  { instance, jobs, metrics }: Pick<AlarmFacts, "instance" | "jobs" | "metrics">,
  deps: AgeDeps,
): Promise<readonly ToldAge[]> {
  const told: ToldAge[] = [];
  for (const job of names) {
    if (!jobs.some(({ name }) => name === job)) throw noSuchJob(job, jobs);
    try {
      told.push(await tellOne(job, instance, metrics.dimensions, deps));
    } catch (error) {
      told.push({ job, failure: failureOf(error, `tell the age of the newest point of ${job}`) });
    }
  }
  return told;
}

async function tellOne(
  job: string,
  instance: AlarmFacts["instance"],
  dimensions: AlarmFacts["metrics"]["dimensions"],
  { list, metrics, note }: AgeDeps,
): Promise<ToldAge> {
  const { points, asOf } = await list(seriesOf(job, instance.arn));
  const captures = points
    .filter(({ state }) => state === "complete")
    .map(({ captured }) => captured.getTime());
  if (captures.length === 0) return { job };
  const ageSeconds = Math.max(0, (asOf.getTime() - Math.max(...captures)) / 1000);
  const name = "SecondsSinceLastBackup";
  await metrics.publish(
    [{ name, unit: metricTable[name].unit, value: ageSeconds }],
    commonDimensions({ instance, job }, dimensions),
  );
  await note(job);
  return { job, ageSeconds };
}

function noSuchJob(job: string, jobs: AlarmFacts["jobs"]): BackupError {
  return new BackupError({
    kind: "usage",
    doing: `tell the age of the newest point of ${job}`,
    found: "the configuration has no such job",
    remedy: `its jobs are ${jobs.map(({ name }) => name).join(", ")}`,
  });
}
