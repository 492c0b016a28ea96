import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import type { Contender, Work } from "../contender.ts";

const program = (work: Work) => process.env.BENCH_AGENT ?? path.join(work.root, "dist/ec2-backup.js");

const missing = (work: Work): string | undefined =>
  existsSync(program(work)) ? undefined : `${program(work)} is not built`;

/** Those of this machine's own agent, if it has one, are no business of a benchmark. */
export function ownFolders(folder: string): Record<string, string> {
  const cache = path.join(folder, "cache");
  // Nothing is kept below a directory that is not there.
  mkdirSync(cache, { recursive: true });
  return { STATE_DIRECTORY: path.join(folder, "state"), CACHE_DIRECTORY: cache };
}

/** The shipped command as cron starts it. */
export const agent: Contender = {
  name: "ec2-backup run",
  missing,
  command: (work) => [process.execPath, program(work), "run", "--config", work.config],
  env: (work) => ownFolders(work.folder),
};
