import { type FaultyFile, type ParsedFile, parseWith } from "./parse.ts";
import { fileSchema } from "./whole-schema.ts";

/** Reads the text of a configuration file. Never throws; reports all faults at once, in their order in the file. */
export function parseConfig(
  text: string,
  name: string,
): { readonly ok: true; readonly file: ParsedFile } | FaultyFile {
  return parseWith(fileSchema, text, name);
}
