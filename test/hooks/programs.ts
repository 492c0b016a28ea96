import { chmod, copyFile, readFile } from "node:fs/promises";
import path from "node:path";

/** What each program under `programs/` does when it is a hook's command, and what follows from it. */
export const programs = [
  { name: "succeeds", succeeds: true },
  {
    name: "fails",
    succeeds: false,
    found: /it ended with 3; its last output: starting \| the database said no/,
  },
  { name: "times-out", succeeds: false, found: /not done after .* told to end and did/ },
  { name: "ignores-term", succeeds: false, found: /not done after .* did not heed SIGTERM and was killed/ },
  { name: "forks-survivor", succeeds: true },
  { name: "prints-megabyte", succeeds: true },
] as const satisfies readonly { name: string; succeeds: boolean; found?: RegExp }[];

export type ProgramName = (typeof programs)[number]["name"];

/**
 * Copies a program into a directory, since those of a clone may be writable by a group. Its one argument
 * is what it appends, as a line, to the file that JOURNAL names.
 */
export async function program(name: ProgramName, directory: string): Promise<string> {
  const copy = path.join(directory, name);
  await copyFile(path.join(import.meta.dirname, "programs", name), copy);
  await chmod(copy, 0o755);
  return copy;
}

/** The lines of a journal, in the order in which programs wrote them. */
export async function journalOf(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}
