import type { ParsedFile } from "./parse.ts";
import { type Path, pathText } from "./path.ts";

/** Where each value in force comes from: `built-in`, `config.yaml:12`, `tag Retention`, `flag --all`. */
export class Origins {
  readonly record: Record<string, string> = {};
  readonly #file: ParsedFile | undefined;

  constructor(file: ParsedFile | undefined) {
    this.#file = file;
  }

  /** The value of the file, or the built-in one; keeps in mind which it was. */
  pick<T>(path: Path, fromFile: T | undefined, builtIn: T): T {
    this.record[pathText(path)] = fromFile === undefined ? "built-in" : this.inFile(path);
    return fromFile === undefined ? builtIn : fromFile;
  }

  /** Notes an origin that is neither the file nor built in, or one that stands elsewhere in the file. */
  note(path: Path, origin: string): void {
    this.record[pathText(path)] = origin;
  }

  /** Notes every value of a section that stands in the file; false if there is none. */
  given(path: Path, section: object): boolean {
    const entries = Object.entries(section);
    for (const [key, value] of entries) {
      const here = [...path, key];
      if (typeof value === "object" && !Array.isArray(value)) this.given(here, value as object);
      else this.note(here, this.inFile(here));
    }
    return entries.length > 0;
  }

  /** Forgets values that are no longer in force. */
  drop(path: Path): void {
    delete this.record[pathText(path)];
  }

  /** The origin of a value that stands in the file. */
  inFile(path: Path): string {
    const line = this.#file?.lineOf(path);
    const name = this.#file?.name ?? "file";
    return line === undefined ? name : `${name}:${line}`;
  }
}
