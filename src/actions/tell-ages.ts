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
  /** The age of a job that stores things in repositories: absent of others. Nothing comes of one without a good point. */
  readonly storedAge: (job: string) => Promise<number | undefined> | undefined;
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
  { list, storedAge, metrics, note }: AgeDeps,
): Promise<ToldAge> {
  const ageSeconds = await (storedAge(job) ?? listedAge(await list(seriesOf(job, instance.arn))));
  if (ageSeconds === undefined) return { job };
  const name = "SecondsSinceLastBackup";
  await metrics.publish(
    [{ name, unit: metricTable[name].unit, value: ageSeconds }],
    commonDimensions({ instance, job }, dimensions),
  );
  await note(job);
  return { job, ageSeconds };
}

function listedAge({ points, asOf }: Listing): number | undefined {
  const captures = points
    .filter(({ state }) => state === "complete")
    .map(({ captured }) => captured.getTime());
  return captures.length === 0 ? undefined : Math.max(0, (asOf.getTime() - Math.max(...captures)) / 1000);
}

function noSuchJob(job: string, jobs: AlarmFacts["jobs"]): BackupError {
  return new BackupError({
    kind: "usage",
    doing: `tell the age of the newest point of ${job}`,
    found: "the configuration has no such job",
    remedy: `its jobs are ${jobs.map(({ name }) => name).join(", ")}`,
  });
}
