import type { CopyResult, EntryKind, FileEntry } from "../core/file-ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { Choice } from "../core/restore-choice.ts";
import type { RestorePlan } from "../core/restore-plan.ts";
import { formatLocal } from "./restore-list.ts";
import { field, printObstacle } from "./restore-volumes.ts";
import { formatBytes, type Terminal } from "./terminal.ts";

/** What is shown before anything is done. */
export interface FilesPlanShown {
  readonly path: string;
  readonly choice: Choice;
  readonly ways: readonly {
    readonly volumes: readonly string[];
    readonly paths: readonly string[];
    readonly because: string;
    readonly plan: RestorePlan;
  }[];
  readonly to?: string;
  readonly zone: string;
}

/** Prints which point it is, of which volumes copies would be made for the path, and where its copy would go. */
export function printFilesPlan({ path, choice, ways, to, zone }: FilesPlanShown, out: Terminal): void {
  const { point } = choice;
  out.print(out.paint("bold", printable(path)));
  field("point", pointText(point, zone), out);
  field("chosen", choice.because, out);
  if (to !== undefined) field("to", printable(to), out);
  for (const [index, { volumes, paths, because, plan }] of ways.entries()) {
    out.print("");
    out.print(
      `${index === 0 ? "A copy" : "If it is not there, a copy"} of ${volumes.join(", ")} for a while`,
    );
    field("because", because, out);
    field("names", paths.map(printable).join(" or "), out);
    for (const { request, device } of plan.volumes)
      field("made of", `${request.snapshot}, ${request.sizeGiB} GiB ${request.type}, at ${device}`, out);
    for (const obstacle of plan.obstacles) printObstacle(obstacle, out);
  }
}

/** Prints entries as `ls -l` would, with the numbers of the owners, whom this host may call otherwise. */
export function printListing(entries: readonly FileEntry[], zone: string, out: Terminal): void {
  // What a repository lists has no number of links.
  const hasLinks = entries.some(({ links }) => links !== undefined);
  const cells = entries.map((entry) => [
    modeText(entry),
    ...(hasLinks ? [String(entry.links ?? "-")] : []),
    String(entry.uid),
    String(entry.gid),
    String(entry.size),
  ]);
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(0, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  for (const [index, entry] of entries.entries()) {
    const row = cells[index] ?? [];
    const front = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    const target = entry.target === undefined ? "" : ` -> ${printable(entry.target)}`;
    out.print(`${front.join(" ")} ${formatLocal(entry.changed, zone)} ${printable(entry.name)}${target}`);
  }
}

/** Prints where the copy is and what it is a copy of. */
export function printCopied(
  path: string,
  copied: CopyResult,
  point: RecoveryPoint,
  zone: string,
  out: Terminal,
): void {
  const { entries, bytes, to, continued, kept, notes } = copied;
  out.print(out.paint("bold", printable(to)));
  const goneOn = continued ? ", of which an earlier command had made a part" : "";
  field("holds", `${entries} ${entries === 1 ? "entry" : "entries"}, ${formatBytes(bytes)}${goneOn}`, out);
  field("is", `${printable(path)} as it was in the point`, out);
  field("point", pointText(point, zone), out);
  for (const one of kept.slice(0, most)) field("left", `${printable(one)}, which was there already`, out);
  if (kept.length > most) field("left", `and ${kept.length - most} more`, out);
  for (const note of notes) field("note", note, out);
}

/** How many of many are named. */
const most = 10;

function pointText({ id, captured, consistency }: RecoveryPoint, zone: string): string {
  return `${formatLocal(captured, zone)} (${zone}), ${consistency}-consistent, ${id}`;
}

const letters: Readonly<Record<EntryKind, string>> = {
  file: "-",
  directory: "d",
  link: "l",
  pipe: "p",
  socket: "s",
  "block device": "b",
  "character device": "c",
};

/** `drwxr-sr-t` */
export function modeText({ kind, mode }: Pick<FileEntry, "kind" | "mode">): string {
  const group = (shift: number, special: boolean, letter: string): string => {
    const bits = mode >> shift;
    const runs = (bits & 1) !== 0;
    const last = special ? (runs ? letter : letter.toUpperCase()) : runs ? "x" : "-";
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
  };
  const [setuid, setgid, sticky] = [0o4000, 0o2000, 0o1000].map((bit) => (mode & bit) !== 0);
  return `${letters[kind]}${group(6, setuid === true, "s")}${group(3, setgid === true, "s")}${group(0, sticky === true, "t")}`;
}

/** Names are anybody's: what a terminal would obey, or show as nothing, is shown as its code. */
export function printable(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`);
}
