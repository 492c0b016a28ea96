import type { RecoveryPoint } from "../core/recovery-point.ts";
import { sizeOf } from "../core/recovery-point.ts";
import { offsetAt } from "../core/zone.ts";
import { printParagraph } from "./paragraph.ts";
import { formatBytes, type Terminal, table } from "./terminal.ts";

/** What is shown of points, and the zone of their times. */
export interface PointsShown {
  readonly points: readonly RecoveryPoint[];
  /** How many there are, asked for or not. */
  readonly all: number;
  readonly zone: string;
  /** The Region that they are in, where that is not this instance's. */
  readonly away?: string;
  /** Whose points were asked for, where it was said. */
  readonly named?: string;
}

/** Prints the points that can be restored, newest first, in the zone in which `--at` is read. */
export function printRestorable({ points, all, zone, away, named }: PointsShown, out: Terminal): void {
  if (points.length === 0) {
    const nobody =
      named === undefined
        ? "There is no recovery point. Those of another instance: ec2-backup restore list --instance NAME"
        : `No point here is of an instance whose Name tag, id or ARN is "${named}" (names are told apart by case; points in another Region: --region)`;
    const none =
      all === 0 ? nobody : `None of the ${all} points is as asked for. See all: ec2-backup restore list`;
    printParagraph(none, out);
    return;
  }
  const head = ["CAPTURED", "JOB", "STATE", "CONSISTENCY", "VOLS", "SIZE", "POINT"];
  printByMachine(points, head, out, (point, short) => [
    formatLocal(point.captured, zone),
    point.job || "-",
    pointState(point),
    kindOf(point),
    String(point.snapshots.length),
    formatBytes(sizeOf(point)),
    short(point.id),
  ]);
  const times = `Times are of ${zone}, as --at reads them.`;
  if (away === undefined) printParagraph(`${times} Restore: ec2-backup restore volumes --point POINT`, out);
  else
    printParagraph(
      `${times} These are in ${away}. How to bring one here: ec2-backup restore volumes --region ${away} --point POINT`,
      out,
    );
}

/** A table of each machine's points; below its name where there are several. */
export function printByMachine(
  points: readonly RecoveryPoint[],
  head: readonly string[],
  out: Terminal,
  cells: (point: RecoveryPoint, short: (id: string) => string) => readonly string[],
): void {
  const machines = Map.groupBy(points, ({ instanceArn }) => instanceArn);
  const short = shortener(points);
  for (const [arn, own] of machines) {
    if (machines.size > 1) out.print(out.paint("bold", `${own[0]?.name ?? ""} ${arn}`.trim()));
    const rows = own.map((point) => cells(point, short));
    for (const line of table(head, rows, out.width)) out.print(line);
  }
}

/** How consistent the point is, and whether it is an image, in no more room than the column has anyway. */
export function kindOf({ consistency, image }: RecoveryPoint): string {
  return image === undefined ? consistency : `${consistency} image`;
}

/** Archived members are as good as none until they are brought back. */
export function pointState(point: RecoveryPoint): string {
  const archived = point.snapshots.some((one) => one.archived);
  return archived ? "archived" : point.state;
}

/** The beginning of an id that tells it from all others; of a UUID of version 7, the instant and some. */
export function shortener(points: readonly { readonly id: string }[]): (id: string) => string {
  const ids = [...new Set(points.map(({ id }) => id))];
  return (id) => {
    for (let length = 13; length < id.length; length += 1) {
      const start = id.slice(0, length);
      if (ids.filter((one) => one.startsWith(start)).length === 1) return start;
    }
    return id;
  };
}

/** "2026-11-01 03:00" as the zone's clocks showed it. */
export function formatLocal(date: Date, zone: string): string {
  const local = new Date(date.getTime() + offsetAt(zone, date.getTime()));
  return local.toISOString().slice(0, 16).replace("T", " ");
}
