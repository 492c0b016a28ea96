import { counted } from "../core/counted.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { isSizeKnown, sizeOf } from "../core/recovery-point.ts";
import { summaryOf } from "../core/report.ts";
import { printParagraph } from "./paragraph.ts";
import { formatBytes, formatInstant, sizeWords, type Terminal, table } from "./terminal.ts";

/** Prints recovery points, newest first. */
export function printPoints(
  points: readonly RecoveryPoint[],
  jobs: readonly string[],
  out: Terminal,
  beyond?: ReadonlySet<string>,
  copies: readonly CopiesListed[] = [],
): void {
  if (points.length === 0) {
    const whose = jobs.length === 0 ? "this instance" : `the job ${jobs.join(", ")} on this instance`;
    out.print(`There is no recovery point of ${whose}. See what a run would do: ec2-backup plan`);
    return;
  }
  const rows = points.map((point) => [
    formatInstant(point.captured.toISOString()),
    point.job,
    stateOf(point),
    point.consistency,
    String(point.snapshots.length),
    point.stored === undefined ? formatBytes(sizeOf(point)) : sizeWords(sizeOf(point)).replace("size ", ""),
    [
      point.id,
      ...imageOf(point),
      ...storedIn(point),
      ...point.holds.map((hold) => `held by ${hold.by}`),
      ...(beyond?.has(point.id) ? ["beyond retention"] : []),
      ...copiesOf(point, copies).map(({ region, state }) => `${state} in ${region}`),
    ].join(" "),
  ]);
  const head = ["CAPTURED", "JOB", "STATE", "CONSISTENCY", "SNAPSHOTS", "SIZE", "POINT"];
  for (const line of table(head, rows, out.width)) out.print(line);
  const regular = points.filter((point) => point.image === undefined);
  const complete = regular.filter((point) => point.state === "complete").length;
  const images = points.length - regular.length;
  const beside = images === 0 ? "" : `; beside them ${images} of images`;
  out.print(`${counted(regular.length, "point")}, ${complete} complete${beside}`);
  for (const one of copies) printRegion(one, points, out);
  if (beyond === undefined) return;
  const over = points.filter(({ id }) => beyond.has(id)).length;
  if (over > 0) out.print(`${over} beyond retention: pruned by another role (prune: elsewhere)`);
}

function storedIn({ stored, snapshots }: RecoveryPoint): string[] {
  const [first] = snapshots;
  return stored === undefined ? [] : [`${first?.volumeId ?? stored.content} in ${stored.repository}`];
}

function imageOf({ image }: RecoveryPoint): string[] {
  return image === undefined ? [] : [`image${image.id === undefined ? "" : ` ${image.id}`}`];
}

function stateOf(point: RecoveryPoint): string {
  if (point.state !== "pending") return point.state;
  const known = point.snapshots.map((one) => (one.state === "completed" ? 100 : (one.progress ?? 0)));
  const percent = known.reduce((sum, one) => sum + one, 0) / Math.max(1, known.length);
  return `pending ${Math.round(percent)} %`;
}

/** What lies in another Region of one job. */
export interface CopiesListed {
  readonly job: { readonly name: string };
  readonly target: { readonly region: string };
  readonly points: readonly RecoveryPoint[];
  readonly bad: readonly object[];
}

/** Where else a point is, and in what state. */
function copiesOf({ id, job }: RecoveryPoint, copies: readonly CopiesListed[]) {
  return copies
    .filter((one) => one.job.name === job)
    .flatMap(({ target: { region }, points }) => {
      const copy = points.find((one) => one.id === id);
      return copy === undefined ? [] : [{ region, state: copy.state }];
    });
}

function printRegion(
  { job, target: { region }, points: there, bad }: CopiesListed,
  here: readonly RecoveryPoint[],
  out: Terminal,
): void {
  const ids = new Set(here.map(({ id }) => id));
  const complete = there.filter(({ state }) => state === "complete");
  const only = complete.filter(({ id }) => !ids.has(id)).length;
  const facts = [
    `${counted(complete.length, "point")} complete`,
    ...(there.length > complete.length ? [`${there.length - complete.length} not yet`] : []),
    ...(only > 0 ? [`${only} only there`] : []),
    ...(bad.length > 0 ? [out.paint("red", `${bad.length} failed`)] : []),
  ];
  const text = `Copies of ${job.name} in ${region}: ${facts.join(", ")} (ec2-backup restore list --region ${region})`;
  printParagraph(text, out);
}

/** A point as `list --json` shows it. */
export function pointJson(
  point: RecoveryPoint,
  beyond?: ReadonlySet<string>,
  copies: readonly CopiesListed[] = [],
) {
  const elsewhere = copiesOf(point, copies);
  const { run, job, series, name, recipe, holds } = point;
  const { bytes, ...summary } = summaryOf(point);
  return {
    ...summary,
    ...(isSizeKnown(point) && { bytes }),
    run,
    job,
    series,
    ...(name === undefined ? {} : { name }),
    recipe,
    holds,
    ...(point.stored && { stored: point.stored }),
    ...(beyond?.has(point.id) ? { beyondRetention: true } : {}),
    ...(elsewhere.length > 0 && { copies: elsewhere }),
  };
}
