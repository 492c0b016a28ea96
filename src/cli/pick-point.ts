import { BackupError } from "../core/errors.ts";
import { type RecoveryPoint, sizeOf } from "../core/recovery-point.ts";
import type { Dialogue } from "./dialogue.ts";
import { printParagraph } from "./paragraph.ts";
import { formatLocal, kindOf, pointState } from "./restore-list.ts";
import { formatBytes, type Terminal, table, wrapped } from "./terminal.ts";

/** The points to choose from. */
export interface PointsOffered {
  /** Newest first. */
  readonly points: readonly RecoveryPoint[];
  /** In which their times are told. */
  readonly zone: string;
  /** Against which their ages are told. */
  readonly now: Date;
}

/** A point with the number that it keeps while others are searched, and the cells of its line. */
interface Line {
  readonly number: number;
  readonly point: RecoveryPoint;
  readonly cells: readonly string[];
}

const head = ["#", "CAPTURED", "AGE", "CONSISTENCY", "SIZE", "STATE", "JOB"];
/** Lines that stand around the list. */
const around = 5;

/**
 * Has somebody choose a point at a terminal, and gives its id. Enter alone takes the newest complete one of those that
 * are shown, unless they are of several machines. Throws `not-found` where there is none to choose, `usage` when
 * nothing was chosen, `interrupted`.
 */
export async function pickPoint(offered: PointsOffered, dialogue: Dialogue, out: Terminal): Promise<string> {
  const all = linesOf(offered);
  if (all.length === 0) throw nothingThere();
  const room = Math.max(3, dialogue.rows - around);
  let shown: readonly Line[] = all;
  let first = 0;
  for (;;) {
    const preset = presetOf(shown);
    printPage(shown, { first, room, zone: offered.zone }, out);
    const answer = await dialogue.ask(promptOf(first + room < shown.length, first > 0, preset));
    if (answer === undefined || /^q(uit)?$/i.test(answer)) throw nothingChosen();
    if (answer === "" && preset !== undefined) return preset.point.id;
    const chosen = all.find(({ number }) => String(number) === answer);
    if (chosen !== undefined) return chosen.point.id;
    if (/^n$/i.test(answer)) first = first + room < shown.length ? first + room : first;
    else if (/^p$/i.test(answer)) first = Math.max(0, first - room);
    else {
      const found = searched(all, answer);
      if (found.length === 0) out.print(out.paint("yellow", `No point has ${answer}.`));
      shown = found.length === 0 ? all : found;
      first = 0;
    }
  }
}

function linesOf({ points, zone, now }: PointsOffered): readonly Line[] {
  const several = new Set(points.map(({ instanceArn }) => instanceArn)).size > 1;
  return points.map((point, index) => {
    const machine = point.instanceArn.split("/").at(-1) ?? "";
    return {
      number: index + 1,
      point,
      cells: [
        String(index + 1),
        formatLocal(point.captured, zone),
        formatAge(now.getTime() - point.captured.getTime()),
        kindOf(point),
        formatBytes(sizeOf(point)),
        pointState(point),
        [point.job || "-", ...(several ? [`of ${machine}`] : [])].join(" "),
      ],
    };
  });
}

/** Every word must be in the line, in the id or in the Name tag of its machine. */
function searched(lines: readonly Line[], text: string): readonly Line[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return lines.filter(({ cells, point }) => {
    const all = [...cells.slice(1), point.id, point.name ?? ""].join(" ").toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

function presetOf(lines: readonly Line[]): Line | undefined {
  if (new Set(lines.map(({ point }) => point.instanceArn)).size > 1) return undefined;
  const complete = lines.filter(({ point }) => pointState(point) === "complete");
  return complete.find(({ point }) => point.image === undefined) ?? complete[0];
}

function printPage(
  lines: readonly Line[],
  { first, room, zone }: { readonly first: number; readonly room: number; readonly zone: string },
  out: Terminal,
): void {
  const page = lines.slice(first, first + room);
  const which = lines.length > room ? ` (${first + 1} to ${first + page.length} of ${lines.length})` : "";
  out.print("");
  const title = `Points, newest first, in the time of ${zone}${which}`;
  printParagraph(title, out, { style: "bold" });
  const rows = table(
    head,
    page.map(({ cells }) => cells),
    out.width,
  );
  for (const row of rows) out.print(row);
}

function promptOf(next: boolean, previous: boolean, preset: Line | undefined): string {
  const words = [
    "a number, or words to search for",
    ...(next ? ["n: next page"] : []),
    ...(previous ? ["p: previous page"] : []),
    "q: leave",
    preset === undefined ? "Enter: all of them again" : `Enter: ${preset.number}, the newest complete one`,
  ];
  const text = wrapped(words.join("; "), 78).join("\n");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}\n> `;
}

/** "26h": of what is as old as a point, one unit says enough. */
export function formatAge(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  if (minutes < 120) return `${minutes}m`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)}h` : `${Math.floor(minutes / 1_440)}d`;
}

const doing = "choose the point to restore";

function nothingThere(): BackupError {
  return new BackupError({
    kind: "not-found",
    doing,
    found: "there is no recovery point that was asked for",
    remedy: "see all with `ec2-backup restore list`, those of another instance with --instance",
  });
}

function nothingChosen(): BackupError {
  return new BackupError({
    kind: "usage",
    doing,
    found: "none was chosen",
    remedy: "nothing has been done; name one with --at or --point, or run this again",
  });
}
