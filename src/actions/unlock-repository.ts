import { formatSpan } from "../core/duration.ts";
import type { Problem } from "../core/report.ts";
import type { StoreLock } from "../core/store-ports.ts";
import { type Done, opened, type UpkeepDeps } from "./upkeep.ts";

/** Removes the locks that nobody holds, and tells of the others who has them. */
export async function unlockRepository(
  { store, clock, state }: Pick<UpkeepDeps, "store" | "clock" | "state">,
  planned: boolean,
  signal: AbortSignal,
): Promise<Done> {
  const facts = await opened(store, state, signal);
  if (!planned) await store.unlock(signal);
  const left = (await store.locks(signal)).filter((lock) => !(planned && lock.dead));
  const problems = left.map((lock) => heldLock(store.config.name, lock, clock.now()));
  return { outcome: left.length === 0 ? "done" : "degraded", facts, problems };
}

/** A lock that is not known to be nobody's. */
function heldLock(name: string, lock: StoreLock, now: Date): Problem {
  const age = formatSpan(Math.max(0, now.getTime() - lock.since.getTime()) / 1000);
  const kind = lock.exclusive ? "an exclusive lock" : "a lock";
  return {
    severity: "error",
    kind: "locked",
    doing: `unlock the repository ${name}`,
    found: `process ${lock.pid} of ${lock.user} on ${lock.host} has ${kind} (${lock.id.slice(0, 8)}) for ${age}`,
    remedy: lock.dead
      ? "its process is gone: try again"
      : `see on ${lock.host} whether the process ${lock.pid} is at work; if it is gone, run \`restic unlock\` there, or ec2-backup repository unlock; restic takes a lock for abandoned after 30 min`,
  };
}
