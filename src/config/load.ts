import { constants } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import type { Fault } from "./fault.ts";
import { fromKept, type KeptFiles, toKept } from "./kept-file.ts";
import type { FaultyFile, ParsedFile } from "./parse.ts";
import { distrustOf } from "./trust.ts";

/** What became of the attempt to read the configuration file. */
export type Loaded =
  | { readonly ok: true; readonly absent?: never; readonly file: ParsedFile; readonly text: string }
  | (FaultyFile & { readonly absent?: never })
  | { readonly ok?: never; readonly absent: true };

const largest = 1024 * 1024;

/**
 * Reads the configuration file. `uid` is the agent's user, absent on Windows. Never throws: whatever is
 * wrong with the file is a fault. Neither a host without the file nor one whose file is as it was before, if that
 * is `kept`, loads the YAML parser.
 */
export async function loadFile(
  path: string,
  { uid, kept }: { readonly uid: number | undefined; readonly kept?: KeptFiles | undefined },
): Promise<Loaded> {
  let handle: FileHandle;
  try {
    // A FIFO in the file's place would otherwise keep us waiting for a writer.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return (await isAbsent(path, error)) ? { absent: true } : faulty(unreadable(path, error));
  }
  const text = await readTrusted(handle, path, uid)
    .catch((error: unknown) => [unreadable(path, error)])
    .finally(() => handle.close());
  if (typeof text !== "string") return { ok: false, faults: text };
  const known = await kept?.find(text);
  if (known !== undefined) return { ok: true, file: fromKept(known, nameOf(path)), text };
  const parsed = await parsedFrom(text, nameOf(path));
  if (!parsed.ok) return parsed;
  await kept?.keep(text, toKept(parsed.file));
  return { ...parsed, text };
}

/** What is good without what sweeps and last runs go by is good; all else is judged by the whole schema. */
async function parsedFrom(text: string, name: string) {
  const { parseLean } = await import("./parse.ts");
  const lean = parseLean(text, name);
  return lean.ok ? lean : (await import("./parse-whole.ts")).parseConfig(text, name);
}

/** The text of the file, judged and read through one handle, so that nothing can be exchanged in between. */
async function readTrusted(
  handle: FileHandle,
  path: string,
  uid: number | undefined,
): Promise<string | Fault[]> {
  const stats = await handle.stat();
  if (!stats.isFile()) return [fault(path, "a file", stats.isDirectory() ? "a directory" : "something else")];
  const distrust = await distrustOf(path, stats, uid);
  if (distrust.length > 0) return distrust;
  if (stats.size > largest) return [fault(path, "a file of at most 1 MiB", `${stats.size} bytes`)];
  const bytes = await handle.readFile();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return [fault(path, "text in UTF-8", "bytes that are none", "save the file as UTF-8")];
  }
}

/** A link to nothing is a mistake to be told, not a host without a configuration. */
async function isAbsent(path: string, error: unknown): Promise<boolean> {
  if (codeOf(error) !== "ENOENT") return false;
  return lstat(path).then(
    () => false,
    () => true,
  );
}

function unreadable(path: string, error: unknown): Fault {
  const code = codeOf(error);
  if (code === "ENOENT") return fault(path, "a file", "a symbolic link to nothing");
  if (code === "EACCES" || code === "EPERM") {
    return fault(
      path,
      "a file that the agent can read",
      `${code} on reading it`,
      "run as root or let the agent read it",
    );
  }
  return fault(path, "a readable file", code ?? String(error));
}

function fault(place: string, expected: string, found: string, remedy?: string): Fault {
  return { place, path: "", expected, found, ...(remedy === undefined ? {} : { remedy }) };
}

function faulty(one: Fault): FaultyFile {
  return { ok: false, faults: [one] };
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function nameOf(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}
