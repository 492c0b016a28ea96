import { BackupError } from "../core/errors.ts";
import { type Job, seriesOf } from "../core/job.ts";
import { withStored } from "../core/stored-facts.ts";
import { factsOfSeries } from "../core/stored-series.ts";
import type { Opened } from "./open.ts";
import { knownOf } from "./status.ts";
import { storedSeen } from "./stored-inquiries.ts";
import { storedNow } from "./stored-status.ts";
import type { AgentOptions } from "./wish.ts";

/**
 * The age in seconds of a job that stores things: that of the series that is furthest behind; nothing where one has no
 * good point. Throws where a repository could not be asked, since then nobody knows.
 */
export async function storedAge(
  job: Job,
  opened: Opened,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { stored } = job;
  if (stored === undefined) return undefined;
  const { session } = opened;
  const { arn } = session.discovery.instance;
  const seen = await storedSeen(opened, options, signal);
  const remembered = session.state.job(job.name);
  const rows = (remembered && knownOf(remembered).volumes) ?? [];
  const { reports, unseen } = storedNow({ ...job, stored }, arn, seen, rows);
  const [problem] = seen.problems;
  if (unseen.length > 0 && problem !== undefined) throw new BackupError(problem);
  const listing = stored.volumes
    ? await session.engine.list({ series: seriesOf(job.name, arn) }, signal)
    : undefined;
  const ofVolumes = listing && factsOfSeries(listing.points, listing.asOf);
  return withStored(reports, stored.volumes, ofVolumes)?.newestComplete?.ageSeconds;
}
