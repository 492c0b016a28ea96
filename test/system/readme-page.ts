import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect } from "vitest";

/** A command of the page, and the lines below it that it is said to print. */
export interface Shown {
  readonly chapter: string;
  readonly command: string;
  readonly lines: readonly string[];
}

/** The commands of a section of README.md, in order: lines of console blocks that begin with `$`. */
export async function commandsOf(section: string): Promise<readonly Shown[]> {
  const text = await readFile(path.resolve(import.meta.dirname, "../../README.md"), "utf8");
  const [, page = ""] = text.split(`\n## ${section}\n`);
  const found: { chapter: string; command: string; lines: string[] }[] = [];
  let chapter = "";
  let inside = false;
  for (const line of page.split(/\n## /)[0]?.split("\n") ?? []) {
    if (line.startsWith("### ")) chapter = line.slice(4);
    else if (line.startsWith("```")) inside = line === "```console";
    else if (inside && line.startsWith("$ ")) found.push({ chapter, command: line.slice(2), lines: [] });
    else if (inside) {
      const last = found.at(-1);
      if (last?.command.endsWith("\\") && last.lines.length === 0)
        last.command = `${last.command.slice(0, -1)}${line.trim()}`;
      else last?.lines.push(line);
    }
  }
  return found;
}

/** Where a page's commands are typed. */
export interface Stage {
  /** Before the first command of a chapter. */
  enter(chapter: string): Promise<unknown>;
  type(command: string): Promise<{
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

/** Types all commands in their order: each is to work, and to print what the page says. */
export async function typePage(page: readonly Shown[], stage: Stage): Promise<void> {
  let chapter = "";
  for (const shown of page) {
    if (shown.chapter !== chapter) await stage.enter(shown.chapter);
    chapter = shown.chapter;
    const { code, stdout, stderr } = await stage.type(shown.command);
    const where = `${chapter}: ${shown.command}\n${stdout}${stderr}`;
    expect(code, where).toBe(0);
    expect(missingLines(shown.lines, stdout), where).toEqual([]);
  }
}

/** What stands for itself on the page and is another thing each time. */
const varying: readonly RegExp[] = [
  /\d{4}-\d\d-\d\d \d\d:\d\d/,
  /\d{4}-\d\d-\d\d/,
  /\b(vol|snap|i|ami|restore|replacevol)-[0-9a-f]{8,17}/,
  /\b[0-9a-f]{8}-[0-9a-f]{4}(-[0-9a-f]{4}){0,2}(-[0-9a-f]{12})?/,
  /\/dev\/[a-z0-9/]+/,
  /\d+(\.\d+)? (GiB|MiB|KiB|B)\b/,
  /\s+/,
];

/** The lines of the page that are not among what was printed, in this order; `…` stands for anything. */
export function missingLines(lines: readonly string[], printed: string): readonly string[] {
  const left = printed.split("\n");
  return lines
    .filter((line) => line.trim() !== "" && line.trim() !== "…")
    .filter((line) => {
      const at = left.findIndex((one) => patternOf(line).test(one));
      if (at < 0) return true;
      left.splice(0, at + 1);
      return false;
    });
}

function patternOf(line: string): RegExp {
  const any = new RegExp(`…|${varying.map(({ source }) => `(?:${source})`).join("|")}`, "g");
  let source = "";
  let at = 0;
  for (const match of line.matchAll(any)) {
    source += literal(line.slice(at, match.index));
    const kind = varying.find((one) => new RegExp(`^(?:${one.source})$`).test(match[0]));
    // Another id, but of the same kind of thing.
    const [, prefix] = /^([a-z]+)-[0-9a-f]+$/.exec(match[0]) ?? [];
    if (prefix !== undefined && kind !== undefined) source += `${prefix}-[0-9a-f]{8,17}`;
    else source += kind === undefined ? ".*" : `(?:${kind.source})`;
    at = match.index + match[0].length;
  }
  return new RegExp(`^${source}${literal(line.slice(at))}\\s*$`);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
