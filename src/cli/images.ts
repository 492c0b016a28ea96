import type { RunReport } from "../core/report.ts";
import type { printRetention } from "./run.ts";
import type { Terminal } from "./terminal.ts";

/** Prints what a run did about images, or what it would do. */
export function printImage(report: RunReport, out: Terminal, printed: typeof printRetention): void {
  const { image } = report;
  if (image === undefined) return;
  const { period, outcome, image: id, point, retention } = image;
  const words = {
    made: `${id} is made`,
    there: `${id ?? "its snapshot set"} is there`,
    due: "a run now makes one, without a reboot",
    "not-made": "none was made in this run",
    none: "the job makes none any more; what is there is kept by its rules",
  };
  out.print(`Image${period === undefined ? "" : ` of ${period}`}: ${words[outcome]}`);
  if (point !== undefined) out.print(`  its point is ${point}`);
  if (retention !== undefined) printed(retention, report, out, "Retention of images");
}
