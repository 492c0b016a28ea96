import { type CopyPlan, planCopies } from "../core/copies.ts";
import { type CopyTarget, policyThere } from "../core/copy-target.ts";
import { failureOf } from "../core/errors.ts";
import { type Job, seriesOf } from "../core/job.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { type Problem, problemOf } from "../core/report.ts";
import { copyRegionOf } from "./copy-region.ts";
import type { Opened } from "./open.ts";
import type { AgentOptions } from "./wish.ts";

/** What lies in one Region of one job. */
export interface CopiesInRegion extends Pick<CopyPlan, "points" | "bad"> {
  readonly job: Job;
  readonly target: CopyTarget;
  /** EC2's clock there. */
  readonly asOf: Date;
}

export interface CopiesSeen {
  readonly regions: readonly CopiesInRegion[];
  /** Regions that could not be asked. */
  readonly problems: readonly Problem[];
}

/** Looks into each Region that the jobs copy to, side by side. `here`: all points of this instance. */
export async function copiesSeen(
  { session, force }: Opened,
  here: readonly RecoveryPoint[],
  options: Pick<AgentOptions, "version" | "self">,
  signal: AbortSignal,
): Promise<CopiesSeen> {
  const { instance } = session.discovery;
  const regions: CopiesInRegion[] = [];
  const problems: Problem[] = [];
  const wanted = force.jobs.flatMap((job) => (job.copy ?? []).map((target) => ({ job, target })));
  const others = wanted.filter(({ target }) => target.region !== instance.region);
  await Promise.all(
    others.map(async ({ job, target }) => {
      const doing = `look at the copies of job ${job.name} in ${target.region}`;
      try {
        const series = seriesOf(job.name, instance.arn);
        const region = copyRegionOf(target.region, session.connection, options);
        const { snapshots, asOf } = await region.list(series, signal);
        const scene = {
          here: here.filter((point) => point.series === series),
          there: snapshots,
          policy: policyThere(job, target),
          now: asOf,
          running: 0,
        };
        const { points, bad } = planCopies(scene);
        regions.push({ job, target, asOf, points, bad });
      } catch (error) {
        if (signal.aborted) throw error;
        problems.push(problemOf("error", { ...factsOf(failureOf(error, doing)), doing }));
      }
    }),
  );
  return { regions: regions.sort((a, b) => (a.target.region < b.target.region ? -1 : 1)), problems };
}

function factsOf({ kind, found, remedy, code }: ReturnType<typeof failureOf>) {
  return {
    kind,
    found,
    ...(remedy === undefined ? {} : { remedy }),
    ...(code === undefined ? {} : { code }),
  };
}
