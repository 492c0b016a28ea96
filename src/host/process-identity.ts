import { readdirSync, readFileSync } from "node:fs";
import { parseProcessStat } from "./process-stat.ts";
import { runProgram } from "./run-program.ts";

/** A process and when it began: a number alone may be somebody else's by now. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, as the kernel writes them. */
  readonly start: string;
}

/** The process of that number; absent if there is none, or only what its parent has not yet buried. */
export function processOf(pid: number): ProcessIdentity | undefined {
  try {
    const { isDead, start } = parseProcessStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
    return isDead ? undefined : { pid, start };
  } catch {
    return undefined;
  }
}

export function isAlive({ pid, start }: ProcessIdentity): boolean {
  return processOf(pid)?.start === start;
}

/** How long a shell may take to send a signal. Milliseconds. */
const patience = 2_000;

/** Sends a signal by name to a process if it is still the one that is meant. */
export async function signalProcess(one: ProcessIdentity, signal: string, sh: string): Promise<void> {
  if (isAlive(one))
    await runProgram(sh, ["-c", 'kill -s "$1" "$2"', "sh", signal, String(one.pid)], { timeout: patience });
}

/** Sends a signal by name to all processes of a group that was begun by one of ours. */
export async function signalGroup(leader: number, signal: string, sh: string): Promise<void> {
  const words = ["-c", 'kill -s "$1" -- "-$2"', "sh", signal, String(leader)];
  await runProgram(sh, words, { timeout: patience });
}

/** Whether any living process of a group has the word among its arguments. */
export function groupHas(group: number, word: string): boolean {
  return readdirSync("/proc").some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      if (parseProcessStat(readFileSync(`/proc/${name}/stat`, "latin1")).group !== group) return false;
      return readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").includes(word);
    } catch {
      return false;
    }
  });
}

/** Tells one boot of the machine from another. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
