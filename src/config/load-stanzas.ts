import { readFile } from "node:fs/promises";
import { BackupError } from "../core/errors.ts";
import type { Stanza } from "../core/stanzas.ts";
import { formatFault } from "./fault.ts";
import { readStanzas } from "./stanzas.ts";

/** The stanzas of a file. Throws with all its faults: what half a file asks for is not what was asked for. */
export async function loadStanzas(path: string): Promise<readonly Stanza[]> {
  const doing = `read the stanzas of ${path}`;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    const found = code === "ENOENT" ? "no such file" : code;
    throw new BackupError({ kind: "configuration", doing, found, code });
  }
  const read = readStanzas(text, path);
  if (read.ok) return read.stanzas;
  throw new BackupError({ kind: "configuration", doing, found: read.faults.map(formatFault).join("\n") });
}
