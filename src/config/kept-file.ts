import type { ParsedFile } from "./parse.ts";
import { type Path, pathText } from "./path.ts";

/** A file that was found good, as plain data. */
export interface KeptFile {
  readonly config: ParsedFile["config"];
  /** The line of each key, by the path that leads to its value. */
  readonly lines: readonly (readonly [string, number])[];
}

/**
 * What was made of texts before. Nothing else than the text and the program decides what comes of it, so who has
 * seen it once needs neither the YAML parser nor the schema.
 */
export interface KeptFiles {
  find(text: string): Promise<KeptFile | undefined>;
  /** Never rejects: what cannot be kept is parsed again. */
  keep(text: string, file: KeptFile): Promise<void>;
}

export function toKept({ config, lineOf }: ParsedFile): KeptFile {
  const lines: [string, number][] = [];
  const walk = (value: unknown, path: Path): void => {
    const line = lineOf(path);
    if (line !== undefined) lines.push([pathText(path), line]);
    if (typeof value !== "object" || value === null) return;
    const isList = Array.isArray(value);
    for (const [key, child] of Object.entries(value)) walk(child, [...path, isList ? Number(key) : key]);
  };
  walk(config, []);
  return { config, lines };
}

/** The same file again, under the name by which it was found this time. */
export function fromKept({ config, lines }: KeptFile, name: string): ParsedFile {
  const known = new Map(lines);
  return {
    name,
    config,
    // As in the document itself: a value that is not there is looked for where it would be.
    lineOf(path) {
      for (let length = path.length; length >= 0; length -= 1) {
        const line = known.get(pathText(path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return undefined;
    },
  };
}
