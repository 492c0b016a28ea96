import { dumpLoading } from "../core/dump-loading.ts";
import { isMixed, isSizeKnown, type RecoveryPoint, sizeOf } from "../core/recovery-point.ts";
import type { StoredAnswer } from "../core/stored-answer.ts";
import { printParagraph } from "./paragraph.ts";
import { printable, printCopied } from "./restore-files.ts";
import { formatLocal, type PointsShown, pointState, printByMachine } from "./restore-list.ts";
import { field } from "./restore-volumes.ts";
import { formatBytes, type Terminal } from "./terminal.ts";

/** What is shown of a restore from a repository. */
export interface StoredShown {
  readonly paths: readonly string[];
  readonly answer: StoredAnswer;
  /** Why it is a repository, where something else could be. */
  readonly because?: string;
  /** What stood in for what. */
  readonly notes: readonly string[];
}

/** Prints which point of which repository it is, and what would be brought where. */
export function printStoredPlan({ paths, answer, because, notes }: StoredShown, out: Terminal): void {
  const { choice, zone, repository, items } = answer;
  out.print(out.paint("bold", paths.map(printable).join(", ")));
  field("point", pointText(choice.point, zone), out);
  field("chosen", choice.because, out);
  field("from", fromText(repository, because), out);
  for (const note of notes) field("note", note, out);
  for (const { path, to, entries, bytes } of items) {
    out.print("");
    field("what", `${printable(path)}: ${entriesText(entries)}, ${formatBytes(bytes)}`, out);
    field("to", to === "-" ? "standard output" : printable(to), out);
  }
  out.print("");
  out.print("Nothing has been done: leave out --dry-run");
}

/** Prints where the copies are and what they are copies of. */
export function printStoredDone({ answer, because, notes }: StoredShown, out: Terminal): void {
  const { choice, zone, repository, items } = answer;
  for (const { asked, copied } of items)
    if (copied !== undefined) {
      printCopied(asked, copied, choice.point, zone, out);
      printLoading(choice.point, copied.to, out);
    }
  if (items.length === 0) out.print("There is nothing in it.");
  field("from", fromText(repository, because), out);
  for (const note of notes) field("note", note, out);
}

/** How a dump is loaded: the lines as they are, since what is wrapped could not be copied. */
function printLoading(point: RecoveryPoint, file: string, out: Terminal): void {
  const { notes = [], lines = [] } = dumpLoading(point, file) ?? {};
  for (const note of notes) field("note", note, out);
  if (lines.length === 0) return;
  out.print("  load it:");
  for (const line of lines) out.print(`    ${line}`);
}

function fromText(repository: string, because: string | undefined): string {
  return `the repository ${repository}${because === undefined ? "" : `; ${because}`}`;
}

/** "1 entry", "2 entries". */
export function entriesText(count: number): string {
  return `${count} ${count === 1 ? "entry" : "entries"}`;
}

/** A point in the words that all restores use for it. */
export function pointText({ id, captured, consistency }: RecoveryPoint, zone: string): string {
  return `${formatLocal(captured, zone)} (${zone}), ${consistency}-consistent, ${id}`;
}

/** Prints points of which some are in repositories, newest first, in the zone in which `--at` is read. */
export function printStored({ points, zone }: PointsShown, out: Terminal): void {
  const head = ["CAPTURED", "JOB", "STATE", "HOLDS", "SIZE", "IN", "POINT"];
  printByMachine(points, head, out, (point, short) => [
    formatLocal(point.captured, zone),
    point.job || "-",
    isMixed(point) ? "held" : pointState(point),
    holdsText(point),
    sizeText(point),
    point.stored?.repository ?? "EBS",
    short(point.id),
  ]);
  const text = `Times are of ${zone}, as --at reads them. Restore: ec2-backup restore file PATH --point POINT, or restore cat dump/NAME`;
  printParagraph(text, out);
}

function holdsText({ stored, snapshots }: RecoveryPoint): string {
  if (stored !== undefined) return stored.source;
  return snapshots.length === 1 ? "1 volume" : `${snapshots.length} volumes`;
}

function sizeText(point: RecoveryPoint): string {
  return isSizeKnown(point) ? formatBytes(sizeOf(point)) : "-";
}
