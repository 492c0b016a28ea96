import { formatSpan } from "../core/duration.ts";
import type { PointSummary, Problem, RetentionReport, RunReport } from "../core/report.ts";
import { elsewhereLine } from "./elsewhere-line.ts";
import { printMounts } from "./mounts.ts";
import { printStillness } from "./stillness.ts";
import { formatInstant, sizeWords, type Terminal, table } from "./terminal.ts";

/** Prints what a run did, or what a plan would do. */
export function printReports(reports: readonly RunReport[], out: Terminal, more: MoreWords = {}): void {
  reports.forEach((report, index) => {
    if (index > 0) out.print("");
    printReport(report, out, more);
  });
}

type PrintMore = (report: RunReport, out: Terminal, retention: typeof printRetention) => void;

/** Most runs store nothing in repositories, copy nowhere, lock nothing and make no images, and load no words for it. */
export interface MoreWords {
  readonly locks?: PrintMore;
  readonly image?: PrintMore;
  readonly stored?: PrintMore;
  readonly copies?: PrintMore;
}

function printReport(report: RunReport, out: Terminal, { stored, copies, image, locks }: MoreWords): void {
  const where = report.instance === undefined ? "" : ` of ${report.instance.name ?? report.instance.id}`;
  out.print(out.paint("bold", `Job ${report.job}${where} (${report.instance?.id ?? "instance unknown"})`));
  stored?.(report, out, printRetention);
  printVolumes(report, out);
  if (report.mounts !== undefined) printMounts(report.mounts, out);
  printStillness(report, out);
  for (const point of report.points) printPoint(point, report, out);
  locks?.(report, out, printRetention);
  if (report.retention !== undefined) printRetention(report.retention, report, out);
  image?.(report, out, printRetention);
  copies?.(report, out, printRetention);
  for (const problem of report.problems) printProblem(problem, out);
  out.print(summary(report, out));
}

function printVolumes(report: RunReport, out: Terminal): void {
  const taken = report.chosen.map(({ volume, device, because }) => [volume, device, "taken", because]);
  const left = report.left.map(({ volume, device, because }) => [volume, device, "left out", because]);
  const stores = report.instanceStores.map((device) => [
    "(instance store)",
    device,
    "not protected",
    "no snapshot can hold it",
  ]);
  const rows = [...taken, ...left, ...stores];
  if (rows.length > 0)
    for (const line of table(["VOLUME", "DEVICE", "", "BECAUSE"], rows, out.width)) out.print(line);
}

function printPoint(point: PointSummary, report: RunReport, out: Terminal): void {
  if (report.planned) {
    out.print(
      `A run now makes one point of ${point.snapshots.length} snapshot(s), ${point.consistency}-consistent.`,
    );
    return;
  }
  out.print(
    `Point ${point.id}: ${point.state}, ${point.consistency}-consistent, started ${formatInstant(point.captured)}`,
  );
  for (const one of point.snapshots) out.print(`  ${one.id}  of ${one.volume}  ${one.state}`);
}

export function printRetention(
  retention: RetentionReport,
  report: RunReport,
  out: Terminal,
  title = "Retention",
): void {
  out.print(`${title}: ${retention.policy}; as of ${formatInstant(retention.asOf)}`);
  const outcomes = new Map(retention.removals.map((one) => [one.snapshotId, one.outcome]));
  const rows = [
    ...retention.keep.map(({ point, reasons }) => [
      formatInstant(point.captured),
      "keep",
      point.id,
      [...imageOf(point), ...reasons].join("; "),
    ]),
    ...retention.postponed.map((point) => [
      formatInstant(point.captured),
      "brake",
      point.id,
      [...imageOf(point), "given up, left until prune --yes"].join("; "),
    ]),
    ...(retention.beyond ?? []).map((point) => [
      formatInstant(point.captured),
      "beyond",
      point.id,
      [...imageOf(point), "no rule keeps it; another role prunes"].join("; "),
    ]),
    ...retention.remove.map((point) => [
      formatInstant(point.captured),
      report.planned ? "would go" : "remove",
      point.id,
      [...imageOf(point), outcomeOf(point, outcomes, report.planned)].join("; "),
    ]),
  ].sort((a, b) => (a[0] === b[0] ? 0 : (a[0] ?? "") < (b[0] ?? "") ? 1 : -1));
  if (rows.length > 0)
    for (const line of table(["CAPTURED", "", "POINT", "WHY"], rows, out.width)) out.print(line);
  if (retention.beyond !== undefined) out.print(elsewhereLine(retention.beyond.length, report.planned));
}

function imageOf({ image }: PointSummary): string[] {
  return image === undefined ? [] : [`image ${image.id ?? "gone or unknown"}`];
}

function outcomeOf(point: PointSummary, outcomes: ReadonlyMap<string, string>, planned: boolean): string {
  const because = point.state === "complete" ? "no rule keeps it" : `${point.state}, no rule keeps it`;
  if (planned) return because;
  const { id: image } = point.image ?? {};
  const ids = [...(image === undefined ? [] : [image]), ...point.snapshots.map((one) => one.id)];
  const words = ids.map((id) => `${id} ${outcomes.get(id) ?? "not tried"}`);
  return `${because}: ${words.join(", ")}`;
}

function printProblem(problem: Problem, out: Terminal): void {
  const style = problem.severity === "error" ? "red" : problem.severity === "warning" ? "yellow" : "dim";
  out.print(`${out.paint(style, problem.severity)}: ${problem.doing}: ${problem.found}`);
  if (problem.remedy !== undefined) out.print(`  ${problem.remedy}`);
}

function summary(report: RunReport, out: Terminal): string {
  const words = { done: "green", degraded: "yellow", failed: "red", skipped: "yellow" } as const;
  const outcome = report.planned ? "planned, nothing was changed" : report.outcome;
  const newest = report.series?.newestComplete;
  const series =
    report.series === undefined
      ? ""
      : `; ${report.series.complete} complete points, ${
          newest === undefined
            ? "none complete yet"
            : `newest ${formatSpan(newest.ageSeconds)} old, ${sizeWords(newest.bytes)}`
        }`;
  return `${out.paint(words[report.outcome], outcome)} in ${(report.elapsedMs / 1000).toFixed(1)} s${series}`;
}
