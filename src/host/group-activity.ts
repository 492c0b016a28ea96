import { readdir, readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { parseProcessStat } from "./process-stat.ts";

/** Milliseconds between two looks. */
const longestPause = 10_000;
const shortestPause = 20;

/**
 * Resolves when no process of a group has read, written or computed anything for so many milliseconds; never while one
 * waits for the reader of what it writes, since then that reader is slow, nor where the system does not show it.
 * `unheld` is told at each look of which that is not so: what it makes is then still to come.
 */
export async function groupIdle(
  group: number,
  idle: number,
  signal: AbortSignal,
  unheld?: () => void,
): Promise<void> {
  const every = Math.min(longestPause, Math.max(shortestPause, idle / 10));
  let last: string | undefined;
  let since = performance.now();
  for (;;) {
    const now = await activityOf(group);
    if (now === undefined || now !== last) since = performance.now();
    if (now !== undefined) unheld?.();
    last = now;
    if (performance.now() - since >= idle) return;
    await pause(every, undefined, { signal });
  }
}

/** What a group has done so far; absent where that cannot be told, or where it waits for its reader. */
async function activityOf(group: number): Promise<string | undefined> {
  const names = await readdir("/proc").catch(() => []);
  const members = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map((pid) => doneBy(pid, group)),
  );
  return members.includes(undefined) ? undefined : members.filter((one) => one !== "").join(" ");
}

/** Empty for a process of another group. */
async function doneBy(pid: string, group: number): Promise<string | undefined> {
  const read = (what: string): Promise<string | undefined> =>
    readFile(`/proc/${pid}/${what}`, "utf8").catch(() => undefined);
  const stat = await read("stat");
  if (stat === undefined) return "";
  const about = parseProcessStat(stat);
  if (about.isDead || about.group !== group) return "";
  const [io, wait] = await Promise.all([read("io"), read("wchan")]);
  if (io === undefined || /pipe_write/.test(wait ?? "")) return undefined;
  const bytes = /rchar: (\d+)\nwchar: (\d+)/.exec(io);
  return `${pid}:${about.ticks}:${bytes?.[1]}:${bytes?.[2]}`;
}
