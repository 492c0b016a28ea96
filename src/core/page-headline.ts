import type { Finding, JobPage, ReportPage } from "./report-page.ts";

/** In one sentence, how things stand. */
export function headlineOf(
  findings: readonly Finding[],
  jobs: readonly JobPage[],
): Pick<ReportPage, "verdict" | "headline"> {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.filter(({ severity }) => severity === "warning").length;
  // A volume of two jobs is one volume, and what one of them owes it is owed; the files of two jobs are not the same.
  const all = jobs.flatMap(({ job, stored, volumes }) =>
    volumes
      .filter(({ taken }) => taken)
      .map(({ volume, verdict }) => ({ what: stored === undefined ? volume : job, verdict })),
  );
  const volumes = [...new Set(all.map(({ what }) => what))].map((what) => {
    const verdicts = all.filter((one) => one.what === what).map(({ verdict }) => verdict);
    return (["overdue", "settling", "unpromised"] as const).find((one) => verdicts.includes(one)) ?? "kept";
  });
  const late = volumes.filter((verdict) => verdict === "overdue").length;
  const protectedOnes = volumes.filter((verdict) => verdict === "kept").length;
  const [one, several] = nounsOf(jobs);
  const many = (count: number) => `${count} ${count === 1 ? one : several}`;
  const state =
    volumes.length === 0
      ? "No volume is backed up"
      : late > 0
        ? `${many(late)} of ${volumes.length} ${late === 1 ? "has" : "have"} no complete point that is young enough`
        : protectedOnes === volumes.length
          ? `${volumes.length === 1 ? `The one ${one} is` : `All ${many(volumes.length)} are`} protected as promised`
          : `${many(volumes.length)} backed up, ${protectedOnes} of them known to be as young as promised`;
  const verdict = errors > 0 ? "failing" : warnings > 0 ? "attention" : "good";
  return { verdict, headline: state };
}

/** What there is of a host: volumes, series of files and dumps, or both. */
function nounsOf(jobs: readonly JobPage[]): readonly [string, string] {
  const stored = jobs.filter((job) => job.stored !== undefined);
  if (stored.length === 0) return ["volume", "volumes"];
  if (stored.length < jobs.length)
    return ["volume, set of files or dump", "volumes, sets of files and dumps"];
  const dumps = stored.filter(({ volumes }) => volumes.every(({ volume }) => volume !== "files")).length;
  if (dumps === stored.length) return ["dump", "dumps"];
  return dumps === 0
    ? ["set of files", "sets of files"]
    : ["set of files or dump", "sets of files and dumps"];
}
