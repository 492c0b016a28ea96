import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";

/** Removes the empty files of a directory that have such a name, and gives their names. */
export async function removeEmpty(directory: string, named: RegExp): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const name of await readdir(directory)) {
    const file = path.join(directory, name);
    const found = named.test(name) ? await stat(file) : undefined;
    if (found?.isFile() !== true || found.size > 0) continue;
    await rm(file);
    removed.push(name);
  }
  return removed;
}
