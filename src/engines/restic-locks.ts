import { formatSpan } from "../core/duration.ts";
import { BackupError, interrupted } from "../core/errors.ts";
import type { StoreLock } from "../core/store-answers.ts";
import { systemClock } from "../host/clock.ts";
import { hostname } from "../host/host-name.ts";
import { canBeTaker } from "../host/lock-taker.ts";
import { processOf } from "../host/process-identity.ts";
import { killedCode } from "./restic-failure.ts";
import { messageOf, numberIn, textIn } from "./restic-messages.ts";
import type { ResticRunner } from "./restic-runner.ts";

/** restic takes a lock for left behind that nobody has renewed for half an hour, whoever's it is. Milliseconds. */
const restless = 25 * 60_000;
/**
 * A younger lock of this host's name restic asks for its process, by SIGHUP: that ends a stranger who has got the number
 * since then, and the lock stays all the same. Milliseconds.
 */
const signalled = 31 * 60_000;
/** Between two tries. Milliseconds. */
const [firstPause, longestPause] = [500, 10_000];

const doing = "list the locks";

/** The names of all locks, of those too that cannot be read. */
export async function lockIds(runner: ResticRunner, signal: AbortSignal): Promise<readonly string[]> {
  const ids: string[] = [];
  const line = (text: string): void => void (/^[0-9a-f]{64}$/.test(text) && ids.push(text));
  await runner.run({ doing, words: ["list", "locks", "--no-lock"], line }, signal);
  return ids;
}

/** The locks as they are now; one that goes meanwhile is left out. */
export async function locksOf(runner: ResticRunner, signal: AbortSignal): Promise<readonly StoreLock[]> {
  const locks: StoreLock[] = [];
  for (const id of await lockIds(runner, signal)) {
    const text: string[] = [];
    const words = ["cat", "lock", id, "--no-lock"];
    const end = await runner.run(
      { doing, words, line: (one) => text.push(one), accept: ({ code }) => code === 1 },
      signal,
    );
    const lock = end.code === 0 ? lockOf(id, text.join(""), runner) : undefined;
    if (lock !== undefined) locks.push(lock);
  }
  return locks;
}

function lockOf(id: string, text: string, { ground }: ResticRunner): StoreLock | undefined {
  const message = messageOf(text);
  const since = new Date(message === undefined ? "" : (textIn(message, "time") ?? ""));
  if (message === undefined || Number.isNaN(since.getTime())) return undefined;
  const host = textIn(message, "hostname") ?? "";
  const pid = numberIn(message, "pid") ?? 0;
  const found = host === hostname() && pid > 0 ? reached(pid, ground.kill) : undefined;
  const dead = found === "none" || (found !== undefined && !canBeTaker(pid, "restic", since));
  return {
    id,
    host,
    pid,
    user: textIn(message, "username") ?? "",
    since,
    exclusive: message["exclusive"] === true,
    dead,
    ...(dead && found === "ours" && processOf(pid) !== undefined ? { taken: true } : {}),
  };
}

/** Whether there is a process of a number, and whether signals of ours reach it. */
function reached(pid: number, kill: (pid: number, signal: 0) => void): "ours" | "theirs" | "none" {
  try {
    kill(pid, 0);
    return "ours";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH" ? "none" : "theirs";
  }
}

const unlocking = "remove locks that were left behind";

/** Removes the locks of which restic can tell that nobody holds them. */
export async function unlock(runner: ResticRunner, signal: AbortSignal): Promise<void> {
  refuseSignals(runner, await locksOf(runner, signal));
  await runner.run({ doing: unlocking, words: ["unlock"] }, signal);
}

/** Throws where restic would send a signal to a process that is none of restic's. */
function refuseSignals({ config }: ResticRunner, locks: readonly StoreLock[]): void {
  const one = locks.find(isSignalled);
  if (one === undefined) return;
  throw new BackupError({
    kind: "locked",
    code: "RepositoryLocked",
    doing: `${unlocking} (repository ${config.name})`,
    found: `process ${one.pid} of ${one.host}, which has left one, is gone, and its number is another program's by now, to which restic would send SIGHUP`,
    remedy: `try again in ${formatSpan((signalled - ageOf(one)) / 1000)}: it is removed without a signal then`,
  });
}

function isSignalled(lock: StoreLock): boolean {
  return lock.taken === true && ageOf(lock) < signalled;
}

function ageOf({ since }: StoreLock): number {
  return Date.now() - since.getTime();
}

/**
 * Does what needs a lock, as soon as nobody else holds one that stands against it, and for as long as the repository's
 * `lockWait` says. A lock of a process of this host that is gone is removed. `others` are asked for locks beside it.
 */
export async function whenUnlocked<T>(
  runner: ResticRunner,
  signal: AbortSignal,
  act: () => Promise<T>,
  others: readonly ResticRunner[] = [],
): Promise<T> {
  const until = performance.now() + runner.config.lockWait;
  const cleared = new Set<string>();
  for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
    try {
      return await act();
    } catch (error) {
      if (error instanceof BackupError && error.code === killedCode)
        for (const one of [runner, ...others]) await clearDead(one, signal).catch(() => undefined);
      if (!(error instanceof BackupError) || error.kind !== "locked") throw error;
      let again = false;
      const found: StoreLock[] = [];
      for (const one of [runner, ...others]) {
        const locks = await locksOf(one, signal);
        found.push(...locks);
        again = (await clear(one, locks, cleared, signal)) || again;
      }
      if (again) continue;
      const left = until - performance.now();
      if (left <= 0) throw stillLocked(error, found, runner);
      await systemClock.sleep(Math.min(pause, left), signal);
      if (signal.aborted) throw interrupted(error.doing);
    }
  }
}

/** Removes what locks a killed restic of this host has left, which would keep other hosts waiting. */
export async function clearDead(runner: ResticRunner, signal: AbortSignal): Promise<void> {
  const locks = await locksOf(runner, signal);
  refuseSignals(runner, locks);
  await clear(runner, locks, new Set(), signal);
}

/**
 * Removes the locks of the dead, unless restic would take one of somebody else with them, and tells whether there are
 * new ones among them. restic itself takes a killed process for alive until its parent has heard of its end: what
 * stays is tried again.
 */
async function clear(
  runner: ResticRunner,
  locks: readonly StoreLock[],
  cleared: Set<string>,
  signal: AbortSignal,
): Promise<boolean> {
  const dead = locks.filter((one) => one.dead);
  const doubtful = locks.some((one) => (one.dead ? isSignalled(one) : ageOf(one) > restless));
  if (dead.length === 0 || doubtful) return false;
  const isNew = dead.some((one) => !cleared.has(one.id));
  for (const one of dead) cleared.add(one.id);
  await runner.run({ doing: unlocking, words: ["unlock"] }, signal);
  return isNew;
}

/** Whose locks these are, for how long, in words. */
export function holdersOf(locks: readonly StoreLock[]): readonly string[] {
  return locks.map((lock) => {
    const age = formatSpan(Math.max(0, ageOf(lock)) / 1000);
    const how = lock.exclusive ? ", exclusively" : "";
    return `process ${lock.pid} of ${lock.host}${how} for ${age}${lock.dead ? ", which is gone" : ""}`;
  });
}

function stillLocked(error: BackupError, locks: readonly StoreLock[], { config }: ResticRunner): BackupError {
  const holders = holdersOf(locks);
  const found = holders.length === 0 ? error.found : `it is locked by ${holders.join("; ")}`;
  const remedy = `wait for it, allow more by lockWait, or if that process is gone: ec2-backup repository unlock ${config.name}`;
  return new BackupError(
    { kind: "locked", doing: error.doing, found, remedy, code: "RepositoryLocked" },
    { cause: error },
  );
}
