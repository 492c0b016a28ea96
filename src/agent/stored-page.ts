import { seriesOf } from "../core/job.ts";
import type { JobFacts } from "../core/job-page.ts";
import type { Problem } from "../core/report.ts";
import { readHistory } from "../core/run-history.ts";
import { storedPolicy } from "../core/stored-policy.ts";
import { storedPromise } from "../core/stored-series.ts";
import type { Opened } from "./open.ts";
import { knownOf } from "./status.ts";
import { storedSeen } from "./stored-inquiries.ts";
import { storedNow } from "./stored-status.ts";
import type { AgentOptions } from "./wish.ts";

interface Facts {
  readonly jobs: readonly JobFacts[];
  readonly problems: readonly Problem[];
}

/**
 * The facts of a page with each series of a repository as a part of its own: it is kept by the rules of its job, and
 * no rule ever sees two series at once. A job that takes no volumes has no other part.
 */
export async function storedFacts<F extends Facts>(
  facts: F,
  names: readonly string[],
  opened: Opened,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<F> {
  const { session, force } = opened;
  const { arn } = session.discovery.instance;
  const seen = await storedSeen(opened, options, signal);
  const parts: JobFacts[] = [];
  for (const job of force.jobs) {
    const { stored } = job;
    if (stored === undefined || (names.length > 0 && !names.includes(job.name))) continue;
    const remembered = session.state.job(job.name);
    const known = remembered && knownOf(remembered);
    const { reports } = storedNow({ ...job, stored }, arn, seen, known?.volumes ?? []);
    for (const { source, repository } of reports) {
      const listing = seen.listings.get(repository);
      const series = `${seriesOf(job.name, arn)}/${source}`;
      const dump = stored.dumps.find(({ name }) => `${source}/`.startsWith(`dump/${name}/`));
      const schedule = dump?.schedule ?? job.schedule;
      const { promiseSeconds } = listing ? storedPromise(dump?.schedule, job, listing.asOf) : {};
      parts.push({
        name: `${job.name}/${source}`,
        job: {
          ...job,
          name: `${job.name}/${source}`,
          retention: storedPolicy(job, source === "files" ? "files" : "dump"),
          // When it begins within its splay goes by the name of its job.
          splay: 0,
          ...(schedule === undefined ? {} : { schedule }),
          ...(promiseSeconds === undefined ? {} : { missedAfter: promiseSeconds * 1000 }),
        },
        points: listing?.points.filter((point) => point.series === series) ?? [],
        stored: { source },
        chosen: [{ id: source, device: repository }],
        ...(remembered && { history: readHistory(remembered.history) }),
      });
    }
  }
  const isOfVolumes = ({ job, points }: JobFacts) => job?.stored?.volumes !== false || points.length > 0;
  return {
    ...facts,
    jobs: [...facts.jobs.filter(isOfVolumes), ...parts],
    problems: [...facts.problems, ...seen.problems],
  };
}
