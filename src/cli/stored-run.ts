import { formatSpan } from "../core/duration.ts";
import type { RunReport, StoredReport } from "../core/report.ts";
import type { printRetention } from "./run.ts";
import { formatBytes, formatInstant, type Terminal } from "./terminal.ts";

/** Prints what a run stored in repositories, or what a plan would store there. */
export function printStored(report: RunReport, out: Terminal, retention: typeof printRetention): void {
  for (const one of report.stored ?? []) {
    const { source, repository } = one;
    out.print(`${source} in ${repository}: ${wordsOf(one, report.planned)}`);
    if (one.point !== undefined) {
      const { id, consistency, captured, snapshots } = one.point;
      out.print(`  point ${id}, ${consistency}-consistent, begun ${formatInstant(captured)}`);
      for (const { id: snapshot } of snapshots) out.print(`  ${snapshot}`);
    }
    const { unread } = one;
    for (const { path, found } of unread?.first ?? []) out.print(`  not read: ${path}: ${found}`);
    if (unread !== undefined && unread.count > unread.first.length)
      out.print(`  and ${unread.count - unread.first.length} more that could not be read`);
    if (one.retention !== undefined) retention(one.retention, report, out, `Retention of ${source}`);
    out.print(`  ${seriesWords(one)}`);
  }
}

function wordsOf({ outcome, point, added, files, ms, next }: StoredReport, planned: boolean): string {
  switch (outcome) {
    case "made":
    case "partial": {
      const what = outcome === "made" ? "complete" : "PARTIAL, not all could be read";
      const changed = files && `${files.new} new, ${files.changed} changed, ${files.unmodified} as before`;
      const grown = added === undefined ? undefined : `${formatBytes(added)} of it new`;
      const time = ms === undefined ? undefined : `in ${(ms / 1000).toFixed(1)} s`;
      const parts = [what, point && formatBytes(point.bytes), grown, changed, time];
      return parts.filter((part) => part !== undefined).join(", ");
    }
    case "due":
      return "a run now makes a point";
    case "not-due":
      return `its own schedule asks for none before ${next === undefined ? "later" : formatInstant(next)}`;
    case "gone":
      return "it is no part of the dump any more; what is there is kept by its rules";
    case "none":
      return planned ? "a run now makes none" : "no point is made by this command";
    case "not-made":
      return "NO POINT WAS MADE";
  }
}

/** A repository that could not be asked holds what it holds: that is not "none". */
function seriesWords({ series, repository }: StoredReport): string {
  if (series === undefined) return `what ${repository} holds of it could not be found out`;
  const { complete, newestComplete } = series;
  if (newestComplete === undefined) return "no complete point is there yet";
  const { ageSeconds, bytes } = newestComplete;
  const points = complete === 1 ? "1 complete point" : `${complete} complete points`;
  // restic before 0.17 does not tell how large a snapshot is, but of one that was just made.
  const size = bytes === 0 ? "" : `, ${formatBytes(bytes)}`;
  return `${points}, newest ${formatSpan(ageSeconds)} old${size}`;
}
