import { counted } from "../core/counted.ts";
import type { StoredEntry } from "../core/store-ports.ts";
import type { DiffAnswer, FindAnswer } from "../core/stored-answer.ts";
import { type StoredChange, toldChanges } from "../core/stored-diff.ts";
import { printable } from "./restore-files.ts";
import { formatLocal, shortener } from "./restore-list.ts";
import { entriesText, pointText } from "./restore-stored.ts";
import { field } from "./restore-volumes.ts";
import { formatBytes, type Terminal } from "./terminal.ts";

/** What `restore find` shows. */
export interface FoundShown extends FindAnswer {
  readonly pattern: string;
  readonly every: boolean;
  readonly notes: readonly string[];
}

/** Prints what was found: size, time and path; with all points also how many have that version, and the newest one. */
export function printFound(
  { pattern, every, points, versions, zone, notes }: FoundShown,
  out: Terminal,
): void {
  const short = shortener(points);
  const cells = versions.map(({ entry, points: of }) => [
    sizeText(entry),
    entry.mtime === undefined ? "" : formatLocal(entry.mtime, zone),
    ...(every ? [String(of.length), short(of[0]?.id ?? "")] : []),
  ]);
  const head = ["SIZE", "CHANGED", ...(every ? ["POINTS", "NEWEST"] : []), "PATH"];
  const widths = head.map((title, at) => Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[], last: string): string =>
    [
      ...row.map((cell, at) => (at === 0 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0))),
      last,
    ].join("  ");
  if (versions.length > 0) out.print(line(head.slice(0, -1), "PATH"));
  for (const [index, { entry }] of versions.entries())
    out.print(line(cells[index] ?? [], `${printable(entry.path)}${entry.type === "dir" ? "/" : ""}`));
  const [newest] = points;
  const where = every
    ? `${counted(points.length, "point")}`
    : newest === undefined
      ? "no point"
      : "the point";
  const what =
    versions.length === 0
      ? `Nothing is called ${printable(pattern)} in`
      : `${every ? counted(versions.length, "version") : entriesText(versions.length)} in`;
  out.print(`${what} ${where}${every || newest === undefined ? "" : ` ${pointText(newest, zone)}`}`);
  for (const note of notes) field("note", note, out);
}

/** What `restore diff` shows. */
export interface DiffShown extends DiffAnswer {
  readonly notes: readonly string[];
}

const marks: Readonly<Record<StoredChange["change"], string>> = {
  added: "+",
  removed: "-",
  content: "M",
  attributes: "a",
  kind: "T",
};

/** Prints each change with a mark; what came or went with its directory is counted there. */
export function printDiff(
  { before, after, changes, sum, zone, exact, notes }: DiffShown,
  out: Terminal,
): void {
  out.print(`${out.paint("bold", "from")} ${pointText(before, zone)}`);
  out.print(`${out.paint("bold", "to")}   ${pointText(after, zone)}`);
  if (changes.length > 0) out.print("");
  for (const { path, change, before: was, after: is, below } of toldChanges(changes)) {
    const isDirectory = (is ?? was)?.type === "dir";
    const inside = below === 0 ? "" : `  with ${below} more below it`;
    out.print(
      `${marks[change]} ${printable(path)}${isDirectory ? "/" : ""}${inside}${detail(change, was, is, zone)}`,
    );
  }
  if (changes.length > 0) out.print("");
  const { added, removed, changed, bytesBefore, bytesAfter } = sum;
  const sizes = `${formatBytes(bytesBefore)} then, ${formatBytes(bytesAfter)} now`;
  out.print(
    `${added} added (+), ${removed} removed (-), ${changed} changed (M content, a attributes, T kind)`,
  );
  out.print(
    `Files are ${sizes}; ${exact ? "contents were compared" : "files of the same size and time are taken for the same"}`,
  );
  for (const note of notes) field("note", note, out);
}

function detail(
  change: StoredChange["change"],
  was: StoredEntry | undefined,
  is: StoredEntry | undefined,
  zone: string,
): string {
  if (was === undefined || is === undefined) {
    const { size, type } = was ?? is ?? {};
    return type === "file" && size !== undefined ? `  ${formatBytes(size)}` : "";
  }
  if (change === "content") return `  ${sizeText(was)} -> ${sizeText(is)}`;
  if (change === "kind") return `  ${was.type} -> ${is.type}`;
  const parts = [
    was.mode === is.mode ? "" : `mode ${octal(was.mode)} -> ${octal(is.mode)}`,
    was.uid === is.uid && was.gid === is.gid ? "" : `owner ${was.uid}:${was.gid} -> ${is.uid}:${is.gid}`,
    was.mtime?.getTime() === is.mtime?.getTime() || is.mtime === undefined
      ? ""
      : `time ${formatLocal(is.mtime, zone)}`,
  ].filter((one) => one !== "");
  return `  ${parts.join(", ")}`;
}

function octal(mode: number | undefined): string {
  return mode === undefined ? "?" : (mode & 0o7777).toString(8);
}

function sizeText({ type, size }: StoredEntry): string {
  return type === "file" && size !== undefined ? formatBytes(size) : "-";
}
