import type { Status } from "../core/status.ts";
import { formatInstant, formatSpan, type Terminal, table } from "./terminal.ts";

export function printStatus(status: Status, now: Date, out: Terminal): void {
  out.print(`${status.instance ?? "instance unknown"}: ${status.protection}`);
  if (status.protection === "not protected") {
    out.print("No run has been recorded on this host. Start with: ec2-backup plan --all");
    return;
  }
  const rows = status.jobs.map(({ job, report, running }) => {
    const newest = report?.series?.newestComplete;
    const since = report === undefined ? 0 : (now.getTime() - Date.parse(report.finished)) / 1000;
    return [
      job,
      report === undefined ? "never" : formatInstant(report.finished),
      report?.outcome ?? "",
      newest === undefined ? "none" : `${formatSpan(newest.ageSeconds + since)} ago`,
      running === undefined
        ? ""
        : `run ${running.run} began ${formatInstant(running.since)} and has not reported`,
    ];
  });
  for (const line of table(["JOB", "LAST RUN", "OUTCOME", "NEWEST COMPLETE", ""], rows, out.width))
    out.print(line);
  for (const { job, report } of status.jobs) {
    for (const problem of report?.problems.filter((one) => one.severity === "error") ?? []) {
      out.print(`${out.paint("red", job)}: ${problem.doing}: ${problem.found}`);
    }
  }
}
