import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { parseProcessStat } from "./process-stat.ts";

/** The kernel's clock ticks in a second, as it tells them to programs, and how far two clocks of one host may differ. */
const [ticks, margin] = [100, 60_000];

/**
 * Whether the process that now has a number can be the `program` that had it at an instant: after a boot, or in a new
 * container, it is soon somebody else's. True where nobody can tell.
 */
export function canBeTaker(pid: number, program: string, since: Date): boolean {
  try {
    const { isDead, start } = parseProcessStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
    if (isDead) return false;
    // A clock that was set since then tells another beginning, but no other name.
    if (readFileSync(`/proc/${pid}/comm`, "utf8").includes(program)) return true;
    const began = Date.now() - (uptime() - Number(start) / ticks) * 1_000;
    return began <= since.getTime() + margin;
  } catch {
    return true;
  }
}
