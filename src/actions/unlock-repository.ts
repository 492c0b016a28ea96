import { formatSpan } from "../core/duration.ts";
import { BackupError } from "../core/errors.ts";
import type { Problem } from "../core/report.ts";
import type { StoreLock } from "../core/store-ports.ts";
import { type Done, opened, type UpkeepDeps } from "./upkeep.ts";

/** How far this host may be ahead: who lives renews its lock each 5 min, and restic gives one up after 30. Milliseconds. */
const allowed = 15 * 60_000;

/** Removes the locks that nobody holds, and tells of the others who has them. */
export async function unlockRepository(
  { store, clock, state }: Pick<UpkeepDeps, "store" | "clock" | "state">,
  planned: boolean,
  signal: AbortSignal,
): Promise<Done> {
  const facts = await opened(store, state, signal);
  const ahead = clock.now().getTime() - ((await store.clock(signal))?.now ?? clock.now()).getTime();
  if (ahead > allowed)
    throw new BackupError({
      kind: "refused",
      code: "ClockSkew",
      doing: `unlock the repository ${store.config.name}`,
      found: `the clock of this host is ${formatSpan(ahead / 1000)} ahead of the store's, by which restic would take locks of the living for abandoned`,
      remedy: "set the clock of this host, then try again",
    });
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
