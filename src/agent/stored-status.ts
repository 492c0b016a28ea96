import type { Job } from "../core/job.ts";
import { seriesOf } from "../core/job.ts";
import type { StoredReport } from "../core/report.ts";
import { factsOfSeries, storedPromise } from "../core/stored-series.ts";
import type { StoredWish } from "../core/stored-wish.ts";
import type { VolumeSeen } from "../core/volume-ages.ts";
import type { StoredSeen } from "./stored-inquiries.ts";

/**
 * What a job stores, as its repositories show it now. `remembered` are the rows of its last run: they know which parts
 * a dump is of at present, and what is known of a repository that cannot be asked.
 */
export function storedNow(
  job: Job & { readonly stored: StoredWish },
  instanceArn: string,
  seen: StoredSeen,
  remembered: readonly VolumeSeen[],
): { readonly reports: readonly StoredReport[]; readonly unseen: readonly VolumeSeen[] } {
  const { dumps, files } = job.stored;
  const base = seriesOf(job.name, instanceArn);
  const reports: StoredReport[] = [];
  const unseen: VolumeSeen[] = [];
  const add = (source: string, repository: string, schedule: string | undefined) => {
    const isOf = (name: string) => name === source || (source !== "files" && name.startsWith(`${source}/`));
    const known = remembered.filter(({ volume }) => isOf(volume));
    const listing = seen.listings.get(repository);
    if (listing === undefined) {
      const rows = known.length > 0 ? known : [{ volume: source, device: repository }];
      unseen.push(...rows.map((row) => ({ ...row, unseen: true as const })));
      return;
    }
    const listed = listing.points.map(({ series }) => series.slice(base.length + 1)).filter(isOf);
    const names = known.length > 0 ? known.map(({ volume }) => volume) : [...new Set(listed)];
    for (const name of names.length > 0 ? names : [source]) {
      const points = listing.points.filter(({ series }) => series === `${base}/${name}`);
      const facts = factsOfSeries(points, listing.asOf);
      const series = { ...facts, ...storedPromise(schedule, job, listing.asOf) };
      reports.push({ source: name, repository, outcome: "none", series });
    }
  };
  for (const { name, repository, schedule } of dumps) add(`dump/${name}`, repository, schedule);
  if (files !== undefined) add("files", files.repository, undefined);
  return { reports, unseen };
}
