import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { isDaemon } from "../core/schedulers.ts";

/** What is looked for among the processes. */
export interface FoundProcesses {
  /** Daemons of this agent. */
  readonly daemons: readonly number[];
  /** Whether a daemon of cron runs. */
  readonly cronRuns: boolean;
}

const crons = new Set(["cron", "crond", "cronie", "fcron", "anacron", "systemd-cron"]);

/** Looks at all processes below /proc; one that ends meanwhile is none. */
export async function lookForProcesses(proc: string): Promise<FoundProcesses> {
  const pids = (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(
    pids.map(async (pid) => ({
      pid: Number(pid),
      words: (await text(path.join(proc, pid, "cmdline"))).split("\0").filter((word) => word !== ""),
      name: (await text(path.join(proc, pid, "comm"))).trim(),
    })),
  );
  return {
    daemons: all.filter(({ words }) => isDaemon(words)).map(({ pid }) => pid),
    cronRuns: all.some(({ name }) => crons.has(name)),
  };
}

async function text(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
