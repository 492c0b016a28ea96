import { readdir, readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { parseProcessStat } from "./process-stat.ts";

/** Sends a signal to a process, to a group by its negative id, or asks by 0 whether there is one; throws as Node does. */
export type Kill = (pid: number, signal: NodeJS.Signals | 0) => void;

/** Processes that a command has left behind, told from later ones that got the same ids. */
export interface LeftBehind {
  readonly group: number;
  /** `pid starttime` of each. */
  readonly members: ReadonlySet<string>;
}

/** Milliseconds between two looks at a group that was told to end. */
const look = 20;

/** Whether a group still has members; those that cannot be signalled count. */
function isThere(group: number, kill: Kill): boolean {
  try {
    kill(-group, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/**
 * Ends a whole group: SIGTERM, after the grace SIGKILL, then at most the grace again, since a process that
 * waits for a frozen filesystem cannot even be killed. Milliseconds.
 */
export async function endGroup(
  group: number,
  grace: number,
  kill: Kill,
): Promise<"ended" | "killed" | "stuck"> {
  if (await ended(group, "SIGTERM", grace, kill)) return "ended";
  return (await ended(group, "SIGKILL", grace, kill)) ? "killed" : "stuck";
}

async function ended(group: number, signal: NodeJS.Signals, wait: number, kill: Kill): Promise<boolean> {
  const until = performance.now() + wait;
  try {
    kill(-group, signal);
  } catch {
    // Gone, or not ours to end; the look below tells which.
  }
  while (isThere(group, kill)) {
    // In a container whose first process collects no children the dead stay members.
    if (performance.now() >= until) return (await livingMembers(group))?.size === 0;
    await pause(Math.min(look, wait));
  }
  return true;
}

/** What a command whose first process has ended leaves in its group. */
export async function leftBehind(group: number, kill: Kill): Promise<LeftBehind | undefined> {
  if (!isThere(group, kill)) return undefined;
  const members = await livingMembers(group);
  return members === undefined || members.size === 0 ? undefined : { group, members };
}

/** Ends what was left behind, as long as the group certainly is still the same. */
export async function endLeftBehind(
  { group, members }: LeftBehind,
  grace: number,
  kill: Kill,
): Promise<void> {
  const now = await livingMembers(group);
  if (now !== undefined && [...members].some((one) => now.has(one))) await endGroup(group, grace, kill);
}

/** `pid starttime` of each; absent where the system does not show its processes. */
async function livingMembers(group: number): Promise<Set<string> | undefined> {
  const names = await readdir("/proc").catch(() => undefined);
  if (names === undefined) return undefined;
  const members = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(memberOf));
  return new Set(members.flatMap((one) => (one?.group === group ? [one.id] : [])));
}

async function memberOf(pid: string): Promise<{ group: number; id: string } | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return undefined;
  const { isDead, group, start } = parseProcessStat(stat);
  return isDead ? undefined : { group, id: `${pid} ${start}` };
}
