import { type Terminal, wrapped } from "./terminal.ts";

type Style = Parameters<Terminal["paint"]>[0];

export interface ParagraphShape {
  /** Columns before each line. */
  readonly indent?: number;
  /** Columns more before each line but the first. */
  readonly hang?: number;
  /** Of all of it. */
  readonly style?: Style | undefined;
  /** A word at its beginning, in a colour of its own. */
  readonly mark?: { readonly word: string; readonly style: Style };
  /** Columns that it takes at most, however wide the terminal is. */
  readonly widest?: number;
}

/** Prints a text in as many lines as it needs. */
export function printParagraph(
  text: string,
  out: Terminal,
  { indent = 0, hang = 0, style, mark, widest = Number.POSITIVE_INFINITY }: ParagraphShape = {},
): void {
  const painted = (line: string, index: number): string => {
    if (index === 0 && mark !== undefined)
      return `${out.paint(mark.style, mark.word)}${line.slice(mark.word.length)}`;
    return style === undefined ? line : out.paint(style, line);
  };
  for (const [index, line] of wrapped(text, Math.min(out.width, widest) - indent - hang).entries())
    out.print(`${" ".repeat(index === 0 ? indent : indent + hang)}${painted(line, index)}`);
}
