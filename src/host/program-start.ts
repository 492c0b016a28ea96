import { readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { systemDirectories } from "./system-path.ts";

/** What packages start the program by. */
const starter = "/usr/bin/ec2-backup";

/**
 * The words that start this program, whatever the PATH: the starter of a package, where it starts this very program;
 * else Node and the program by their paths. A link of the system to Node goes before the place that it leads to, which
 * the next upgrade of Node may take away.
 * @param execPath the Node that runs us. @param program what was started, maybe by a link.
 */
export async function programStart(execPath: string, program: string): Promise<readonly string[]> {
  const real = await realpath(program);
  if (await starts(starter, path.dirname(path.dirname(real)))) return [starter];
  // The program as one file brings its own Node.
  if (real === execPath) return [real];
  return [await stableName(execPath), real];
}

/** A small script that names the place of the program. */
async function starts(file: string, place: string): Promise<boolean> {
  try {
    const { size } = await stat(file);
    if (size > 16 * 1024 || (await realpath(file)).startsWith(`${place}/dist/`)) return false;
    return (await readFile(file, "utf8")).includes(`${place}/`);
  } catch {
    return false;
  }
}

async function stableName(execPath: string): Promise<string> {
  for (const directory of systemDirectories) {
    const file = `${directory}/${path.basename(execPath)}`;
    const leadsTo = await realpath(file).catch(() => undefined);
    if (leadsTo === execPath) return file;
  }
  return execPath;
}
