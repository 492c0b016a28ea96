import { formatSpan } from "../core/duration.ts";
import { BackupError } from "../core/errors.ts";
import type { Problem } from "../core/report.ts";
import type { StoreLock } from "../core/store-answers.ts";
import { type Done, opened, type UpkeepDeps } from "./upkeep.ts";

/** How far this host may be ahead: who lives renews its lock each 5 min, and restic gives one up after 30. Milliseconds. */
const allowed = 15 * 60_000;

/** Removes the locks that nobody holds and tells which they were, and of the others who has them. */
export async function unlockRepository(
  { store, clock, state }: Pick<UpkeepDeps, "store" | "clock" | "state">,
  planned: boolean,
  signal: AbortSignal,
): Promise<Done> {
  const { name } = store.config;
  const facts = await opened(store, state, signal);
  const ahead = clock.now().getTime() - ((await store.clock(signal))?.now ?? clock.now()).getTime();
  if (ahead > allowed)
    throw new BackupError({
      kind: "refused",
      code: "ClockSkew",
      doing: `unlock the repository ${name}`,
      found: `the clock of this host is ${formatSpan(ahead / 1000)} ahead of the store's, by which restic would take locks of the living for abandoned`,
      remedy: "set the clock of this host, then try again",
    });
  const before = await store.locks(signal);
  if (!planned) await store.unlock(signal);
  const left = planned ? before.filter(({ dead }) => !dead) : await store.locks(signal);
  const gone = before.filter(({ id }) => !left.some((one) => one.id === id));
  const verb = planned ? "would be removed" : "removed";
  const problems = [
    ...gone.map(({ id, pid, user, host }) =>
      notice(name, `${verb}: the lock ${id.slice(0, 8)} of process ${pid} of ${user} on ${host}`),
    ),
    ...(before.length + left.length === 0 ? [notice(name, "there is no lock")] : []),
    ...left.map((lock) => heldLock(name, lock, clock.now())),
  ];
  return { outcome: left.length === 0 ? "done" : "degraded", facts, problems };
}

function notice(name: string, found: string): Problem {
  return { severity: "notice", kind: "locked", doing: `unlock the repository ${name}`, found };
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
