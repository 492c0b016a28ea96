import { formatFault } from "../../src/config/fault.ts";
import type { ParsedFile } from "../../src/config/parse.ts";
import { parseConfig } from "../../src/config/parse-whole.ts";

/** The parsed file of a text that must be good. */
export function fileOf(text: string): ParsedFile {
  const parsed = parseConfig(text, "config.yaml");
  if (!parsed.ok) throw new Error(parsed.faults.map(formatFault).join("\n"));
  return parsed.file;
}
