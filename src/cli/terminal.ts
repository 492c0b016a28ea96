import { styleText } from "node:util";

/** Where a command prints, and what that place can show. */
export interface Terminal {
  /** Writes a line to stdout. */
  print(line: string): void;
  readonly paint: (style: "bold" | "dim" | "green" | "yellow" | "red", text: string) => string;
  /** Columns of the terminal; where stdout is no terminal, wide enough for anything. */
  readonly width: number;
}

export function terminal(
  stdout: { write(text: string): unknown; isTTY?: boolean; columns?: number },
  color: boolean,
): Terminal {
  const colored = color && stdout.isTTY === true;
  return {
    print: (line) => void stdout.write(`${line}\n`),
    paint: (style, text) => (colored ? styleText(style, text, { validateStream: false }) : text),
    width: stdout.isTTY === true ? stdout.columns || 80 : Number.POSITIVE_INFINITY,
  };
}

/**
 * Rows under a head, in columns as wide as their widest cell. Nothing is cut, since ids are copied and
 * reasons are read: what the last column has no room for goes on below.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const last = head.length - 1;
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const margin = widths.slice(0, last).reduce((sum, column) => sum + column + 2, 0);
  return [head, ...rows].flatMap((row) => {
    const front = row.slice(0, last).map((cell, column) => cell.padEnd(widths[column] ?? 0));
    return withLast(front.map((cell) => `${cell}  `).join(""), row[last] ?? "", margin, width);
  });
}

const narrowest = 24;

function withLast(front: string, text: string, margin: number, width: number): string[] {
  if (margin + text.length <= width) return [`${front}${text}`.trimEnd()];
  const room = width - margin;
  if (room < narrowest) return [front.trimEnd(), ...wrapped(text, width - 4).map((line) => `    ${line}`)];
  return wrapped(text, room).map((line, index) =>
    index === 0 ? `${front}${line}` : " ".repeat(margin) + line,
  );
}

/** Lines of whole words; a word that is longer than a line has one of its own. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** "1.5 GiB"; bytes as people compare them. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** The size of a point: restic before 0.17 does not tell that of a snapshot. */
export function sizeWords(bytes: number): string {
  return bytes === 0 ? "size unknown" : formatBytes(bytes);
}

/** "2026-11-01 02:00:07Z": sortable, and the zone is never in doubt. */
export function formatInstant(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")}Z`;
}
