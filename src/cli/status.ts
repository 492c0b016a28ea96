import type { Status } from "../core/status.ts";
import { formatBytes, formatInstant, formatSpan, type Terminal, table } from "./terminal.ts";

export function printStatus(status: Status, now: Date, out: Terminal): void {
  const said =
    status.protection === "protected" ? "protected, as far as this host remembers" : status.protection;
  out.print(`${status.instance ?? "instance unknown"}: ${said}`);
  if (status.protection === "not protected") {
    out.print("No run has been recorded on this host. Start with: ec2-backup plan --all");
    return;
  }
  const rows = status.jobs.map(({ job, report, newest, running }) => [
    job,
    report === undefined ? "never" : formatInstant(report.finished),
    report?.outcome ?? "",
    newest === undefined
      ? "none seen"
      : `${formatSpan((now.getTime() - Date.parse(newest.captured)) / 1000)} ago, ${formatBytes(newest.bytes)}`,
    running === undefined
      ? ""
      : `run ${running.run} began ${formatInstant(running.since)} and has not reported`,
  ]);
  const head = ["JOB", "LAST RUN", "OUTCOME", "NEWEST COMPLETE", "NOW"];
  for (const line of table(head, rows, out.width)) out.print(line);
  for (const { job, report } of status.jobs) {
    for (const problem of report?.problems.filter((one) => one.severity === "error") ?? []) {
      out.print(`${out.paint("red", job)}: ${problem.doing}: ${problem.found}`);
    }
  }
}
